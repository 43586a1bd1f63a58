//! What does not add up between the books. Pure: a function of what was read and seen.

use super::book::Book;
use super::ghosts::{Entries, Ghosts};
use crate::simulator::{Ledger, PaymentState};
use shared::ids::{BookingId, ShowId, Side, TheatreId, TicketId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One theatre's logs as each side has them.
#[derive(Debug, Default)]
pub(super) struct TheatreBooks {
    pub(super) at_central: Book,
    pub(super) at_edge: Book,
    /// Tickets that the counter's own table lists, whatever the logs say.
    pub(super) listed: BTreeSet<TicketId>,
}

/// A scan that let somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GrantedScan {
    pub(super) ticket: TicketId,
    pub(super) shared: bool,
}

/// Everything there is to look at.
pub(super) struct Views<'a> {
    pub(super) theatres: &'a BTreeMap<u32, TheatreBooks>,
    pub(super) ghosts: &'a Ghosts,
    pub(super) ledger: &'a Ledger,
    pub(super) scans: &'a [GrantedScan],
}

/// Stories, one line each; the same trouble is told in the same words every time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) seats_sold_twice: Vec<String>,
    pub(super) paid_without_ticket: Vec<String>,
    pub(super) ticket_without_sale: Vec<String>,
    pub(super) admitted_twice_shared: Vec<String>,
    pub(super) admitted_twice_solo: Vec<String>,
    pub(super) logs_differ: Vec<String>,
    pub(super) entries_unsynced: u64,
    pub(super) oldest_unsynced: Option<Timestamp>,
}

impl Findings {
    pub(super) fn of(views: &Views<'_>) -> Self {
        let mut findings = Self::default();
        findings.look_at_seats(views);
        findings.look_at_money(views);
        findings.look_at_tickets(views);
        findings.look_at_doors(views);
        for (theatre, books) in views.theatres {
            findings.look_at_logs(*theatre, books);
        }
        findings
    }

    fn look_at_seats(&mut self, views: &Views<'_>) {
        let mut live: BTreeMap<(String, String), BTreeSet<TicketId>> = BTreeMap::new();
        let ended: BTreeSet<TicketId> = all_books(views).flat_map(|(_, book)| book.ended.iter().copied()).collect();
        for (theatre, book) in all_books(views) {
            for (ticket, sold) in &book.sold {
                let show = ShowId { theatre: TheatreId(theatre), number: sold.show }.to_string();
                let number = || format!("#{}", sold.seat);
                let seat = book.label(sold.show, sold.seat).map_or_else(number, str::to_owned);
                live.entry((show, seat)).or_default().insert(*ticket);
            }
        }
        for handed in views.ghosts.handed() {
            live.entry((handed.show.clone(), handed.seat.clone())).or_default().insert(handed.ticket);
        }
        for ((show, seat), mut tickets) in live {
            tickets.retain(|ticket| !ended.contains(ticket) && views.ghosts.is_live(*ticket));
            if tickets.len() > 1 {
                self.seats_sold_twice.push(format!("seat {seat} of show {show} has the tickets {tickets:?}"));
            }
        }
    }

    fn look_at_money(&mut self, views: &Views<'_>) {
        let mut live_bookings: BTreeSet<BookingId> = BTreeSet::new();
        let ended: BTreeSet<TicketId> = all_books(views).flat_map(|(_, book)| book.ended.iter().copied()).collect();
        for (_, book) in all_books(views) {
            let live = book.sold.iter().filter(|(ticket, _)| !ended.contains(ticket));
            live_bookings.extend(live.map(|(_, sold)| sold.booking));
        }
        let mut paid: BTreeSet<BookingId> = BTreeSet::new();
        for payment in &views.ledger.payments {
            if !matches!(payment.state, PaymentState::Captured | PaymentState::Refunded) {
                continue;
            }
            let booking = payment.reference.parse::<BookingId>().ok();
            paid.extend(booking);
            let kept = payment.amount.minor - payment.refunded.minor;
            if kept > 0 && !booking.is_some_and(|booking| live_bookings.contains(&booking)) {
                let story = format!("payment {} for booking {} has no ticket", payment.payment, payment.reference);
                self.paid_without_ticket.push(story);
            }
        }
        let mut unpaid: BTreeSet<BookingId> = BTreeSet::new();
        for (_, book) in all_books(views) {
            let sold = book.sold.values().filter(|sold| sold.seller == Side::Central && sold.price > 0);
            unpaid.extend(sold.map(|sold| sold.booking).filter(|booking| !paid.contains(booking)));
        }
        self.ticket_without_sale.extend(unpaid.iter().map(|booking| format!("booking {booking} is sold and not paid")));
    }

