//! What scanners call: the feed of what they must know, and the scans they make.

pub mod departures;
pub mod devices;
pub mod discrepancies;
mod entries;
pub mod feed;
pub mod overrides;
pub mod pairing;
pub mod scan;
pub mod scans;
pub mod tokens;
pub mod verdict;
pub mod voids;
pub mod witness;

use crate::house::House;
use crate::staff::login::bearer;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use devices::Device;
use feed::{Cursor, Page, Row, ShowRow, TicketRow};
use node::problem::{JsonBody, Params, Problem};
use node::view::VerdictView;
use node::zone::parse_rfc3339;
use scan::{LocalVerdict, MemberRow, Scan};
use serde::{Deserialize, Serialize};
use shared::admission::Guarantee;
use shared::ids::{Incarnation, ShowNumber};
use std::sync::Arc;
use std::time::Duration;

/// The longest a feed call waits for news.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The same while the box cannot promise that a ticket enters once: the doors say so until it can.
const UNSHARED_WAIT_MAX: Duration = Duration::from_secs(2);
/// The longest text that is kept of a scan; ticket codes have at most 173 characters.
const CODE_CHARACTERS_MAX: usize = 512;
/// The most scans of one upload.
const SCANS_MAX: usize = 200;
/// Scans that the writer judges in one go: a sale that comes meanwhile waits for these only.
const SCANS_OF_A_JOB: usize = 10;

impl House {
    /// The device behind a request, where nobody has declared it off.
    ///
    /// # Errors
    /// 401 `device_token_required` or `device_off`.
    pub async fn device(&self, headers: &HeaderMap) -> Result<Device, Problem> {
        self.any_device(headers).await?.on()
    }

    /// The device behind a request. One that is declared off may still tell what it did and what it remembers.
    ///
    /// # Errors
    /// 401 `device_token_required`.
    pub async fn any_device(&self, headers: &HeaderMap) -> Result<Device, Problem> {
        let required = || Problem::unauthorized("device_token_required", "Pair this device and send its token.");
        let token = bearer(headers).ok_or_else(required)?;
        let token_changes = self.board.borrow().token_changes;
        if let Some(device) = self.tokens.known(&token, token_changes) {
            return Ok(device);
        }
        let asked = token.clone();
        let device = self.readers.read(move |db| Ok(devices::find(db, &asked)?)).await?.ok_or_else(required)?;
        self.tokens.keep(token, device.clone(), token_changes);
        Ok(device)
    }
}

/// Where a device reads on.
#[derive(Debug, Deserialize)]
pub struct FeedQuery {
    after: Option<String>,
    #[serde(default)]
    wait_s: u64,
    /// Scans the device has not uploaded yet; the call acknowledges nothing while there are any.
    #[serde(default)]
    queued: u64,
    /// The most rows the device takes at once.
    rows: Option<u32>,
}

/// A part of the feed as it is answered.
#[derive(Debug, Serialize)]
pub struct FeedView {
    cursor: String,
    reset: bool,
    more: bool,
    boot: String,
    now: String,
    /// What this box's answer to a scan promises now.
    guarantee: &'static str,
    certificates: Vec<String>,
    revoked_keys: Vec<String>,
    shows: Vec<ShowRow>,
    tickets: Vec<TicketRow>,
}

/// `GET /v1/door/feed?after=&wait_s=`: what changed since the cursor. Asking after a cursor acknowledges everything up to it,
/// and that every scan made before it was uploaded.
pub async fn feed(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Params(query): Params<FeedQuery>,
) -> Result<Json<FeedView>, Problem> {
    let device = house.device(&headers).await?;
    // What cannot be read is the cursor of some other feed: answered from the start.
    let after: Option<Cursor> = query.after.and_then(|text| text.parse().ok());
    let promised = acknowledge(&house, device.number, after.filter(|_| query.queued == 0)).await?;
    let rows_max = query.rows.unwrap_or(feed::PAGE_ROWS);
    let mut news = house.news();
    let wait_max = if promised == Guarantee::Shared { WAIT_MAX } else { UNSHARED_WAIT_MAX };
    let wait = tokio::time::sleep(Duration::from_secs(query.wait_s).min(wait_max));
    tokio::pin!(wait);
    loop {
        let (position, closed, changes) = {
            let board = news.borrow_and_update();
            (board.feed, board.link.closed.is_some(), board.token_changes)
        };
        // Somebody may have declared it off while it waited.
        house.device(&headers).await?;
        let broken = closed && promised == Guarantee::Shared;
        let page = house.readers.read(move |db| Ok(feed::page(db, position.incarnation, after, rows_max)?)).await?;
        if !page.rows.is_empty() || page.reset || broken || wait.is_elapsed() || house.shutdown.is_triggered() {
            return Ok(Json(view(&house, page, if broken { Guarantee::Solo } else { promised })));
        }
        let seen = (position, closed, changes);
        let changed = news.wait_for(|board| (board.feed, board.link.closed.is_some(), board.token_changes) != seen);
        let goes_on = tokio::select! {
            () = &mut wait => true,
            () = house.shutdown.wait() => true,
            // Without a writer there will be no news: asking for it over and over would keep the reader busy.
            changed = changed => changed.is_ok(),
        };
        if !goes_on {
            return Ok(Json(view(&house, page, promised)));
        }
    }
}

