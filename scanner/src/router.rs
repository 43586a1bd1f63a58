//! Every route of a door device.

use crate::server::Device;
use crate::{access, departures, frames, group, lock, lookup, overrides, page, scan, status, verdicts};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use node::{health, openapi};
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// What `/openapi.json` answers.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The door's routes, its page, and health.
pub(crate) fn routes(device: &Arc<Device>) -> Router {
    let mut registry = Registry::with_prefix("usher");
    device.metrics.register(&mut registry);
    device.writer.metrics().register(&mut registry);
    let asked = device.clone();
    Router::new()
        .route("/v1/scan", post(scan::scan))
        .route("/v1/groups", post(group::enter))
        .route("/v1/departures", post(departures::depart))
        .route("/v1/overrides", post(overrides::let_in))
        .route("/v1/lock", post(lock::lock))
        .route("/v1/unlock", post(lock::unlock))
        .route("/v1/frames", post(frames::decode).layer(DefaultBodyLimit::max(frames::POINTS_MAX)))
        .route("/v1/verdicts", get(verdicts::next))
        .route("/v1/tickets", get(lookup::find))
        .route("/v1/status", get(status::status))
        .route_layer(from_fn_with_state(device.clone(), access::guard))
        .route("/enter", get(access::enter))
        .with_state(device.clone())
        .merge(health::routes(Arc::new(registry), move || status::readiness(&asked)))
        .merge(openapi::routes(DOCUMENT))
        .merge(page::router())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_describes_every_route_and_nothing_else() {
        let sources = [include_str!("router.rs"), include_str!("page.rs")];
        assert_eq!(openapi::faults(DOCUMENT, &sources), Vec::<String>::new());
    }
}
