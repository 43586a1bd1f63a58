//! Holds at the counter.

use super::answer::{Answer, Outcomes, Reply, RequestKey};
use super::group::Group;
use super::waiting::{Purpose, WaitingRequest};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use node::problem::{IdempotencyKey, JsonBody, Problem};
use node::view::HoldView;
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::best::Wish;
use shared::ids::{HoldId, SeatId, ShowNumber};
use shared::ledger::{Hold, HoldKind, HoldTimes};
use shared::money::Money;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::replica::Held;
use tokio::sync::oneshot;

/// Answers are remembered until so long after the show's end.
const REMEMBERED_AFTER_SHOW: Duration = Duration::from_secs(24 * 3600);

/// Which seats: by label, or the best ones together.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seats: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// Whose they are, where they are for more people than one sale has: up to 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Who allows a group, where the cashier may not; no part of what is remembered of the request.
    #[serde(default, skip_serializing)]
    approved_by: Option<LoginRequest>,
}

impl HoldRequest {
    /// From the parts of a request that may also ask otherwise.
    pub fn new(seats: Option<Vec<String>>, best: Option<usize>, category: Option<String>) -> Self {
        Self { seats, best, category, ..Self::default() }
    }
}

/// `POST /v1/shows/{show}/holds`: of a group, 403 `approval_required`, 422 `bad_group`; 422 `not_a_group` for an approval without one.
pub async fn place(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(mut request): JsonBody<HoldRequest>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Hold).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let key = RequestKey::new(&session.staff, key, &format!("POST /v1/shows/{show}/holds"), &request)?;
    let group = match (&request.group, request.approved_by.take()) {
        (Some(name), approved_by) => Some(Group::new(name, house.approve(&session, Task::Group, approved_by).await?)?),
        (None, None) => None,
        (None, Some(_)) => return Err(Problem::unprocessable("not_a_group", "Only a group takes an approval.")),
    };
    let placed = house.writer.run(move |desk, tx, now| {
        let again = |_: &Desk, before| Ok(Ok(before));
        let purpose = Purpose::Hold(session.staff, group);
        desk.once(tx, key, again, |desk, key| desk.ask(tx, number, &request, purpose, key, now))
    });
    placed.await?.outcome().await
}

/// Holds.
#[derive(Debug, Serialize)]
pub struct HoldList {
    holds: Vec<HoldView>,
}

/// `GET /v1/holds`: one's own that have not ended, the oldest first, whichever window they were placed at.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<HoldList>, Problem> {
    let session = house.authorise(&headers, Task::Hold).await?;
    let holds = house.writer.run(move |desk, tx, now| {
        let select = "SELECT hold FROM counter_holds WHERE staff = ?1 AND at > ?2 ORDER BY at";
        let oldest = now - HoldTimes::COUNTER.cap;
        let mut select = tx.prepare_cached(select)?;
        let own = select.query_map(params![session.staff, oldest.0], |row| row.get(0).map(HoldId))?;
        let own: Vec<HoldId> = own.collect::<Result<_, _>>()?;
        let view = |id: &HoldId| desk.view().hold(desk.replica().ledger().hold(*id, now).ok()?).ok();
        Ok(own.iter().filter_map(view).collect())
    });
    Ok(Json(HoldList { holds: holds.await? }))
}

/// Forgets whose those holds were that have ended for long.
///
/// # Errors
/// If the database fails.
pub fn forget_ended(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let ended = now - HoldTimes::COUNTER.cap * 2;
    db.execute("DELETE FROM counter_holds WHERE at < ?1", [ended.0]).map(|_all| ())
}

/// The clock has jumped forward: holds have lasted no longer for it.
///
/// # Errors
/// If the database fails.
pub fn follow_jump(db: &Connection, by: Duration) -> anyhow::Result<()> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    db.execute("UPDATE counter_holds SET at = at + ?1", [by])?;
    Ok(())
}

/// `POST /v1/holds/{hold}`: moves the deadline on.
pub async fn renew(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(hold): Path<String>,
) -> Result<Json<HoldView>, Problem> {
    house.authorise(&headers, Task::Hold).await?;
    let id: HoldId = hold.parse().map_err(|_| Refusal::UnknownHold)?;
    let renewed = house
        .writer
        .run(move |desk, _, now| Ok(desk.replica_mut().renew(id, now).and_then(|hold| desk.view().hold(&hold))));
    Ok(Json(renewed.await??))
}

