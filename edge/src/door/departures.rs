//! Departures that doors upload: stored as they come, and counted where the ticket may enter again.

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
use shared::admission::{Departure, ScanLog, inside};
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
            let counts = desk.depart(tx, device.number, departed, now)?;
            Ok(DepartureView { id: departed.id.to_string(), counts })
        };
        departures.iter().map(store).collect::<anyhow::Result<Vec<_>>>()
    });
    Ok(Json(stored.await?))
}

/// What the house sets for a show's doors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorSettings {
    /// Guests may go out and come back.
    reentry: bool,
}

/// `GET /v1/shows/{show}/door`: what the doors of a show do.
pub async fn look(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
) -> Result<Json<DoorSettings>, Problem> {
    house.authorise(&headers, Task::Shows).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let reentry = house.readers.read(move |db| Ok(reentry(db, number)?)).await?;
    Ok(Json(DoorSettings { reentry }))
}

/// `POST /v1/shows/{show}/door`: sets what the doors of a show do.
pub async fn set(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
    JsonBody(settings): JsonBody<DoorSettings>,
) -> Result<StatusCode, Problem> {
    house.authorise(&headers, Task::Shows).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let set = house.writer.run(move |desk, tx, _| {
        if desk.replica().ledger().show(number).is_none() {
            return Ok(Err(Refusal::UnknownShow));
        }
        tx.execute("INSERT OR REPLACE INTO door_settings VALUES (?1, ?2)", params![number.0, settings.reentry])?;
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
    ) -> anyhow::Result<bool> {
        let Departed { id, ticket, how, at, door } = departed;
        let standing = admission_of(tx, *ticket)?;
        let entries = entries::told_of(tx, *ticket)?.log;
        let mut departures = departures_of(tx, *ticket)?;
        let counts = match (&standing, entries.entry_at(*ticket, &departures, *at)) {
            (Some((show, _)), Some(entry)) => {
                let gone = departures.iter().filter(|gone| **gone <= *at).max().copied();
                let entry = inside(Some(entry.admission), gone);
                let reentry = reentry(tx, *show)?;
                entry.is_some_and(|entry| how.counts(&entry, *at, reentry))
            }
            _ => false,
        };
        let stored = tx.execute(
            "INSERT INTO departures (departure, ticket, how, device, door, at, received_at, counts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (departure) DO NOTHING",
            params![id.0, ticket.0, how.word(), device, door, at.0, now.0, counts],
        )?;
        if stored == 0 {
            // Sent again: the answer stands, whoever has come back since.
            let told = "SELECT counts FROM departures WHERE departure = ?1";
            return Ok(tx.query_row(told, [id.0], |row| row.get(0))?);
        }
        if let Some((_, standing)) = standing.filter(|_| counts) {
            self.touch(*ticket);
            departures.push(*at);
            let stays = entries.stays(*ticket, &departures).context("find the entry that counts")?;
            if stays.entry.id != standing.scan {
                // Told late: whoever had come back before it was told is inside.
                entries::replace(tx, *ticket, &standing, &stays.entry)?;
            }
        }
        Ok(counts)
    }
}

/// The departures of a ticket that count once the entries on it, which were others before, are known. A guest may have left by a
/// door that told of it before the door of the entry could.
pub(super) fn recount(
    tx: &Transaction<'_>,
    (ticket, show): (TicketId, ShowNumber),
    (before, entries): (&ScanLog, &ScanLog),
    mut departures: Vec<Timestamp>,
) -> anyhow::Result<Vec<Timestamp>> {
    let uncounted: Vec<(ScanId, Timestamp)> = tx
        .prepare_cached(
            "SELECT departure, at FROM departures WHERE ticket = ?1 AND NOT counts AND how = ?2 ORDER BY at",
        )?
        .query_map(params![ticket.0, Departure::Out.word()], |row| Ok((ScanId(row.get(0)?), Timestamp(row.get(1)?))))?
        .collect::<rusqlite::Result<_>>()?;
    if uncounted.is_empty() || !reentry(tx, show)? {
        return Ok(departures);
    }
    for (id, at) in uncounted {
        // One that was judged by an entry stays as it was judged.
        if before.entry_at(ticket, &departures, at).is_some() {
            continue;
        }
        let entry = entries.entry_at(ticket, &departures, at);
        if entry.is_some_and(|entry| Departure::Out.counts(&entry.admission, at, true)) {
            tx.execute("UPDATE departures SET counts = 1 WHERE departure = ?1", [id.0])?;
            departures.push(at);
        }
    }
    Ok(departures)
}

/// Whether guests of the show may come back.
pub(crate) fn reentry(db: &Connection, show: ShowNumber) -> rusqlite::Result<bool> {
    let set = db
        .prepare_cached("SELECT reentry FROM door_settings WHERE show = ?1")?
        .query_row([show.0], |row| row.get(0))
        .optional()?;
    Ok(set.unwrap_or(false))
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
