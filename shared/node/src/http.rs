//! The HTTP server every program runs: request ids, security headers, compression, panics as problems, an end that comes.

mod connections;
mod cookies;
mod layers;
mod secured;

pub use cookies::cookies;
pub(crate) use layers::panic_text;
pub use layers::{REQUEST_ID, RequestTrace};
pub use secured::{BadCertificate, Certificate};

use crate::problem::{method_not_allowed, unknown_route};
use crate::shutdown::Shutdown;
use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::serve::{Listener, ListenerExt};
use connections::{Bounded, STILL_MAX, room_for_connections};
use secured::Secured;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

/// The most that a request body may have unless a route says otherwise, bytes.
pub const BODY_MAX: usize = 64 * 1024;

/// The most connections at a time: phones that look on at a seat map keep one each.
pub const CONNECTIONS_MAX: usize = 16_384;

/// How long requests under way may still take once the server should end.
const DRAIN_REQUESTS: Duration = Duration::from_secs(2);

/// After this the server is over, whatever its connections do.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// What a server allows pages and bodies.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Origins whose pages may show these pages in a frame; none by default.
    pub frame_ancestors: Vec<String>,
    /// Origins, or schemes such as `http:`, that these pages may show in a frame; none by default.
    pub frame_sources: Vec<String>,
    /// The most that a request body may have, bytes.
    pub body_max: usize,
    /// The most connections at a time, and no more than three quarters of the files that the process may open.
    pub connections_max: usize,
    /// So long a connection may stand still.
    pub still_max: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            frame_ancestors: Vec::new(),
            frame_sources: Vec::new(),
            body_max: BODY_MAX,
            connections_max: CONNECTIONS_MAX,
            still_max: STILL_MAX,
        }
    }
}

impl HttpLimits {
    fn content_security_policy(&self) -> String {
        let sources = |first: &str, more: &[String]| {
            let mut list = vec![first];
            list.extend(more.iter().map(String::as_str));
            list.join(" ")
        };
        let ancestors =
            if self.frame_ancestors.is_empty() { "'none'".into() } else { sources("'self'", &self.frame_ancestors) };
        let frames = sources("'self'", &self.frame_sources);
        format!(
            "default-src 'self'; object-src 'none'; base-uri 'none'; frame-src {frames}; frame-ancestors {ancestors}"
        )
    }
}

/// Serves until `shutdown`, then drains for at most 3 s. Answers without end (SSE, long polls) end with the signal.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> anyhow::Result<()> {
    serve_with(&HttpLimits::default(), listener, router, shutdown).await
}

/// [`serve`] with limits of its own.
///
/// # Errors
/// If the listener fails.
pub async fn serve_with(
    limits: &HttpLimits,
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    serve_whole(limits, listener, whole(router), shutdown).await
}

/// [`serve_with`] over HTTPS.
///
/// # Errors
/// If the listener fails.
pub async fn serve_secured(
    limits: &HttpLimits,
    certificate: Certificate,
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let listener = Secured::new(bounded(limits, listener), certificate);
    serve_at(limits, listener, whole(router), shutdown).await
}

/// [`serve_with`] for a router that has its own answer to unknown routes.
///
/// # Errors
/// If the listener fails.
pub async fn serve_whole(
    limits: &HttpLimits,
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    serve_at(limits, bounded(limits, listener), router, shutdown).await
}

fn bounded(limits: &HttpLimits, listener: TcpListener) -> Bounded {
    let most = room_for_connections().map_or(limits.connections_max, |room| room.min(limits.connections_max));
    Bounded::new(listener, most, limits.still_max)
}

async fn serve_at(
    limits: &HttpLimits,
    listener: impl Listener<Addr = SocketAddr>,
    router: Router,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("read the address of the listener")?;
    let service = layered_whole(limits, router, &shutdown).into_make_service_with_connect_info::<SocketAddr>();
    let drained = {
        let shutdown = shutdown.clone();
        async move { shutdown.wait().await }
    };
    // Tapped for nothing: the framework knows the address only of its own listeners.
    let listener = listener.tap_io(|_| ());
    let server = axum::serve(listener, service).with_graceful_shutdown(drained);
    let late = async {
        shutdown.wait().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tracing::info!(%address, "listening");
    tokio::select! {
        ended = async { server.await } => ended.with_context(|| format!("serve HTTP on {address}"))?,
        () = late => tracing::warn!(%address, "connections still open at the end of the drain"),
    }
    tracing::info!(%address, "stopped listening");
    Ok(())
}

/// The router with every layer that [`serve`] puts around it, for tests that call it without a socket.
pub fn layered(limits: &HttpLimits, router: Router, shutdown: &Shutdown) -> Router {
    layered_whole(limits, whole(router), shutdown)
}

/// The router with problems for routes and methods that it does not know.
pub fn whole(router: Router) -> Router {
    router.fallback(unknown_route).method_not_allowed_fallback(method_not_allowed)
}

fn layered_whole(limits: &HttpLimits, router: Router, shutdown: &Shutdown) -> Router {
    let policy = Arc::new(layers::SecurityHeaders::new(&limits.content_security_policy()));
    router
        .layer(DefaultBodyLimit::max(limits.body_max))
        .layer(map_response(layers::explain_plain_refusals))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(shutdown.clone(), layers::end_with_the_server))
        .layer(layers::compression())
        .layer(map_response(layers::weaken_tag_of_compressed))
        .layer(from_fn_with_state(policy, layers::set_security_headers))
        .layer(from_fn(layers::trace))
}

#[cfg(test)]
pub(crate) mod tests;
