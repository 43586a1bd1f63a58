//! What does not add up between the books. Pure: a function of what was read and seen.

use super::book::{Book, SoldTicket};
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

/// One booking's money, minor units.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    worth: i64,
    kept: i64,
    paid: bool,
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
        let mut of_generation: BTreeMap<(String, String, u16), BTreeSet<TicketId>> = BTreeMap::new();
        let ended: BTreeSet<TicketId> = all_books(views).flat_map(|(_, book)| book.ended()).collect();
        for (theatre, book) in all_books(views) {
            for (ticket, sold) in &book.sold {
                let show = ShowId { theatre: TheatreId(theatre), number: sold.show }.to_string();
                let number = || format!("#{}", sold.seat);
                let seat = book.label(sold.show, sold.seat).map_or_else(number, str::to_owned);
                let sale = (show.clone(), seat.clone(), sold.generation);
                of_generation.entry(sale).or_default().insert(*ticket);
                live.entry((show, seat)).or_default().insert(*ticket);
            }
        }
        let twice: BTreeMap<_, _> = of_generation.into_iter().filter(|(_, tickets)| tickets.len() > 1).collect();
        for handed in views.ghosts.handed() {
            live.entry((handed.show.clone(), handed.seat.clone())).or_default().insert(handed.ticket);
        }
        for ((show, seat), mut tickets) in live {
            tickets.retain(|ticket| !ended.contains(ticket) && views.ghosts.is_live(*ticket));
            if tickets.len() > 1 {
                self.seats_sold_twice.push(format!("seat {seat} of show {show} has the tickets {tickets:?}"));
                continue;
            }
            // One of the two may have been ended since: that mends the seat, and does not undo what was done.
            for ((.., generation), tickets) in twice.iter().filter(|(sale, _)| (&sale.0, &sale.1) == (&show, &seat)) {
                let story =
                    format!("seat {seat} of show {show} was sold twice at generation {generation}: {tickets:?}");
                self.seats_sold_twice.push(story);
            }
        }
    }

    fn look_at_money(&mut self, views: &Views<'_>) {
        let ended: BTreeSet<TicketId> = all_books(views).flat_map(|(_, book)| book.ended()).collect();
        let mut sold: BTreeMap<TicketId, SoldTicket> = BTreeMap::new();
        let mut worthless = ended;
        for (_, book) in all_books(views) {
            sold.extend(&book.sold);
            let cancelled = book.sold.iter().filter(|(_, sold)| book.is_cancelled(sold.show));
            worthless.extend(cancelled.map(|(ticket, _)| *ticket));
        }
        sold.retain(|_, sold| sold.seller == Side::Central && sold.price > 0);
        // What each booking's tickets are worth, and what of its money was kept.
        let mut accounts: BTreeMap<BookingId, Account> = BTreeMap::new();
        for (ticket, sold) in &sold {
            let account = accounts.entry(sold.booking).or_default();
            account.worth += if worthless.contains(ticket) { 0 } else { i64::from(sold.price) };
        }
        for payment in &views.ledger.payments {
            if !matches!(payment.state, PaymentState::Captured | PaymentState::Refunded) {
                continue;
            }
            let kept = payment.amount.minor - payment.refunded.minor;
            match payment.reference.parse::<BookingId>() {
                Ok(booking) => {
                    let account = accounts.entry(booking).or_default();
                    (account.paid, account.kept) = (true, account.kept + kept);
                }
                Err(_) if kept > 0 => {
                    let story = format!("payment {} for {:?} has no ticket", payment.payment, payment.reference);
                    self.paid_without_ticket.push(story);
                }
                Err(_) => {}
            }
        }
        for (booking, Account { worth, kept, paid }) in accounts {
            if !paid {
                self.ticket_without_sale.push(format!("booking {booking} is sold and not paid"));
            } else if kept > worth {
                let story = format!("booking {booking} has tickets for {worth}, and {kept} of its money was kept");
                self.paid_without_ticket.push(story);
            } else if kept < worth {
                let story = format!("booking {booking} has tickets for {worth}, and only {kept} of its money was kept");
                self.ticket_without_sale.push(story);
            }
        }
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
            let (told, granted) = (written.shared + written.alone, seen.shared + seen.alone);
            // What a door has granted and the edge does not know of yet is an entry on its way like any other.
            self.entries_unsynced += u64::from(granted.saturating_sub(told));
            let entries = told.max(granted);
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