/// `DELETE /v1/holds/{hold}`: gives the seats back; no fault if they were.
pub async fn release(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(hold): Path<String>,
) -> Result<StatusCode, Problem> {
    house.authorise(&headers, Task::Hold).await?;
    let id: HoldId = hold.parse().map_err(|_| Refusal::UnknownHold)?;
    let released = house.writer.run(move |desk, _, _| {
        desk.replica_mut().release(id);
        Ok(())
    });
    released.await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// Does a request unless it was done before under its key, or waits still; `again` says what is answered once more.
    pub(super) fn once(
        &mut self,
        tx: &Transaction<'_>,
        key: RequestKey,
        again: impl FnOnce(&Self, Answer) -> anyhow::Result<Outcomes>,
        request: impl FnOnce(&mut Self, RequestKey) -> anyhow::Result<Reply>,
    ) -> anyhow::Result<Reply> {
        match key.answered(tx)? {
            Some(Ok(before)) => return Ok(Reply::Now(again(self, before)?)),
            Some(Err(reused)) => return Ok(Reply::Now(Err(reused))),
            None => {}
        }
        if self.waiting().contains(&key.scope, &key.key) {
            let detail = "This request waits for central; ask again in a moment.";
            return Ok(Reply::Now(Err(Problem::conflict("request_in_progress", detail).with_retry_after(1))));
        }
        request(self, key)
    }

    /// Holds seats for a purpose: at once, or when central has given them.
    pub(super) fn ask(
        &mut self,
        tx: &Transaction<'_>,
        number: ShowNumber,
        wanted: &HoldRequest,
        purpose: Purpose,
        key: RequestKey,
        now: Timestamp,
    ) -> anyhow::Result<Reply> {
        let held = self.pick(number, wanted, now).and_then(|seats| match wanted.group {
            Some(_) => self.replica_mut().hold_for_group(number, &seats, key.trace, now),
            None => self.replica_mut().hold_traced(number, &seats, HoldKind::Counter, key.trace, now),
        });
        match held {
            Err(refusal) => Ok(Reply::Now(Err(refusal.into()))),
            Ok(Held::Now(hold)) => self.fulfil(tx, &hold, &purpose, &key, now).map(Reply::Now),
            Ok(Held::Waiting(hold)) => {
                tracing::info!(id = key.trace.map(tracing::field::display), %number, "seats are claimed from central");
                let (answer, later) = oneshot::channel();
                self.waiting().insert(hold, WaitingRequest { key, purpose, answer });
                Ok(Reply::Later(later))
            }
        }
    }

    fn pick(&self, number: ShowNumber, wanted: &HoldRequest, now: Timestamp) -> Result<Vec<SeatId>, Refusal> {
        let show = self.replica().ledger().show(number).ok_or(Refusal::UnknownShow)?;
        match (&wanted.seats, wanted.best) {
            (Some(labels), None) => show.plan.all_labelled(labels),
            (None, Some(count)) => {
                let index = |name: &String| {
                    let categories = &show.plan.plan.categories;
                    let found = categories.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
                    found.and_then(|index| u8::try_from(index).ok()).ok_or(Refusal::UnknownCategory)
                };
                let category = wanted.category.as_ref().map(index).transpose()?;
                match wanted.group {
                    Some(_) => self.replica().best_for_group(number, count, category, now),
                    None => self.replica().best(number, &[Wish { category, ..Wish::of(count) }], now),
                }
            }
            (Some(_), Some(_)) | (None, None) => Err(Refusal::BadSeatCount),
        }
    }

    /// The answer to a placed hold, remembered under its key.
    pub(super) fn answer_hold(
        &self,
        tx: &Transaction<'_>,
        hold: &Hold,
        (staff, group): (&str, Option<&Group>),
        key: &RequestKey,
        now: Timestamp,
    ) -> anyhow::Result<Outcomes> {
        let view = match self.view().hold(hold) {
            Ok(view) => view,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let insert =
            "INSERT INTO counter_holds (hold, staff, at, group_name, group_allowed_by, seats, currency, total_minor)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let seats: Vec<&str> = view.lines.iter().map(|line| line.seat.as_str()).collect();
        let Money { minor, currency } = view.total;
        let (name, allowed_by) = group.map(|group| (&group.name, &group.allowed_by)).unzip();
        tx.prepare_cached(insert)?.execute(params![
            hold.id.0,
            staff,
            now.0,
            name,
            allowed_by,
            seats.join(" "),
            currency.code(),
            minor
        ])?;
        let answer = Answer::created(&view)?;
        key.remember(tx, &answer, self.remembered_until(hold.show, hold.cap))?;
        Ok(Ok(answer))
    }

    /// Until when an answer about a show is remembered.
    pub(super) fn remembered_until(&self, show: ShowNumber, at_least: Timestamp) -> Timestamp {
        let ends = self.replica().ledger().show(show).map_or(at_least, |show| show.facts.ends_at());
        ends.max(at_least) + REMEMBERED_AFTER_SHOW
    }
}
