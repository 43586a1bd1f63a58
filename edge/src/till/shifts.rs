//! Shifts over HTTP: open, look, move cash, count and close.

use super::{journal, signed};
use crate::counter::answer::{Answer, Outcomes, RequestKey};
use crate::desk::Desk;
use crate::house::House;
use crate::staff::session::Session;
use crate::staff::{Role, Task};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use node::problem::{IdempotencyKey, JsonBody, Problem};
use node::zone::Zone;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};
use shared::money::Money;
use shared::till::drawer::{Direction, Drawer, Takings, TillRefusal};
use shared::till::journal::Last;
use shared::till::{Pieces, ShiftNumber, Tender, TillEntry, TillFact, total};
use shared::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How long what was done to a till is answered again under its key.
pub const REMEMBERED: Duration = Duration::from_secs(48 * 3600);
/// Reports that are listed at once.
const REPORTS_MAX: u32 = 200;
/// Hex digits of a hash on paper.
const HASH_DIGITS: usize = 16;

/// What a shift begins with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    float: Vec<Pieces>,
}

/// What was counted at its end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    counted: Vec<Pieces>,
}

/// Cash that goes into the drawer or out of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashRequest {
    direction: Direction,
    amount: Money,
    reason: String,
}

/// What was taken, or given back, by one tender.
#[derive(Debug, Serialize)]
struct TenderView {
    tender: Tender,
    sold: u32,
    voided: u32,
    /// Nothing while the count is still to come, and it is cash.
    net: Option<Money>,
}

/// Where the journal ended when its report was signed: the row, and enough of the hash after it for paper.
#[derive(Debug, Serialize)]
struct JournalEnd {
    row: u32,
    hash: String,
}

/// A shift.
#[derive(Debug, Serialize)]
pub struct ShiftView {
    shift: u32,
    z: Option<u32>,
    staff: String,
    opened_at: String,
    closed_at: Option<String>,
    closed_by: Option<String>,
    float: Money,
    tenders: Vec<TenderView>,
    paid_in: Money,
    paid_out: Money,
    /// How often the drawer was opened without a sale.
    drawer_opened: u32,
    /// Nothing for the cashier whose count is still to come.
    expected_cash: Option<Money>,
    counted: Option<Money>,
    pieces: Vec<Pieces>,
    difference: Option<Money>,
    /// Nothing of an open shift, or of one whose report was not signed.
    journal_end: Option<JournalEnd>,
}

/// Shifts, the latest first.
#[derive(Debug, Serialize)]
pub struct ShiftList {
    shifts: Vec<ShiftView>,
}

impl ShiftView {
    /// A shift as whoever asks may see it: what should be in an open drawer is for those who will not count it.
    pub fn new(drawer: &Drawer, blind: bool, zone: &Zone) -> Self {
        let money = |minor| Money { minor, currency: drawer.currency };
        let close = drawer.closed.as_ref();
        let told = !blind || close.is_some();
        let count = |takings: Option<&Takings>| takings.map_or(0, |takings| takings.count);
        let tender = |tender| TenderView {
            tender,
            sold: count(drawer.sold.get(&tender)),
            voided: count(drawer.voided.get(&tender)),
            net: (told || tender != Tender::Cash).then(|| money(drawer.net(tender))),
        };
        Self {
            shift: drawer.shift.0,
            z: close.map(|close| close.z),
            staff: drawer.staff.clone(),
            opened_at: zone.rfc3339(drawer.opened_at),
            closed_at: close.map(|close| zone.rfc3339(close.at)),
            closed_by: close.map(|close| close.by.clone()),
            float: money(drawer.float_minor),
            tenders: Tender::TAKEN.into_iter().map(tender).collect(),
            paid_in: money(drawer.paid_in.minor),
            paid_out: money(drawer.paid_out.minor),
            drawer_opened: drawer.opened,
            expected_cash: told.then(|| money(drawer.expected_cash())),
            counted: close.map(|close| money(close.counted_minor)),
            pieces: close.map(|close| close.counted.clone()).unwrap_or_default(),
            difference: drawer.difference().map(money),
            journal_end: None,
        }
    }

