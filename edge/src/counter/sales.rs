//! Sales at the counter: hold, tender, entry, tickets and serial numbers in one transaction.

use super::answer::{Answer, Outcomes, Reply, RequestKey};
use super::group::Group;
use super::holds::HoldRequest;
use super::slip::{self, GivenAway, Slip};
use super::tender::change;
use super::waiting::{Purpose, WaitingRequest};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use crate::till::journal;
use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use node::problem::{IdempotencyKey, JsonBody, Problem};
use node::replica_view::lines;
use node::view::{LineView, ShowView};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, HoldId, RequestId, ShowNumber, TicketId};
use shared::ledger::{Hold, SaleLine};
use shared::money::Money;
use shared::refusal::Refusal;
use shared::show::Show;
use shared::ticket::{RowLabel, TicketBody, booking_code};
use shared::till::Tender;
use shared::time::Timestamp;
use std::sync::Arc;

/// The series that this box numbers its tickets in.
pub(super) const SERIES: &str = "counter";
/// What a payment is that nobody has compared with the bank's list.
pub(super) const UNVERIFIED: &str = "unverified";

/// What is sold, and how it is paid.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seats: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    tender: Tender,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<Money>,
    /// Of a card or a UPI payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slip: Option<Slip>,
    /// Why it is given away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who allows it to be given away, where the cashier may not; no part of what is remembered of the request.
    #[serde(default, skip_serializing)]
    approved_by: Option<LoginRequest>,
}

/// How a sale is paid and by whom it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Till {
    staff: String,
    tender: Tender,
    received: Option<Money>,
    pub(super) slip: Option<Slip>,
    pub(super) given_away: Option<GivenAway>,
    /// The hold was placed by the request itself, and goes if the sale is refused.
    own_hold: bool,
}

/// A ticket of a sale.
#[derive(Debug, Serialize)]
pub(super) struct TicketView {
    pub(super) seat: String,
    pub(super) ticket: String,
    pub(super) code: String,
    pub(super) svg: String,
    pub(super) serial: String,
}

/// A sale as it is answered.
#[derive(Debug, Serialize)]
pub(super) struct SaleView<T = TicketView> {
    pub(super) sale: String,
    pub(super) code: String,
    pub(super) show: ShowView,
    pub(super) lines: Vec<LineView>,
    pub(super) total: Money,
    pub(super) tender: Tender,
    /// `unverified` until somebody has compared a card or UPI payment with the bank's list.
    pub(super) verification: Option<String>,
    pub(super) change: Option<Money>,
    /// Whose it is, where it is a whole group's.
    pub(super) group: Option<String>,
    pub(super) tickets: Vec<T>,
}

/// Of a show about which this is said no seat that is held becomes a sale any more.
const NEVER_SOLD: [Refusal; 3] = [Refusal::ShowCancelled, Refusal::ShowOverlaps, Refusal::ShowEnded];

/// Of a sale that was answered: the tickets it gave.
#[derive(Debug, Deserialize)]
struct SoldTickets {
    tickets: Vec<SoldTicket>,
}

#[derive(Debug, Deserialize)]
struct SoldTicket {
    ticket: String,
}

/// `POST /v1/shows/{show}/sales`.
pub async fn sell(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<SaleRequest>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Sell).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let key = RequestKey::new(&session.staff, key, &format!("POST /v1/shows/{show}/sales"), &request)?;
    let (tender, received) = (request.tender, request.received);
    let slip = Slip::of(tender, request.slip)?;
    let given_away = match (tender, request.approved_by) {
        (Tender::Complimentary, approved_by) => {
            let approved_by = house.approve(&session, Task::GiveAway, approved_by).await?;
            Some(GivenAway::new(request.reason.as_deref(), approved_by, house.counter.complimentary_per_show)?)
        }
        (_, None) => None,
        (_, Some(_)) => {
            return Err(Problem::unprocessable("not_complimentary", "Only what is free takes an approval."));
        }
    };
    let till = Till { staff: session.staff, tender, received, slip, given_away, own_hold: request.hold.is_none() };
    let hold: Option<HoldId> = request.hold.as_deref().map(str::parse).transpose().map_err(|_| Refusal::UnknownHold)?;
    if hold.is_some() && (request.seats.is_some() || request.best.is_some()) {
        return Err(Problem::unprocessable("hold_or_seats", "Name a hold or seats, not both."));
    }
    let wanted = HoldRequest::new(request.seats, request.best, request.category);
    let sold = house.writer.run(move |desk, tx, now| {
        desk.once(tx, key, Desk::sold_again, |desk, key| match hold {
            Some(hold) => desk.sell_hold(tx, number, hold, &till, &key, now).map(Reply::Now),
            None => desk.ask(tx, number, &wanted, Purpose::Sale(till), key, now),
        })
    });
    let outcome = sold.await?.outcome().await;
    if outcome.is_ok() {
        // What only this box knows could be lost with its disk, and its seats be sold a second time.
        house.wait_for_witness().await;
    }
    outcome
}

