//! Holds of customers: placed all or none, renewed, given back.

pub mod customer;
pub mod limits;
pub mod owner;

use crate::answers::{Answer, Asked};
use crate::bookings::{BookingState, saga, store as bookings};
use crate::desk::Desk;
use crate::desk::house::House;
use crate::office::{App, show_id};
use crate::payments::store as payments;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use customer::Customer;
use node::http::RequestTrace;
use node::problem::{IdempotencyKey, JsonBody, Problem};
use node::store::Sql;
use serde::{Deserialize, Serialize};
use shared::best::Wish;
use shared::ids::{ClaimId, HoldId, SeatId, ShowId, ShowNumber, TheatreId};
use shared::ledger::{Hold, HoldKind};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use sync_protocol::replica::Held;
use tokio::sync::oneshot;

/// Which seats: these, or the best so many together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HoldRequest {
    /// These seats.
    Seats(NamedSeats),
    /// The best ones together.
    Best(BestSeats),
    /// The best ones for several groups at once: all of them or none.
    Groups(Groups),
}

/// Seats by label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedSeats {
    /// `C12`.
    seats: Vec<String>,
}

/// The best seats together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestSeats {
    /// How many.
    best: usize,
    /// Of this category only.
    #[serde(default)]
    category: Option<String>,
    /// So many of them for wheelchair users and who comes with them.
    #[serde(default, skip_serializing_if = "is_none")]
    accessible: usize,
}

/// Groups that each sit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// One after the other.
    groups: Vec<BestSeats>,
}

/// What a request does not say is not in its remembered words either: those of an earlier release stay the same.
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl HoldRequest {
    /// The seats as the plan has them.
    fn seats(&self, house: &House, show: ShowNumber, now: Timestamp) -> Result<Vec<SeatId>, Refusal> {
        let groups = match self {
            Self::Seats(NamedSeats { seats }) => return house.seats_labelled(show, seats),
            Self::Best(best) => std::slice::from_ref(best),
            Self::Groups(Groups { groups }) => groups,
        };
        let wish = |BestSeats { best, category, accessible }: &BestSeats| {
            let category = category.as_deref().map(|name| house.category(show, name)).transpose()?;
            Ok(Wish { count: *best, category, accessible: *accessible })
        };
        let wishes: Vec<Wish> = groups.iter().map(wish).collect::<Result<_, Refusal>>()?;
        house.replica.best(show, &wishes, now)
    }
}

/// The answer to a hold that stands.
///
/// # Errors
/// If it has no JSON form.
pub fn held(house: Result<&House, Refusal>, hold: &Hold) -> anyhow::Result<Answer> {
    match house.and_then(|house| house.hold_view(hold)) {
        Ok(view) => Answer::done(StatusCode::CREATED, &view),
        Err(refusal) => Ok(refusal.into()),
    }
}

/// `POST /v1/shows/{id}/holds`
pub async fn place(
    State(app): State<App>,
    Path(show): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    customer: Customer,
    JsonBody(request): JsonBody<HoldRequest>,
) -> Result<Response, Problem> {
    let show = show_id(&show)?;
    let asked = Asked::new("holds", show.to_string(), key, &request)?;
    let trace = RequestTrace::current().map(ClaimId::from);
    let wanted = WantedHold { show, request, customer, trace };
    let answer = answered(&app, wanted, asked).await;
    app.metrics.count_hold(&answer);
    Ok(answer?.into_response())
}

async fn answered(app: &App, wanted: WantedHold, asked: Asked) -> Result<Answer, Problem> {
    let (answer, answered) = oneshot::channel();
    app.writer.run_for_newcomer(move |desk, tx, now| place_hold(desk, tx, now, wanted, asked, answer)).await?;
    let stopped = || {
        Problem::unavailable("store_stopped", "The store has stopped; the outcome is not known.").with_retry_after(5)
    };
    answered.await.map_err(|_| stopped())
}

/// Who wants which seats.
struct WantedHold {
    show: ShowId,
    request: HoldRequest,
    customer: Customer,
    /// The request's id in the log, here and at the box.
    trace: Option<ClaimId>,
}