    /// The same, with what was signed at its report.
    fn signed(db: &Connection, drawer: &Drawer, blind: bool, zone: &Zone) -> rusqlite::Result<Self> {
        let end = drawer.closed.as_ref().map_or(Ok(None), |close| signed::end(db, close.z))?;
        let short = |last: Last| JournalEnd { row: last.seq, hash: last.hash.to_string()[..HASH_DIGITS].to_owned() };
        Ok(Self { journal_end: end.map(|end| short(end.last)), ..Self::new(drawer, blind, zone) })
    }
}

/// Whoever will count a drawer is not told what should be in it; nor is any cashier.
fn is_blind(session: &Session, drawer: &Drawer) -> bool {
    session.role == Role::Cashier || session.staff == drawer.staff
}

/// `POST /v1/shifts`: 409 `shift_open` where the cashier has one, 422 `bad_count`.
pub async fn open(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    key: Result<IdempotencyKey, Problem>,
    JsonBody(request): JsonBody<OpenRequest>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Till).await?;
    let key = key_of(&session, key, "POST /v1/shifts", &request)?;
    let (currency, OpenRequest { float }) = (house.identity.join.currency, request);
    let opened = house.writer.run(move |desk, tx, now| {
        once(tx, key, now, || {
            if journal::open_shift(tx, &session.staff)?.is_some() {
                return Ok(Err(TillRefusal::ShiftOpen.into()));
            }
            if total(&float).is_none() {
                return Ok(Err(TillRefusal::BadCount.into()));
            }
            let shift = journal::open(tx, &session.staff, currency, float, now)?;
            let Some(drawer) = journal::drawer(tx, shift)? else { return Ok(Err(TillRefusal::NoShift.into())) };
            let view = ShiftView::new(&drawer, is_blind(&session, &drawer), &desk.identity().zone);
            Ok(Ok(Answer::created(&view)?))
        })
    });
    opened.await?
}

/// `GET /v1/shifts`: one's own open shift; a supervisor sees every open one.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<ShiftList>, Problem> {
    let session = house.authorise(&headers, Task::Till).await?;
    let drawers = house.readers.read(|db| journal::drawers(db, false, REPORTS_MAX)).await?;
    let seen = drawers.iter().filter(|drawer| may_touch(&session, drawer));
    let view = |drawer| ShiftView::new(drawer, is_blind(&session, drawer), &house.identity.zone);
    Ok(Json(ShiftList { shifts: seen.map(view).collect() }))
}

/// `GET /v1/shifts/{shift}`: the report of what the shift came to so far, which may be asked for at any time.
pub async fn look(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(shift): Path<String>,
) -> Result<Json<ShiftView>, Problem> {
    let session = house.authorise(&headers, Task::Till).await?;
    let shift = shift_number(&shift)?;
    let identity = house.identity.clone();
    let read = move |db: &Connection| {
        let drawer = journal::drawer(db, shift)?.filter(|drawer| may_touch(&session, drawer));
        let view = |drawer: Drawer| ShiftView::signed(db, &drawer, is_blind(&session, &drawer), &identity.zone);
        anyhow::Ok(drawer.map(view).transpose()?)
    };
    Ok(Json(house.readers.read(read).await?.ok_or(TillRefusal::NoShift)?))
}

/// `POST /v1/shifts/{shift}/cash`: 422 `bad_amount`, `bad_reason`, `wrong_currency`; 409 `shift_closed`.
pub async fn move_cash(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(shift): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<CashRequest>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Till).await?;
    let shift = shift_number(&shift)?;
    let key = RequestKey::new(&session.staff, key, &format!("POST /v1/shifts/{shift}/cash"), &request)?;
    let CashRequest { direction, amount, reason } = request;
    let moved = house.writer.run(move |desk, tx, now| {
        once(tx, Some(key), now, || {
            desk.write_till(tx, &session, shift, now, |drawer, _| drawer.move_cash(direction, amount, &reason))
        })
    });
    moved.await?
}

