//! A replica as HTTP answers show it: shows, seat maps, holds, the link. Edge and central answer alike.

use crate::view::{
    CategoryView, HeadView, HoldView, LineView, LinkView, MovieRef, RowView, SeatMapView, SeatView, ShowView,
    TheatreRef,
};
use crate::zone::Zone;
use shared::entry::Head;
use shared::ids::{SeatId, ShowId, Side};
use shared::ledger::Hold;
use shared::money::Money;
use shared::refusal::Refusal;
use shared::show::Show;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use sync_protocol::Replica;
use sync_protocol::replica::SeatState;

/// A theatre's replica with what its answers need besides.
#[derive(Debug, Clone, Copy)]
pub struct ReplicaView<'a> {
    /// The replica.
    pub replica: &'a Replica,
    /// The theatre's name.
    pub theatre: &'a TheatreRef,
    /// The zone of its clocks.
    pub zone: &'a Zone,
}

impl ReplicaView<'_> {
    /// A show without its free seats counted, as long lists carry it.
    pub fn show(&self, show: &Show, now: Timestamp) -> ShowView {
        let facts = &show.facts;
        let state = match (show.cancelled, show.overlaps || facts.ends_at() <= now) {
            (true, _) => "cancelled",
            (false, true) => "ended",
            (false, false) => "on_sale",
        };
        let cheapest = facts.prices.iter().min().copied().unwrap_or_default();
        ShowView {
            id: ShowId { theatre: self.replica.theatre(), number: facts.number }.to_string(),
            movie: MovieRef { id: facts.movie.0, title: facts.title.clone() },
            theatre: self.theatre.clone(),
            screen: facts.screen.0,
            starts_at: self.zone.rfc3339(facts.starts_at()),
            ends_at: self.zone.rfc3339(facts.ends_at()),
            from: Money { minor: i64::from(cheapest), currency: facts.currency },
            seats_free: None,
            seats_count: u32::try_from(show.plan.plan.seats_count()).ok(),
            state: state.to_owned(),
        }
    }

    /// A show with its free seats counted.
    pub fn counted(&self, show: &Show, now: Timestamp) -> ShowView {
        let seats_free = u32::try_from(self.replica.free_seats_count(show, now)).ok();
        ShowView { seats_free, ..self.show(show, now) }
    }

    /// The seats of a show as this side may sell them now.
    pub fn seat_map(&self, show: &Show, now: Timestamp) -> SeatMapView {
        let link = self.replica.link_state().0.word();
        let empty_row = |row: &shared::seating::Row| RowView { label: row.label.clone(), seats: Vec::new() };
        let mut rows: Vec<RowView> = show.plan.plan.rows.iter().map(empty_row).collect();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut version = blake3::Hasher::new();
        let states = self.replica.seat_states(show, now);
        for (id, place) in show.plan.seats() {
            let (state, by_claim) = states.of(id);
            version.update(state.word().as_bytes()).update(&[u8::from(by_claim)]);
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
        rows.iter_mut().for_each(|row| row.seats.sort_by_key(|seat| seat.column));
        let seats_free = counts.get(SeatState::Free.word()).copied().or(Some(0));
        let view = ShowView { seats_free, ..self.show(show, now) };
        for part in [link, &view.id, &view.state] {
            version.update(part.as_bytes());
        }
        for price in &show.facts.prices {
            version.update(&price.to_le_bytes());
        }
        let version = version.finalize().to_hex().chars().take(16).collect();
        SeatMapView { show: view, link: link.to_owned(), version, categories: categories(show), rows, counts }
    }

    /// A hold as its owner sees it.
    ///
    /// # Errors
    /// `unknown_show`.
    pub fn hold(&self, hold: &Hold) -> Result<HoldView, Refusal> {
        let show = self.replica.ledger().show(hold.show).ok_or(Refusal::UnknownShow)?;
        let (lines, total) = lines(show, hold.seats.iter().map(|held| (held.seat, held.price)));
        Ok(HoldView {
            hold: hold.id.to_string(),
            show: ShowId { theatre: self.replica.theatre(), number: hold.show }.to_string(),
            lines,
            total,
            expires_at: self.zone.rfc3339(hold.deadline),
            renewable_until: self.zone.rfc3339(hold.cap),
        })
    }

    /// How this node stands with its peer.
    pub fn link(&self, discrepancies: u64, oldest_unsynced_s: u64) -> LinkView {
        let heads = self.replica.heads();
        let (state, since) = self.replica.link_state();
        let (central, edge) = match self.replica.side() {
            Side::Central => (heads.own, heads.peer),
            Side::Edge => (heads.peer, heads.own),
        };
        LinkView {
            state: state.word().to_owned(),
            since: self.zone.rfc3339(since),
            work_offline: self.replica.works_offline(),
            peer_last_heard: self.replica.peer_last_heard().map(|at| self.zone.rfc3339(at)),
            closed: heads.closed.map(|reason| reason.code().to_owned()),
            central: head_view(central),
            edge: head_view(edge),
            backlog: self.replica.backlog(),
            oldest_unsynced_s,
            digest: format!("{:032x}", self.replica.cut().digest),
            discrepancies,
        }
    }
}

/// Seats with their frozen prices (minor units), and the sum.
pub fn lines(show: &Show, seats: impl IntoIterator<Item = (SeatId, u32)>) -> (Vec<LineView>, Money) {
    let currency = show.facts.currency;
    let mut total = Money { minor: 0, currency };
    let line = |(id, price): (SeatId, u32)| {
        let price = Money { minor: i64::from(price), currency };
        total.minor = total.minor.saturating_add(price.minor);
        let category = show.plan.seat(id).and_then(|place| show.plan.plan.categories.get(usize::from(place.category)));
        LineView { seat: show.plan.label(id), category: category.cloned().unwrap_or_default(), price }
    };
    let lines = seats.into_iter().map(line).collect();
    (lines, total)
}

fn categories(show: &Show) -> Vec<CategoryView> {
    let named = show.plan.plan.categories.iter().zip(0u8..);
    named.filter_map(|(name, index)| Some(CategoryView { name: name.clone(), price: show.price(index)? })).collect()
}

fn head_view(head: Head) -> HeadView {
    HeadView { incarnation: head.incarnation.to_string(), seq: head.seq, hash: head.hash.to_string() }
}