fn place_hold(
    desk: &mut Desk,
    tx: &dyn Sql,
    now: Timestamp,
    wanted: WantedHold,
    asked: Asked,
    answer: oneshot::Sender<Answer>,
) -> anyhow::Result<()> {
    if let Some(before) = desk.answered_before(tx, &asked)? {
        desk.answer(answer, before);
        return Ok(());
    }
    if let Some(problem) = desk.refused_by_waiting(&asked) {
        desk.answer(answer, problem.into());
        return Ok(());
    }
    let show = wanted.show;
    let said = match try_hold(desk, &wanted, now) {
        Ok((Held::Waiting(hold), seats)) => {
            tracing::info!(id = wanted.trace.map(tracing::field::display), %show, "seats are claimed from the box");
            desk.wait_for_claim(hold, show, seats, asked, answer);
            desk.note_holder(tx, &wanted.customer, show, hold, now)?;
            return Ok(());
        }
        Ok((Held::Now(hold), _)) => {
            desk.note_holder(tx, &wanted.customer, show, hold.id, now)?;
            held(desk.house(show.theatre), &hold)?
        }
        Err(problem) => problem.into(),
    };
    desk.remember(tx, &asked, &said, show, now)?;
    desk.answer(answer, said);
    Ok(())
}

/// The hold with how many seats it has.
fn try_hold(desk: &mut Desk, wanted: &WantedHold, now: Timestamp) -> Result<(Held, usize), Problem> {
    let WantedHold { show, request, customer, trace } = wanted;
    let (show, seats) = (*show, request.seats(desk.house(show.theatre)?, show.number, now)?);
    if let Some(problem) = desk.refused_by_limits(customer, seats.len(), now) {
        return Err(problem);
    }
    let house = desk.house_mut(show.theatre)?;
    let held = house.replica.hold_traced(show.number, &seats, HoldKind::Web, *trace, now);
    let held = held.map_err(|refusal| refused(house, show, &seats, refusal, now))?;
    Ok((held, seats.len()))
}

/// A refusal with the labels of the seats it is about.
fn refused(house: &House, show: ShowId, seats: &[SeatId], refusal: Refusal, now: Timestamp) -> Problem {
    let problem = Problem::from(refusal);
    let Ok(known) = house.show(show.number) else { return problem };
    let ledger = house.replica.ledger();
    let about = seats.iter().filter(|seat| ledger.own_free_seat(known, **seat, now).err() == Some(refusal));
    let labels: Vec<String> = about.map(|seat| known.plan.label(*seat)).collect();
    if labels.is_empty() { problem } else { problem.with("seats", labels) }
}

/// `POST /v1/holds/{id}`: moves the deadline on, and with it that of a booking that waits for its payment.
pub async fn renew(State(app): State<App>, Path(hold): Path<String>) -> Result<Response, Problem> {
    let hold = hold_id(&hold)?;
    let renewed = app.writer.run(move |desk, tx, now| {
        let renewed = theatre_of(desk, hold, now).and_then(|theatre| {
            let house = desk.house_mut(theatre)?;
            let hold = house.replica.renew(hold, now)?;
            Ok((hold.deadline, house.hold_view(&hold)?))
        });
        let (deadline, view) = match renewed {
            Ok(renewed) => renewed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(mut booking) = bookings::booking_of_hold(tx, hold)?
            && booking.state == BookingState::AwaitingPayment
        {
            booking.expires_at = deadline;
            bookings::put(tx, &booking)?;
        }
        Ok(Ok(view))
    });
    Ok(axum::Json(renewed.await??).into_response())
}

/// `DELETE /v1/holds/{id}`: gives the seats back. No fault if they were given back before.
pub async fn release(State(app): State<App>, Path(hold): Path<String>) -> Result<StatusCode, Problem> {
    let hold = hold_id(&hold)?;
    let released = app.writer.run(move |desk, tx, now| {
        if let Some(mut booking) = bookings::booking_of_hold(tx, hold)? {
            let open = payments::payments_of(tx, booking.id)?.iter().any(|payment| payment.state.is_open());
            if open {
                let detail = "A payment for these seats is under way; they are given back when it ends.";
                return Ok(Err(Problem::conflict("payment_under_way", detail)));
            }
            saga::end_unpaid(desk, tx, &mut booking)?;
        } else if let Ok(theatre) = theatre_of(desk, hold, now) {
            desk.house_mut(theatre).map(|house| house.replica.release(hold)).ok();
        }
        Ok(Ok(StatusCode::NO_CONTENT))
    });
    released.await?
}

fn hold_id(text: &str) -> Result<HoldId, Refusal> {
    text.parse().map_err(|_| Refusal::UnknownHold)
}

fn theatre_of(desk: &Desk, hold: HoldId, now: Timestamp) -> Result<TheatreId, Refusal> {
    desk.find_hold(hold, now).map(|(house, _)| house.theatre.id)
}
