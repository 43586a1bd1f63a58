//! Who may use this device: pages on the machine itself, and pages of phones and tablets that came by the door's link.
//!
//! The link carries a key that the device has made for itself (`usher-scanner link` prints it, as text and as a picture); following it
//! once leaves the key with the browser. Whoever only shares the theatre's network gets a page that can do nothing.

use crate::server::Device;
use crate::store;
use anyhow::{Context, ensure};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use node::http::cookies;
use node::problem::{Params, Problem};
use node::sqlite::open_read_only;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use subtle::ConstantTimeEq;

const COOKIE: &str = "usher_door";
/// How long a browser keeps the key.
const KEPT_S: u32 = 365 * 24 * 3600;

/// The key of the link.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkQuery {
    key: String,
}

/// `GET /enter?key=`: leaves the key with the browser and shows the door.
///
/// # Errors
/// 403 `wrong_link`.
pub(crate) async fn enter(
    State(device): State<Arc<Device>>,
    Params(link): Params<LinkQuery>,
) -> Result<Response, Problem> {
    if !same(&link.key, &device.access_key) {
        return Err(Problem::forbidden("wrong_link", "This is not the link of this door: ask for a new one."));
    }
    let secure = if device.https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Strict{secure}", device.access_key);
    let cookie = HeaderValue::from_str(&cookie).context("write the door's cookie")?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static("/")), (header::SET_COOKIE, cookie)])
        .into_response())
}

/// Lets a request at the device, or answers 401 `page_not_known`.
pub(crate) async fn guard(State(device): State<Arc<Device>>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let from_here = from.is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback());
    if from_here && !device.config.guard_loopback || shows_key(request.headers(), &device.access_key) {
        return next.run(request).await;
    }
    let detail = "Open this page by the door's link: whoever set the device up has it.";
    Problem::unauthorized("page_not_known", detail).into_response()
}

fn shows_key(headers: &HeaderMap, key: &str) -> bool {
    cookies(headers, COOKIE).any(|value| same(value, key))
}

/// Compares in a time that tells nothing of how much is right.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The link by which pages of other machines come to the device that is served at `url`, and a picture of it for a terminal.
///
/// # Errors
/// If the device is not paired, its store cannot be read, or it serves HTTPS and the address is another one.
pub fn link(url: &str, data: &Path) -> anyhow::Result<(String, String)> {
    let db = open_read_only(&data.join(store::FILE))?;
    let key = store::access_key(&db).context("read the key of the door's link")?;
    let https = store::serves_https(&db).context("read how the door's page is served")?;
    ensure!(
        !https || url.starts_with("https://"),
        "this device serves its page over HTTPS: give its address as https://HOST:PORT, not {url}"
    );
    let link = format!("{}/enter?key={key}", url.trim_end_matches('/'));
    let picture = QrCode::new(&link).context("draw the door's link")?.render::<Dense1x2>().quiet_zone(true).build();
    Ok((link, picture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_among_other_cookies_and_no_other_is_it() {
        let headers = |cookie: &'static str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(cookie))]);
        for cookie in ["usher_door=abc", "a=b; usher_door=abc; c=d", "usher_door=x;usher_door=abc"] {
            assert!(shows_key(&headers(cookie), "abc"), "{cookie}");
        }
        for cookie in
            ["usher_door=ab", "usher_door=abcd", "usher_door=", "door=abc", "usher_door", "abc", "xusher_door=abc"]
        {
            assert!(!shows_key(&headers(cookie), "abc"), "{cookie}");
        }
    }
}
