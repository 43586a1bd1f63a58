//! Departures that doors upload: stored as they come, and counted as the show lets guests out and back.

use super::entries;
use super::scans::admission_of;
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use node::problem::{JsonBody, Problem};
use node::zone::parse_rfc3339;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::admission::{Departure, Effect, ScanLog, WayOut, inside};
use shared::ids::{ScanId, ShowNumber, TicketId};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::sync::Arc;

/// The most departures of one upload.
const DEPARTURES_MAX: usize = 200;

/// A departure as it is uploaded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartureRequest {
    id: String,
    ticket: String,
    how: String,
    at: String,
    door: String,
}

/// A departure.
struct Departed {
    id: ScanId,
    ticket: TicketId,
    how: Departure,
    at: Timestamp,
    door: String,
}

impl DepartureRequest {
    fn read(self) -> Result<Departed, Problem> {
        let bad = |what: String| Problem::unprocessable("bad_departure", what);
        Ok(Departed {
            id: self.id.parse().map_err(|error| bad(format!("{error}")))?,
            ticket: self.ticket.parse().map_err(|error| bad(format!("{error}")))?,
            how: Departure::from_word(&self.how).ok_or_else(|| bad(format!("{:?} is no departure", self.how)))?,
            at: parse_rfc3339(&self.at).map_err(|error| bad(format!("{error}")))?,
            door: self.door.chars().take(64).collect(),
        })
    }
}

/// The answer to one departure.
#[derive(Debug, Serialize)]
pub struct DepartureView {
    id: String,
    /// The ticket may enter again.
    counts: bool,
    /// The guest counts as outside, and the ticket stays used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
}

/// `POST /v1/door/departures`: stores every departure and says whether it counts.
pub async fn depart(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(requests): JsonBody<Vec<DepartureRequest>>,
) -> Result<Json<Vec<DepartureView>>, Problem> {
    let device = house.any_device(&headers).await?;
    if requests.len() > DEPARTURES_MAX {
        let detail = format!("Send at most {DEPARTURES_MAX} departures at once.");
        return Err(Problem::unprocessable("too_many_departures", detail));
    }
    let departures = requests.into_iter().map(DepartureRequest::read).collect::<Result<Vec<_>, _>>()?;
    let stored = house.writer.run(move |desk, tx, now| {
        desk.hear(device.number);
        let store = |departed: &Departed| {
            let effect = desk.depart(tx, device.number, departed, now)?;
            let (counts, gone) = (effect == Effect::Again, effect == Effect::Gone);
            Ok(DepartureView { id: departed.id.to_string(), counts, gone })
        };
        departures.iter().map(store).collect::<anyhow::Result<Vec<_>>>()
    });
    Ok(Json(stored.await?))
}

/// What the house has set for a show's doors.
#[derive(Debug, Serialize)]
pub struct DoorSettings {
    /// Whoever goes out is counted as outside.
    exit: bool,
    /// Guests may go out and come back.
    reentry: bool,
}

/// What the house sets for a show's doors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorSetting {
    /// As `reentry` where it is not said.
    exit: Option<bool>,
    reentry: bool,
}

impl DoorSetting {
    fn read(self) -> Result<WayOut, Problem> {
        match self {
            Self { exit: Some(false), reentry: true } => {
                let detail = "Whoever may come back is counted out first: set both, or neither.";
                Err(Problem::unprocessable("reentry_needs_exit", detail))
            }
            Self { exit, reentry } => Ok(WayOut::new(exit.unwrap_or(reentry), reentry)),
        }
    }
}

/// `GET /v1/shows/{show}/door`: what the doors of a show do.
pub async fn look(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
) -> Result<Json<DoorSettings>, Problem> {
    house.authorise(&headers, Task::Shows).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let WayOut { exit, reentry } = house.readers.read(move |db| Ok(way_out(db, number)?)).await?;
    Ok(Json(DoorSettings { exit, reentry }))
}

/// `POST /v1/shows/{show}/door`: sets what the doors of a show do.
pub async fn set(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
    JsonBody(setting): JsonBody<DoorSetting>,
) -> Result<StatusCode, Problem> {
    house.authorise(&headers, Task::Shows).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let WayOut { exit, reentry } = setting.read()?;
    let set = house.writer.run(move |desk, tx, _| {
        if desk.replica().ledger().show(number).is_none() {
            return Ok(Err(Refusal::UnknownShow));
        }
        let put = "INSERT OR REPLACE INTO door_settings (show, exit, reentry) VALUES (?1, ?2, ?3)";
        tx.execute(put, params![number.0, exit, reentry])?;
        desk.append_show(tx, number)?;
        Ok(Ok(()))
    });
    set.await??;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    fn depart(
        &mut self,
        tx: &Transaction<'_>,
        device: i64,
        departed: &Departed,
        now: Timestamp,
    ) -> anyhow::Result<Effect> {
        let Departed { id, ticket, how, at, door } = departed;
        let standing = admission_of(tx, *ticket)?;
        let entries = entries::told_of(tx, *ticket)?.log;
        let mut departures = departures_of(tx, *ticket)?;
        let effect = match (&standing, entries.entry_at(*ticket, &departures, *at)) {
            (Some((show, _)), Some(entry)) => {
                let before = departures.iter().filter(|gone| **gone <= *at).max().copied();
                let entry = inside(Some(entry.admission), before.max(gone_before(tx, *ticket, *at)?));
                let way_out = way_out(tx, *show)?;
                entry.map_or(Effect::Nothing, |entry| how.effect(&entry, *at, way_out))
            }
            _ => Effect::Nothing,
        };
        let (counts, gone) = (effect == Effect::Again, effect == Effect::Gone);
        let stored = tx.execute(
            "INSERT INTO departures (departure, ticket, how, device, door, at, received_at, counts, gone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (departure) DO NOTHING",
            params![id.0, ticket.0, how.word(), device, door, at.0, now.0, counts, gone],
        )?;
        if stored == 0 {
            // Sent again: the answer stands, whoever has come back since.
            let told = "SELECT counts, gone FROM departures WHERE departure = ?1";
            return Ok(tx.query_row(told, [id.0], |row| Ok(effect_of(row.get(0)?, row.get(1)?)))?);
        }
        if effect != Effect::Nothing {
            self.touch(*ticket);
        }
        if let Some((_, standing)) = standing.filter(|_| counts) {
            departures.push(*at);
            let stays = entries.stays(*ticket, &departures).context("find the entry that counts")?;
            if stays.entry.id != standing.scan {
                // Told late: whoever had come back before it was told is inside.
                entries::replace(tx, *ticket, &standing, &stays.entry)?;
            }
        }
        Ok(effect)
    }
}