/// `POST /v1/shifts/{shift}/close`: the count, and with it the report. A second try is told 409 `shift_closed` and changes nothing,
/// unless it has the first one's key.
pub async fn close(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(shift): Path<String>,
    key: Result<IdempotencyKey, Problem>,
    JsonBody(request): JsonBody<CloseRequest>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Till).await?;
    let shift = shift_number(&shift)?;
    let key = key_of(&session, key, &format!("POST /v1/shifts/{shift}/close"), &request)?;
    let CloseRequest { counted } = request;
    let closed = house.writer.run(move |desk, tx, now| {
        once(tx, key, now, || desk.write_till(tx, &session, shift, now, |drawer, z| drawer.close(z, counted)))
    });
    closed.await?
}

/// `GET /v1/z`: the reports of closed shifts, the latest first.
pub async fn reports(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<ShiftList>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let identity = house.identity.clone();
    let read = move |db: &Connection| {
        let drawers = journal::drawers(db, true, REPORTS_MAX)?;
        let views = drawers.iter().map(|drawer| ShiftView::signed(db, drawer, false, &identity.zone));
        anyhow::Ok(ShiftList { shifts: views.collect::<Result<_, _>>()? })
    };
    Ok(Json(house.readers.read(read).await?))
}

/// `GET /v1/z/{z}`: 404 `no_shift`.
pub async fn report(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(z): Path<String>,
) -> Result<Json<ShiftView>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let z: u32 = z.parse().map_err(|_| TillRefusal::NoShift)?;
    let identity = house.identity.clone();
    let read = move |db: &Connection| {
        let Some(drawer) = journal::report(db, z)? else { return anyhow::Ok(None) };
        Ok(Some(ShiftView::signed(db, &drawer, false, &identity.zone)?))
    };
    Ok(Json(house.readers.read(read).await?.ok_or(TillRefusal::NoShift)?))
}

impl Desk {
    fn write_till(
        &self,
        tx: &Transaction<'_>,
        session: &Session,
        shift: ShiftNumber,
        now: Timestamp,
        decide: impl FnOnce(&Drawer, u32) -> Result<TillFact, TillRefusal>,
    ) -> anyhow::Result<Outcomes> {
        let Some(mut drawer) = journal::drawer(tx, shift)?.filter(|drawer| may_touch(session, drawer)) else {
            return Ok(Err(TillRefusal::NoShift.into()));
        };
        let z = journal::next_z(tx)?;
        let fact = match decide(&drawer, z) {
            Ok(fact) => fact,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let entry = TillEntry { at: now, shift, staff: session.staff.clone(), fact };
        journal::append(tx, &entry)?;
        drawer.apply(&entry);
        if drawer.closed.is_some() {
            journal::close(tx, shift, z)?;
            signed::sign(tx, &drawer, self.identity())?;
        }
        let view = ShiftView::signed(tx, &drawer, is_blind(session, &drawer), &self.identity().zone)?;
        Ok(Ok(Answer::done(&view)?))
    }
}

/// A shift is opened and closed once anyway: its requests may do without a key.
fn key_of(
    session: &Session,
    key: Result<IdempotencyKey, Problem>,
    route: &str,
    request: &impl Serialize,
) -> anyhow::Result<Option<RequestKey>> {
    key.ok().map(|IdempotencyKey(key)| RequestKey::new(&session.staff, key, route, request)).transpose()
}

/// Does what is asked of a till, once where the request has a key.
fn once(
    tx: &Transaction<'_>,
    key: Option<RequestKey>,
    now: Timestamp,
    request: impl FnOnce() -> anyhow::Result<Outcomes>,
) -> anyhow::Result<Outcomes> {
    match key {
        Some(key) => key.once(tx, now + REMEMBERED, request),
        None => request(),
    }
}

/// One's own shift, or anybody's for a supervisor.
fn may_touch(session: &Session, drawer: &Drawer) -> bool {
    session.role != Role::Cashier || drawer.staff == session.staff
}

fn shift_number(text: &str) -> Result<ShiftNumber, TillRefusal> {
    text.parse().map(ShiftNumber).map_err(|_| TillRefusal::NoShift)
}
