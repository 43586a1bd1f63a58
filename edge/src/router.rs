//! Every route of the box.

use crate::counter::{holds, prices, qr, sales, shows, sold, upi, void, withheld};
use crate::door::{self, departures, overrides, pairing, witness};
use crate::house::House;
use crate::printing::{drawer, requests as prints};
use crate::staff::{login, people};
use crate::till::{answered, day, refunds, reports, shifts, slips, unwitnessed};
use crate::{dead_letters, discrepancies, found, opening, page, signing, status};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use node::{health, openapi};
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// What `/openapi.json` answers.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The counter's and the doors' routes, the pages, and health.
pub fn routes(house: Arc<House>, registry: Arc<Registry>) -> Router {
    let asked = house.clone();
    Router::new()
        .route("/v1/status", get(status::status))
        .route("/v1/link", post(status::switch_link))
        .route("/v1/open", post(opening::open))
        .route("/v1/session", post(login::log_in).delete(login::log_out))
        .route("/v1/staff", get(people::list).post(people::add))
        .route("/v1/shows", get(shows::list).post(shows::add))
        .route("/v1/shows/{show}/cancellation", post(shows::cancel))
        .route("/v1/shows/{show}/door", get(departures::look).post(departures::set))
        .route("/v1/shows/{show}/seats", get(shows::seats))
        .route("/v1/shows/{show}/withheld", post(withheld::set))
        .route("/v1/prices", get(prices::list))
        .route("/v1/unknown", get(opening::unknown))
        .route("/v1/shows/{show}/unknown", post(opening::settle))
        .route("/v1/shows/{show}/holds", post(holds::place))
        .route("/v1/holds", get(holds::list))
        .route("/v1/holds/{hold}", post(holds::renew).delete(holds::release))
        .route("/v1/holds/{hold}/upi.svg", get(upi::code))
        .route("/v1/shows/{show}/sales", post(sales::sell))
        .route("/v1/sales", get(sold::find))
        .route("/v1/sales/{sale}/void", post(void::void))
        .route("/v1/sales/{sale}/prints", post(prints::print))
        .route("/v1/prints", get(prints::list))
        .route("/v1/prints/{file}", get(prints::read).post(prints::settle))
        .route("/v1/printers", get(prints::printers))
        .route("/v1/drawer", post(drawer::open))
        .route("/v1/shifts", get(shifts::list).post(shifts::open))
        .route("/v1/shifts/{shift}", get(shifts::look))
        .route("/v1/shifts/{shift}/cash", post(shifts::move_cash))
        .route("/v1/shifts/{shift}/close", post(shifts::close))
        .route("/v1/day", get(day::view))
        .route("/v1/unwitnessed", get(unwitnessed::list))
        .route("/v1/answered-for", get(answered::list))
        .route("/v1/z", get(shifts::reports))
        .route("/v1/z/{z}", get(shifts::report))
        .route("/v1/reports/{file}", get(reports::day))
        .route("/v1/till/check", get(reports::check))
        .route("/v1/refunds", get(refunds::list).post(refunds::give))
        .route("/v1/slips", get(slips::list))
        .route("/v1/slips/settlement", post(slips::settle))
        .route("/v1/tickets/{file}", get(qr::ticket))
        .route("/v1/tickets/found", post(found::find))
        .route("/v1/certificates/{file}", get(qr::certificate))
        .route("/v1/signing", post(signing::sign_at_once))
        .route("/v1/devices", get(pairing::list).post(pairing::add))
        .route("/v1/devices/pair", post(pairing::pair))
        .route("/v1/devices/{device}", post(pairing::declare))
        .route("/v1/devices/{device}/witness", post(witness::name))
        .route("/v1/door/feed", get(door::feed))
        .route("/v1/door/scans", post(door::scan))
        .route("/v1/door/departures", post(departures::depart))
        .route("/v1/door/overrides", post(overrides::let_in))
        .route("/v1/door/witness", post(witness::call).layer(DefaultBodyLimit::max(witness::BODY_MAX)))
        .route("/v1/discrepancies", get(discrepancies::list))
        .route("/v1/discrepancies/{n}/settlement", post(discrepancies::settle))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/{n}/replay", post(dead_letters::replay))
        .merge(page::router())
        .with_state(house)
        .merge(health::routes(registry, move || asked.readiness()))
        .merge(openapi::routes(DOCUMENT))
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
