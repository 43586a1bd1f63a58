//! A show's seats as customers may buy them now.

use super::house::House;
use crate::catalogue::theatres::Theatre;
use data_encoding::HEXLOWER;
use node::view::{CategoryView, MovieRef, RowView, SeatMapView, SeatView, ShowView, TheatreRef};
use sha2::{Digest, Sha256};
use shared::ids::{ShowId, TheatreId};
use shared::money::Money;
use shared::show::Show;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// The map of one show.
pub fn seat_map(house: &House, show: &Show, now: Timestamp) -> SeatMapView {
    let (link, _) = house.replica.link_state();
    let mut rows: Vec<RowView> = Vec::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut version = Sha256::new();
    version.update(link.word());
    for seat in show.plan.plan.seats() {
        let (state, by_claim) = house.replica.seat_state(show, seat.id, now);
        version.update(state.word());
        version.update([u8::from(by_claim)]);
        *counts.entry(state.word().to_owned()).or_default() += 1;
        let view = SeatView {
            label: seat.label(),
            number: seat.number,
            column: seat.column,
            category: seat.category,
            state: state.word().to_owned(),
            accessible: seat.accessible,
            by_claim,
        };
        match rows.last_mut() {
            Some(row) if row.label == seat.row => row.seats.push(view),
            _ => rows.push(RowView { label: seat.row.to_owned(), seats: vec![view] }),
        }
    }
    let categories = (0..).zip(&show.plan.plan.categories).filter_map(|(index, name)| {
        Some(CategoryView { name: name.clone(), price: show.price(index)? })
    });
    let free = counts.get("free").copied().unwrap_or_default();
    let mut view = show_view(&house.theatre, &house.zone, show, now);
    view.seats_free = Some(free);
    for part in [&view.state, &view.id] {
        version.update(part);
    }
    let version = HEXLOWER.encode(version.finalize().get(..8).unwrap_or_default());
    let categories: Vec<CategoryView> = categories.collect();
    SeatMapView { show: view, link: link.word().to_owned(), version, categories, rows, counts }
}

/// A show as lists carry it, without its free seats.
pub fn show_view(theatre: &Theatre, zone: &node::zone::Zone, show: &Show, now: Timestamp) -> ShowView {
    let facts = &show.facts;
    let state = match (show.cancelled, show.overlaps || facts.ends_at() <= now) {
        (true, _) => "cancelled",
        (false, true) => "ended",
        (false, false) => "on_sale",
    };
    let cheapest = facts.prices.iter().min().copied().unwrap_or_default();
    ShowView {
        id: ShowId { theatre: theatre.id, number: facts.number }.to_string(),
        movie: MovieRef { id: facts.movie.0, title: facts.title.clone() },
        theatre: theatre_ref(theatre.id, &theatre.name),
        screen: facts.screen.0,
        starts_at: zone.rfc3339(facts.starts_at()),
        ends_at: zone.rfc3339(facts.ends_at()),
        from: Money { minor: i64::from(cheapest), currency: facts.currency },
        seats_free: None,
        seats_count: u32::try_from(show.plan.plan.seats_count()).ok(),
        state: state.to_owned(),
    }
}

/// A theatre, short.
pub fn theatre_ref(id: TheatreId, name: &str) -> TheatreRef {
    TheatreRef { id: id.0, name: name.to_owned() }
}