impl Desk {
    /// A sale is answered once more only while its tickets stand in the book.
    fn sold_again(&self, answer: Answer) -> anyhow::Result<Outcomes> {
        let SoldTickets { tickets } = answer.read()?;
        let tickets = tickets.iter().map(|sold| sold.ticket.parse()).collect::<Result<Vec<TicketId>, _>>()?;
        Ok(self.replica().sell_again(&tickets).map(|()| answer).map_err(Problem::from))
    }

    /// Answers the requests whose claims were settled.
    pub(crate) fn settle_claims(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        for (WaitingRequest { key, purpose, answer }, outcome) in self.waiting().take_settled() {
            let outcome = match outcome {
                Ok(hold) => self.fulfil(tx, &hold, &purpose, &key, now)?,
                Err(refusal) => Err(refusal.into()),
            };
            self.waiting().answer_later(answer, outcome);
        }
        Ok(())
    }

    /// The seats are held: does what they were held for.
    pub(super) fn fulfil(
        &mut self,
        tx: &Transaction<'_>,
        hold: &Hold,
        purpose: &Purpose,
        key: &RequestKey,
        now: Timestamp,
    ) -> anyhow::Result<Outcomes> {
        match purpose {
            Purpose::Hold(staff, group) => self.answer_hold(tx, hold, (staff, group.as_ref()), key, now),
            Purpose::Sale(till) => self.sell_held(tx, hold, till, key, now),
        }
    }

    fn sell_hold(
        &mut self,
        tx: &Transaction<'_>,
        number: ShowNumber,
        hold: HoldId,
        till: &Till,
        key: &RequestKey,
        now: Timestamp,
    ) -> anyhow::Result<Outcomes> {
        match self.replica().ledger().hold(hold, now).cloned() {
            Err(refusal) => self.refuse_paid(tx, hold, till, refusal.into(), now).map(Err),
            Ok(hold) if hold.show != number => Ok(Err(Refusal::UnknownHold.into())),
            Ok(hold) => match self.sell_held(tx, &hold, till, key, now)? {
                Err(problem) if NEVER_SOLD.iter().any(|refusal| refusal.code() == problem.code()) => {
                    self.refuse_paid(tx, hold.id, till, problem, now).map(Err)
                }
                outcome => Ok(outcome),
            },
        }
    }

    /// The seats are not held any more, or nothing more is sold of their show. Where the guest has paid already, that is written down:
    /// nobody shall have to guess.
    fn refuse_paid(
        &mut self,
        tx: &Transaction<'_>,
        hold: HoldId,
        till: &Till,
        problem: Problem,
        now: Timestamp,
    ) -> anyhow::Result<Problem> {
        let Some(slip) = &till.slip else { return Ok(problem) };
        let (listed, new) = slip.record_unsold(tx, hold, (&till.staff, till.tender), now)?;
        if new {
            self.count_slips(1);
        }
        Ok(if listed { problem.with("paid_unsold", hold.to_string()) } else { problem })
    }

    fn sell_held(
        &mut self,
        tx: &Transaction<'_>,
        hold: &Hold,
        till: &Till,
        key: &RequestKey,
        now: Timestamp,
    ) -> anyhow::Result<Outcomes> {
        let currency =
            self.replica().ledger().show(hold.show).map_or(self.identity().join.currency, |show| show.facts.currency);
        let total = Money { minor: hold.total_minor(), currency };
        let sale = unused_id(tx)?;
        let allowed = match &till.given_away {
            Some(given_away) => given_away.check_limit(tx, hold.show, hold.seats.len())?,
            None => Ok(()),
        };
        let changed = allowed.and_then(|()| change(till.tender, total, till.received).map_err(Problem::from));
        let sold = changed.and_then(|change| {
            let (request, replica) = (RequestId::of_key(&key.key), self.replica_mut());
            let lines = match till.given_away {
                Some(_) => replica.give_away(hold.id, sale, request, now)?,
                None => replica.sell(hold.id, sale, request, now)?,
            };
            Ok((lines, change))
        });
        let (sold, change) = match sold {
            Ok(sold) => sold,
            Err(problem) => {
                if till.own_hold {
                    self.replica_mut().release(hold.id);
                }
                return Ok(Err(problem));
            }
        };
        if till.slip.is_some() {
            self.count_slips(1);
        }
        let answer = Answer::created(&self.record(tx, hold, sale, &sold, change, till, now)?)?;
        key.remember(tx, &answer, self.remembered_until(hold.show, now))?;
        Ok(Ok(answer))
    }

