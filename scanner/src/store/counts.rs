//! How many are in: of the shows whose doors are open, at each door, and in the last minute.

use rusqlite::{Connection, params};
use serde::Serialize;
use shared::admission::Door;
use shared::time::Timestamp;
use std::time::Duration;

/// People at one door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DoorCount {
    door: String,
    admitted: u64,
}

/// What the page counts, as far as known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Inside now.
    inside: u64,
    /// Tickets of these shows that are good.
    expected: u64,
    /// Let in during the last minute.
    per_minute: u64,
    /// By door, the busiest first.
    doors: Vec<DoorCount>,
}

const INSIDE: &str =
    "admissions LEFT JOIN departed USING (ticket) WHERE (departed.at IS NULL OR departed.at < admitted_at)";

/// Tickets admitted and not outside again.
pub(crate) fn admitted_count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row(&format!("SELECT count(*) FROM {INSIDE}"), [], |row| row.get::<_, u32>(0)).map(u64::from)
}

/// Counts for the shows that this door serves and that are open at this time.
pub(crate) fn counts(db: &Connection, door: &Door, now: Timestamp) -> rusqlite::Result<Counts> {
    let screens: Vec<String> = door.screens.iter().map(|screen| screen.0.to_string()).collect();
    let shows: Vec<String> = door.shows.iter().map(|show| show.0.to_string()).collect();
    let among = |column: &str, all: &[String]| {
        if all.is_empty() { "1".to_owned() } else { format!("{column} IN ({})", all.join(",")) }
    };
    let here = format!("{} AND {}", among("screen", &screens), among("show", &shows));
    let open = format!("(SELECT show FROM shows WHERE NOT cancelled AND starts_at <= ?1 AND ends_at >= ?2 AND {here})");
    let hours = [(now + door.early).0, (now - door.late).0];
    let count = |sql: &str| db.prepare_cached(sql)?.query_row(hours, |row| row.get::<_, u32>(0)).map(u64::from);
    let expected = count(&format!("SELECT count(*) FROM tickets WHERE state = 'live' AND show IN {open}"))?;
    let inside = count(&format!("SELECT count(*) FROM {INSIDE} AND admissions.show IN {open}"))?;
    let minute = params![(now - Duration::from_secs(60)).0, now.0];
    let per_minute = db
        .prepare_cached("SELECT count(*) FROM admissions WHERE admitted_at > ?1 AND admitted_at <= ?2")?
        .query_row(minute, |row| row.get::<_, u32>(0))?;
    let doors = format!(
        "SELECT door, count(*) FROM {INSIDE} AND admissions.show IN {open} GROUP BY door ORDER BY count(*) DESC, door LIMIT 8"
    );
    let doors = db
        .prepare_cached(&doors)?
        .query_map(hours, |row| Ok(DoorCount { door: row.get(0)?, admitted: row.get::<_, u32>(1)?.into() }))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Counts { inside, expected, per_minute: per_minute.into(), doors })
}
