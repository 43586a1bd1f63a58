//! Pairing: the device gets its name, its token and the keys from the edge, by an address that works once.

use crate::edge::http_client;
use crate::store;
pub use crate::store::Identity;
use anyhow::{Context, bail, ensure};
use node::sqlite;
use node::view::TheatreRef;
use reqwest::Url;
use serde::Deserialize;
use shared::ids::TheatreId;
use shared::keys::{KeyRing, PublicKey};
use std::path::Path;
use std::time::Duration;

#[derive(Deserialize)]
struct Paired {
    device: String,
    name: String,
    token: String,
    theatre: TheatreRef,
    root_key: String,
    certificates: Vec<String>,
}

/// Pairs the device of this data directory with the edge behind the address.
///
/// # Errors
/// If the address does not work (any more), the edge's answer cannot be trusted, or scans made for another theatre have not
/// been delivered yet.
pub async fn pair(url: &str, data: &Path) -> anyhow::Result<Identity> {
    let url: Url = url.parse().with_context(|| format!("read the pairing address {url:?}"))?;
    ensure!(url.scheme() == "http" || url.scheme() == "https", "a pairing address begins with http:// or https://");
    let _lock = sqlite::lock(data)?;
    let mut db = sqlite::open(&data.join(store::FILE), &store::SCHEMA)?;
    let before = store::identity(&db)?;
    let edge = url.origin().ascii_serialization();
    let paired = ask(url).await.with_context(|| format!("pair with {edge}"))?;
    let identity = Identity {
        edge,
        device: paired.device,
        door: paired.name,
        token: paired.token,
        theatre: TheatreId(paired.theatre.id),
        theatre_name: paired.theatre.name,
        root_key: PublicKey::from_hex(&paired.root_key).context("read the root key")?,
    };
    if before.is_some_and(|before| before.theatre != identity.theatre) {
        let queued = store::queued_count(&db)? + u64::from(!store::queued_departures(&db, 1)?.is_empty());
        ensure!(
            queued == 0,
            "{queued} or more scans and departures for another theatre are not delivered: use another data directory"
        );
    }
    let mut ring = KeyRing::new(identity.root_key, identity.theatre);
    for certificate in &paired.certificates {
        ring.add(certificate).context("check a certificate against the root key")?;
    }
    let tx = db.transaction()?;
    store::pair(&tx, &identity, &paired.certificates)?;
    tx.commit().context("store the identity")?;
    Ok(identity)
}

async fn ask(url: Url) -> anyhow::Result<Paired> {
    let request = http_client()?.post(url).timeout(Duration::from_secs(10));
    let response = request.send().await.context("reach the edge")?;
    let status = response.status();
    if !status.is_success() {
        bail!("the edge answered {status}: a pairing address works once and not for ever");
    }
    response.json().await.context("read the edge's answer")
}
