//! Every route of central.

use crate::bookings::{lookup, of_contact};
use crate::fleet::{boxes, discrepancies, found, imports, link_status, overrides, prices, show};
use crate::office::{App, show_id};
use crate::payments::{notice, request};
use crate::{bookings, discovery, events, holds, pages, site, tickets};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use node::problem::Problem;
use node::{health, openapi};
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// What `/openapi.json` answers.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The customers' and operators' routes, the gateway's, the pages, and health.
pub fn routes(app: App, registry: Arc<Registry>) -> Router {
    let asked = app.clone();
    Router::new()
        .route("/v1/cities", get(discovery::cities))
        .route("/v1/theatres", get(discovery::theatres))
        .route("/v1/movies", get(discovery::movies))
        .route("/v1/shows", get(discovery::shows))
        .route("/v1/search", get(discovery::search))
        .route("/v1/shows/{show}/seats", get(seats))
        .route("/v1/shows/{show}/events", get(events::events))
        .route("/v1/shows/{show}/holds", post(holds::place))
        .route("/v1/shows/{show}/cancellation", post(show::cancel))
        .route("/v1/shows/{show}/prices", get(prices::list).post(prices::set))
        .route("/v1/holds/{hold}", post(holds::renew).delete(holds::release))
        .route("/v1/bookings", get(of_contact::list).post(bookings::create))
        .route("/v1/bookings/lookup", post(lookup::look_up))
        .route("/v1/bookings/{booking}", get(bookings::show))
        .route("/v1/bookings/{booking}/payments", post(request::create))
        .route("/v1/bookings/{booking}/cancellation", post(bookings::cancel))
        .route("/v1/bookings/{booking}/tickets", get(tickets::list))
        .route("/v1/bookings/{booking}/tickets.pdf", get(tickets::document))
        .route("/v1/bookings/{booking}/tickets/{file}", get(tickets::picture))
        .route("/v1/webhooks/{gateway}", post(notice::receive))
        .route("/v1/theatres/{theatre}/link", get(link_status::link))
        .route("/v1/status", get(link_status::status))
        .route("/v1/discrepancies", get(discrepancies::list))
        .route("/v1/discrepancies/{n}/settlement", post(discrepancies::settle))
        .route("/v1/dead-letters", get(discrepancies::dead_letters))
        .route("/v1/dead-letters/{n}/replay", post(discrepancies::replay))
        .route("/v1/imports/{table}", post(imports::import).layer(DefaultBodyLimit::max(imports::PART_BYTES_MAX)))
        .route("/v1/theatres/{theatre}/box", post(boxes::enrol))
        .route("/v1/theatres/{theatre}/unknown", post(overrides::settle_unknown))
        .route("/v1/theatres/{theatre}/box/retire", post(overrides::retire))
        .route("/v1/theatres/{theatre}/box/take", post(overrides::take))
        .route("/v1/theatres/{theatre}/tickets/found", post(found::find))
        .route("/v1/theatres/{theatre}/open", post(overrides::open))
        .route("/v1/theatres/{theatre}/keys/{key}/revocation", post(overrides::revoke_key))
        .route("/", get(site::home))
        .route("/movies/{movie}", get(site::movie))
        .route("/shows/{show}", get(site::show))
        .route("/bookings", get(site::lookup))
        .route("/bookings/{booking}", get(site::booking))
        .merge(pages::router())
        .with_state(app)
        .merge(health::routes(registry, move || asked.readiness()))
        .merge(openapi::routes(DOCUMENT))
}

/// `GET /v1/shows/{id}/seats`: 304 where the client has this version.
async fn seats(State(app): State<App>, Path(show): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let map = app.seat_map(show_id(&show)?).await?;
    let tag = format!("\"{}\"", map.view.version);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, "application/json")], map.json.clone()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_describes_every_route_and_nothing_else() {
        let sources = [include_str!("router.rs"), include_str!("pages.rs")];
        assert_eq!(openapi::faults(DOCUMENT, &sources), Vec::<String>::new());
    }
}
