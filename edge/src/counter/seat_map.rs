//! Shows, seat maps and lines as they are answered.

use crate::identity::Identity;
use node::view::{CategoryView, LineView, MovieRef, RowView, SeatMapView, SeatView, ShowView};
use shared::ids::{SeatId, ShowId};
use shared::money::Money;
use shared::show::Show;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use sync_protocol::Replica;
use sync_protocol::replica::SeatState;

/// A show without its seats counted.
pub fn show_view(show: &Show, identity: &Identity, now: Timestamp) -> ShowView {
    let facts = &show.facts;
    let state = if show.cancelled {
        "cancelled"
    } else if show.overlaps || facts.ends_at() <= now {
        "ended"
    } else {
        "on_sale"
    };
    let cheapest = facts.prices.iter().min().copied().unwrap_or_default();
    ShowView {
        id: ShowId { theatre: identity.theatre, number: facts.number }.to_string(),
        movie: MovieRef { id: facts.movie.0, title: facts.title.clone() },
        theatre: identity.theatre_ref(),
        screen: facts.screen.0,
        starts_at: identity.zone.rfc3339(facts.starts_at()),
        ends_at: identity.zone.rfc3339(facts.ends_at()),
        from: Money { minor: i64::from(cheapest), currency: facts.currency },
        seats_free: None,
        seats_count: None,
        state: state.to_owned(),
    }
}

/// A show with its seats counted.
pub fn counted(replica: &Replica, show: &Show, identity: &Identity, now: Timestamp) -> ShowView {
    let free = show.plan.seats().filter(|(id, _)| replica.seat_state(show, *id, now).0 == SeatState::Free).count();
    let number = |count: usize| Some(u32::try_from(count).unwrap_or(u32::MAX));
    let seats_count = number(show.plan.plan.seats_count());
    ShowView { seats_free: number(free), seats_count, ..show_view(show, identity, now) }
}

/// The seats of a show as this box may sell them now.
pub fn seat_map(replica: &Replica, show: &Show, identity: &Identity, now: Timestamp) -> anyhow::Result<SeatMapView> {
    let mut rows: Vec<RowView> =
        show.plan.plan.rows.iter().map(|row| RowView { label: row.label.clone(), seats: Vec::new() }).collect();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (id, place) in show.plan.seats() {
        let (state, by_claim) = replica.seat_state(show, id, now);
        *counts.entry(state.word().to_owned()).or_default() += 1;
        let Some(row) = rows.get_mut(place.row_index) else { continue };
        row.seats.push(SeatView {
            label: show.plan.label(id),
            number: place.number,
            column: place.column,
            category: place.category,
            state: state.word().to_owned(),
            accessible: place.accessible,
            by_claim,
        });
    }
    for row in &mut rows {
        row.seats.sort_by_key(|seat| seat.column);
    }
    let mut view = SeatMapView {
        show: counted(replica, show, identity, now),
        link: replica.link_state().0.word().to_owned(),
        version: String::new(),
        categories: categories(show),
        rows,
        counts,
    };
    let hash = blake3::hash(&serde_json::to_vec(&view)?);
    view.version = hash.to_hex().chars().take(16).collect();
    Ok(view)
}

fn categories(show: &Show) -> Vec<CategoryView> {
    let named = show.plan.plan.categories.iter().zip(0u8..);
    named
        .map(|(name, index)| CategoryView {
            name: name.clone(),
            price: show.price(index).unwrap_or(Money { minor: 0, currency: show.facts.currency }),
        })
        .collect()
}

/// Seats with their frozen prices, minor units, and the sum.
pub fn lines(show: &Show, seats: impl IntoIterator<Item = (SeatId, u32)>) -> (Vec<LineView>, Money) {
    let currency = show.facts.currency;
    let mut total = Money { minor: 0, currency };
    let line = |(id, price): (SeatId, u32)| {
        let price = Money { minor: i64::from(price), currency };
        total.minor += price.minor;
        let category = show.plan.seat(id).and_then(|place| show.plan.plan.categories.get(usize::from(place.category)));
        LineView { seat: show.plan.label(id), category: category.cloned().unwrap_or_default(), price }
    };
    let lines = seats.into_iter().map(line).collect();
    (lines, total)
}