    fn look_at_tickets(&mut self, views: &Views<'_>) {
        let sold: BTreeSet<TicketId> = all_books(views).flat_map(|(_, book)| book.sold.keys().copied()).collect();
        for handed in views.ghosts.handed().filter(|handed| !sold.contains(&handed.ticket)) {
            let (ticket, seat, show) = (handed.ticket, &handed.seat, &handed.show);
            self.ticket_without_sale.push(format!("ticket {ticket} for seat {seat} of show {show} is in no log"));
        }
        let listed = views.theatres.values().flat_map(|books| &books.listed);
        let unsold = listed.filter(|ticket| !sold.contains(ticket));
        self.ticket_without_sale.extend(unsold.map(|ticket| format!("ticket {ticket} is listed and in no log")));
    }

    fn look_at_doors(&mut self, views: &Views<'_>) {
        let mut written: BTreeMap<TicketId, Entries> = BTreeMap::new();
        for scan in views.scans {
            let entries = written.entry(scan.ticket).or_default();
            *(if scan.shared { &mut entries.shared } else { &mut entries.alone }) += 1;
        }
        let seen = views.ghosts.entries();
        let tickets: BTreeSet<TicketId> = written.keys().chain(seen.keys()).copied().collect();
        for ticket in tickets {
            let of = |book: &BTreeMap<TicketId, Entries>| book.get(&ticket).copied().unwrap_or_default();
            let (written, seen) = (of(&written), of(seen));
            // A door's answer and the scan it uploaded are one entry, which may be told in two ways: the edge said SHARED, and the
            // door, which had stopped waiting by then, SOLO. So the larger count is the true one, not the sum.
            let shared = written.shared.max(seen.shared);
            let entries = (written.shared + written.alone).max(seen.shared + seen.alone);
            if shared > 1 {
                self.admitted_twice_shared
                    .push(format!("ticket {ticket} was admitted {shared} times by the edge's word"));
            } else if entries > 1 {
                self.admitted_twice_solo.push(format!("ticket {ticket} was admitted {entries} times, by doors alone"));
            }
        }
    }

    fn look_at_logs(&mut self, theatre: u32, books: &TheatreBooks) {
        for side in [Side::Central, Side::Edge] {
            let (own, copy) = match side {
                Side::Central => (books.at_central.log(side), books.at_edge.log(side)),
                Side::Edge => (books.at_edge.log(side), books.at_central.log(side)),
            };
            let missing = own.entries.len().saturating_sub(copy.entries.len());
            if missing > 0 {
                self.entries_unsynced += missing as u64;
                let oldest = own.written.get(copy.entries.len()).copied();
                self.oldest_unsynced = self.oldest_unsynced.into_iter().chain(oldest).min();
            }
            if own.entries != copy.entries {
                let (own, copy) = (own.entries.len(), copy.entries.len());
                let story = format!(
                    "the {side} log of theatre {theatre} has {own} entries at its writer and {copy} at the peer"
                );
                self.logs_differ.push(story);
            }
        }
    }
}

fn all_books<'a>(views: &Views<'a>) -> impl Iterator<Item = (u32, &'a Book)> + use<'a> {
    views.theatres.iter().flat_map(|(theatre, books)| [(*theatre, &books.at_central), (*theatre, &books.at_edge)])
}

#[cfg(test)]
mod tests;