    #[expect(clippy::too_many_arguments, reason = "a sale is what was sold, to whom, for what and when")]
    fn record(
        &self,
        tx: &Transaction<'_>,
        hold: &Hold,
        sale: BookingId,
        sold: &[SaleLine],
        change: Option<Money>,
        till: &Till,
        now: Timestamp,
    ) -> anyhow::Result<SaleView> {
        let number = hold.show;
        let show = self.replica().ledger().show(number).context("find the show that was sold")?;
        let (lines, total) = lines(show, sold.iter().map(|line| (line.at.seat, line.price)));
        let code = booking_code(sale);
        let group = Group::of_hold(tx, hold.id)?;
        tx.prepare_cached(
            "INSERT INTO sales (sale, code, show, staff, tender, currency, total_minor, received_minor, sold_at, hold,
                                group_name, group_allowed_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            sale.0,
            code,
            number.0,
            till.staff,
            till.tender.word(),
            total.currency.code(),
            total.minor,
            till.received.filter(|_| till.tender == Tender::Cash).map(|received| received.minor),
            now.0,
            hold.id.0,
            group.as_ref().map(|group| &group.name),
            group.as_ref().map(|group| &group.allowed_by)
        ])?;
        slip::record(tx, sale, till)?;
        journal::note_sale(tx, &till.staff, sale, till.tender, total, now)?;
        let mut tickets = Vec::with_capacity(sold.len());
        for (sold, line) in sold.iter().zip(&lines) {
            let code = self.sign(show, sold)?;
            let serial = next_serial(tx, SERIES)?;
            let ticket = sold.at.ticket;
            tx.prepare_cached(
                "INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                ticket.0,
                sale.0,
                line.seat,
                line.category,
                line.price.minor,
                code,
                SERIES,
                serial
            ])?;
            tickets.push(TicketView::new(&line.seat, ticket, code, SERIES, serial));
        }
        let show = self.view().show(show, now);
        let (sale, tender) = (sale.to_string(), till.tender);
        let verification = till.slip.as_ref().map(|_| UNVERIFIED.to_owned());
        let group = group.map(|group| group.name);
        Ok(SaleView { sale, code, show, lines, total, tender, verification, change, group, tickets })
    }

    pub(super) fn sign(&self, show: &Show, sold: &SaleLine) -> anyhow::Result<String> {
        let place = show.plan.seat(sold.at.seat).context("find the seat that was sold")?;
        let body = TicketBody {
            ticket: sold.at.ticket,
            theatre: self.identity().theatre,
            show: show.facts.number,
            screen: show.facts.screen,
            row: RowLabel::new(&place.row).context("write the row on the ticket")?,
            number: place.number,
            generation: sold.at.generation,
            valid_from: show.facts.starts_at(),
            valid_until: show.facts.ends_at(),
        };
        Ok(body.sign(self.ticket_key()).to_string())
    }
}

impl TicketView {
    /// A ticket of a sale, by its number in a series.
    pub(super) fn new(seat: &str, ticket: TicketId, code: String, series: &str, serial: i64) -> Self {
        Self {
            seat: seat.to_owned(),
            ticket: ticket.to_string(),
            code,
            svg: format!("/v1/tickets/{ticket}.svg"),
            serial: format!("{series}-{serial:06}"),
        }
    }
}

/// The next number of a series; it comes back if the transaction does not commit.
pub(super) fn next_serial(tx: &Transaction<'_>, series: &str) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO serials (series, last) VALUES (?1, 1) ON CONFLICT (series) DO UPDATE SET last = last + 1 RETURNING last",
    )?
    .query_row([series], |row| row.get(0))
}

/// An id whose short code no other sale of this box has.
fn unused_id(tx: &Transaction<'_>) -> rusqlite::Result<BookingId> {
    loop {
        let sale = node::random::booking_id();
        let taken: Option<bool> = tx
            .prepare_cached("SELECT 1 FROM sales WHERE code = ?1")?
            .query_row([booking_code(sale)], |row| row.get(0))
            .optional()?;
        if taken.is_none() {
            return Ok(sale);
        }
    }
}