/// Returns what an answer to a scan promises now.
async fn acknowledge(house: &House, device: i64, after: Option<Cursor>) -> Result<Guarantee, Problem> {
    let acknowledged = house.writer.run(move |desk, tx, now| {
        desk.hear(device);
        let incarnation = desk.incarnation();
        if let Some(cursor) = after
            && feed::on_chain(tx, incarnation, cursor)?
        {
            devices::acknowledge(tx, device, incarnation, cursor.seq, now)?;
        }
        Ok(desk.guarantee(tx, now)?)
    });
    Ok(acknowledged.await?)
}

fn view(house: &House, page: Page, promised: Guarantee) -> FeedView {
    let keys = house.board.borrow().keys.clone();
    let (mut shows, mut tickets) = (Vec::new(), Vec::new());
    for row in page.rows {
        match row {
            Row::Show(show) => shows.push(show),
            Row::Ticket(ticket) => tickets.push(ticket),
            // Always sent whole: they are few, and a scanner without them can say nothing.
            Row::Keys(_) => {}
        }
    }
    FeedView {
        cursor: page.cursor.to_string(),
        reset: page.reset,
        more: page.more,
        boot: house.boot.clone(),
        now: house.identity.zone.rfc3339(house.clock.now()),
        guarantee: promised.word(),
        certificates: keys.certificates.clone(),
        revoked_keys: keys.revoked_keys.clone(),
        shows,
        tickets,
    }
}

/// A scan as it is uploaded.
#[derive(Debug, Deserialize)]
pub struct ScanRequest {
    id: String,
    code: String,
    at: String,
    door: String,
    local: Option<LocalVerdict>,
    member: Option<MemberRow>,
    /// Which life of the device made it.
    #[serde(default)]
    incarnation: Option<String>,
}

impl ScanRequest {
    fn read(self) -> Result<Scan, Problem> {
        let bad = |what: String| Problem::unprocessable("bad_scan", what);
        let id = self.id.parse().map_err(|error| bad(format!("{error}")))?;
        let at = parse_rfc3339(&self.at).map_err(|error| bad(format!("{error}")))?;
        let code = self.code.chars().take(CODE_CHARACTERS_MAX).collect();
        let incarnation = self.incarnation.as_deref().map_or(Ok(Incarnation(0)), str::parse);
        let incarnation = incarnation.map_err(|error| bad(format!("{error}")))?;
        let door = self.door.chars().take(64).collect();
        let show = self.member.as_ref().and_then(|member| member.show).map(ShowNumber);
        let member = self.member.map(MemberRow::read).transpose().map_err(|error| bad(format!("{error}")))?;
        Ok(Scan::new(id, code, at, door, self.local).about(member, show).made_in(incarnation))
    }
}

/// The answer to one scan.
#[derive(Debug, Serialize)]
pub struct ScanView {
    id: String,
    #[serde(flatten)]
    verdict: VerdictView,
}

/// `POST /v1/door/scans`: stores every scan and answers a verdict for each; this is what SHARED means.
pub async fn scan(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(requests): JsonBody<Vec<ScanRequest>>,
) -> Result<Json<Vec<ScanView>>, Problem> {
    let device = house.any_device(&headers).await?;
    if requests.len() > SCANS_MAX {
        return Err(Problem::unprocessable("too_many_scans", format!("Send at most {SCANS_MAX} scans at once.")));
    }
    let scans = requests.into_iter().map(ScanRequest::read).collect::<Result<Vec<_>, _>>()?;
    // It has not taken in which tickets have ended since: nobody is to be let in there.
    let device = if scans.iter().any(Scan::asks) { device.on()? } else { device };
    let ring = house.board.borrow().ring.clone();
    let mut answers = Vec::with_capacity(scans.len());
    let mut left = scans.into_iter().peekable();
    while left.peek().is_some() {
        let mut piece: Vec<Scan> = left.by_ref().take(SCANS_OF_A_JOB).collect();
        piece.iter_mut().for_each(|scan| scan.read(&ring, house.clock.now()));
        let judged = house.writer.run(move |desk, tx, now| {
            desk.hear(device.number);
            let judge = |scan: &Scan| {
                let verdict = desk.scan(tx, device.number, scan, now)?;
                Ok(ScanView { id: scan.id.to_string(), verdict })
            };
            piece.iter().map(judge).collect::<anyhow::Result<Vec<_>>>()
        });
        answers.extend(judged.await?);
    }
    Ok(Json(answers))
}