fn effect_of(counts: bool, gone: bool) -> Effect {
    match (counts, gone) {
        (true, _) => Effect::Again,
        (false, true) => Effect::Gone,
        (false, false) => Effect::Nothing,
    }
}

/// What became of the departures of a ticket once the entries on it were others.
pub(super) struct Recounted {
    /// Those after which it may enter again.
    pub(super) departures: Vec<Timestamp>,
    /// Some that came to nothing before come to something.
    pub(super) changed: bool,
}

/// The departures of a ticket as they count once the entries on it, which were others before, are known. A guest may have left by a
/// door that told of it before the door of the entry could.
pub(super) fn recount(
    tx: &Transaction<'_>,
    (ticket, show): (TicketId, ShowNumber),
    (before, entries): (&ScanLog, &ScanLog),
    departures: Vec<Timestamp>,
) -> anyhow::Result<Recounted> {
    let mut recounted = Recounted { departures, changed: false };
    let uncounted: Vec<(ScanId, Timestamp)> = tx
        .prepare_cached(
            "SELECT departure, at FROM departures WHERE ticket = ?1 AND NOT counts AND NOT gone AND how = ?2 ORDER BY at",
        )?
        .query_map(params![ticket.0, Departure::Out.word()], |row| Ok((ScanId(row.get(0)?), Timestamp(row.get(1)?))))?
        .collect::<rusqlite::Result<_>>()?;
    if uncounted.is_empty() {
        return Ok(recounted);
    }
    let way_out = way_out(tx, show)?;
    for (id, at) in uncounted {
        let Recounted { departures, changed } = &mut recounted;
        // One that was judged by an entry stays as it was judged.
        if before.entry_at(ticket, departures, at).is_some() {
            continue;
        }
        let entry = entries.entry_at(ticket, departures, at);
        let entry = inside(entry.map(|entry| entry.admission), gone_before(tx, ticket, at)?);
        match entry.map_or(Effect::Nothing, |entry| Departure::Out.effect(&entry, at, way_out)) {
            Effect::Again => {
                tx.execute("UPDATE departures SET counts = 1 WHERE departure = ?1", [id.0])?;
                departures.push(at);
            }
            Effect::Gone => {
                tx.execute("UPDATE departures SET gone = 1 WHERE departure = ?1", [id.0])?;
            }
            Effect::Nothing => continue,
        }
        *changed = true;
    }
    Ok(recounted)
}

/// Whether guests of the show are let out, and back.
pub(crate) fn way_out(db: &Connection, show: ShowNumber) -> rusqlite::Result<WayOut> {
    let set = db
        .prepare_cached("SELECT exit, reentry FROM door_settings WHERE show = ?1")?
        .query_row([show.0], |row| Ok(WayOut::new(row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(set.unwrap_or_default())
}

/// When guests were outside again, of the departures of a ticket that count.
pub(super) fn departures_of(db: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<Timestamp>> {
    db.prepare_cached("SELECT at FROM departures WHERE ticket = ?1 AND counts")?
        .query_map([ticket.0], |row| row.get(0).map(Timestamp))?
        .collect()
}

/// The last departure of a ticket after which it may enter again.
pub(crate) fn departed(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<Timestamp>> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(at) FROM departures WHERE ticket = ?1 AND counts")?
        .query_row([ticket.0], |row| row.get(0))?;
    Ok(last.map(Timestamp))
}

/// The last departure of a ticket after which it may enter again, and the last one after which it stays used.
pub(crate) fn last_departures(
    db: &Connection,
    ticket: TicketId,
) -> rusqlite::Result<(Option<Timestamp>, Option<Timestamp>)> {
    db.prepare_cached(
        "SELECT (SELECT max(at) FROM departures WHERE ticket = ?1 AND counts),
                (SELECT max(at) FROM departures WHERE ticket = ?1 AND gone)",
    )?
    .query_row([ticket.0], |row| {
        let (again, gone): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok((again.map(Timestamp), gone.map(Timestamp)))
    })
}

/// The last departure until then after which the ticket stays used.
fn gone_before(db: &Connection, ticket: TicketId, at: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(at) FROM departures WHERE ticket = ?1 AND gone AND at <= ?2")?
        .query_row(params![ticket.0, at.0], |row| row.get(0))?;
    Ok(last.map(Timestamp))
}
