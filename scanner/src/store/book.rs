//! What the device knows of shows, tickets, admissions and keys, as the edge's feed told it.

use super::identity::offer_again;
use super::{Identity, note_departed, note_gone};
use crate::edge::{FeedPage, FeedTicket};
use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::admission::{Admission, DoorFacts, DoorShow, DoorTicket, TicketState, WayOut, inside};
use shared::ids::{KeyId, ScreenId, ShowNumber, TicketId};
use shared::keys::KeyRing;
use shared::ticket::TicketBody;
use shared::time::Timestamp;
use std::time::Duration;

/// How long after its end a show and its tickets are kept: longer than any clock is likely to be wrong.
const KEPT_AFTER_END: Duration = Duration::from_secs(24 * 3600);

/// How long scans and admissions are kept whose show was never heard of.
const KEPT_WITHOUT_SHOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where the feed stands, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Where to read on.
    pub(crate) cursor: String,
    /// The key ring has changed.
    pub(crate) keys_changed: bool,
}

/// Takes a page of the feed in, with its cursor. Scans that a restarted edge may have forgotten are queued again.
pub(crate) fn take_in(tx: &Transaction<'_>, page: &FeedPage, now: Timestamp) -> anyhow::Result<Taken> {
    let before: Option<(String, i64, i64)> = tx
        .query_row("SELECT boot, round, swept FROM feed", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let round = before.as_ref().map_or(1, |(_, round, _)| round + i64::from(page.reset));
    for (number, show, way_out) in &page.shows {
        put_show(tx, *number, show, *way_out, round)?;
    }
    for FeedTicket { id, ticket, admitted, left_at, gone_at, booking } in &page.tickets {
        put_ticket(tx, *id, ticket, booking.as_deref(), round)?;
        // First who left: whoever came in after that begins a stay of their own.
        if let Some(left_at) = left_at {
            note_departed(tx, *id, ticket.show, *left_at)?;
        }
        if let Some(admitted) = admitted {
            note_admission(tx, *id, ticket.show, &ticket.seat, admitted)?;
        }
        if let Some(gone_at) = gone_at {
            note_gone(tx, *id, ticket.show, *gone_at)?;
        }
    }
    let keys_changed = put_keys(tx, page)?;
    if !page.more {
        // What a complete reading omits is gone, but a void is never forgotten before its show is over. Once: it reads every row.
        if before.as_ref().is_none_or(|(_, _, swept)| *swept < round) {
            tx.execute("DELETE FROM shows WHERE round < ?1", [round])?;
            tx.execute("DELETE FROM tickets WHERE round < ?1 AND state = 'live'", [round])?;
        }
        // A device whose clock was ahead once stays ahead, and what is on tonight is not over.
        forget_ended(tx, now.min(page.now))?;
    }
    if before.is_some_and(|(boot, ..)| boot != page.boot) {
        offer_again(tx)?;
    }
    tx.execute(
        "INSERT INTO feed (one, cursor, boot, round, synced_at, swept) VALUES (1, ?1, ?2, ?3, ?4, coalesce(?5, 0))
         ON CONFLICT (one) DO UPDATE SET cursor = ?1, boot = ?2, round = ?3, synced_at = coalesce(?4, synced_at),
             swept = coalesce(?5, swept)",
        params![page.cursor, page.boot, round, (!page.more).then_some(now.0), (!page.more).then_some(round)],
    )?;
    Ok(Taken { cursor: page.cursor.clone(), keys_changed })
}

fn put_show(
    tx: &Transaction<'_>,
    number: ShowNumber,
    show: &DoorShow,
    way_out: WayOut,
    round: i64,
) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR REPLACE INTO shows (show, screen, title, starts_at, ends_at, cancelled, round, exit, reentry)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    put.execute(params![
        number.0,
        show.screen.0,
        show.title,
        show.starts_at.0,
        show.ends_at.0,
        show.cancelled,
        round,
        way_out.exit,
        way_out.reentry
    ])?;
    Ok(())
}

fn put_ticket(
    tx: &Transaction<'_>,
    id: TicketId,
    ticket: &DoorTicket,
    booking: Option<&str>,
    round: i64,
) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR REPLACE INTO tickets (ticket, show, seat, generation, state, round, booking)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    put.execute(params![id.0, ticket.show.0, ticket.seat, ticket.generation, ticket.state.word(), round, booking])?;
    Ok(())
}

fn put_keys(tx: &Transaction<'_>, page: &FeedPage) -> rusqlite::Result<bool> {
    let mut changed = 0;
    for certificate in &page.certificates {
        changed += keep_certificate(tx, certificate)?;
    }
    for key in &page.revoked_keys {
        changed += tx.execute("INSERT OR IGNORE INTO revoked_keys (key) VALUES (?1)", [key.0])?;
    }
    Ok(changed > 0)
}

/// Keeps a certificate; returns how many are new.
pub(crate) fn keep_certificate(tx: &Transaction<'_>, certificate: &str) -> rusqlite::Result<usize> {
    tx.execute("INSERT OR IGNORE INTO certificates (text) VALUES (?1)", [certificate])
}

fn forget_ended(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let ended = (now - KEPT_AFTER_END).0;
    let any: bool =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM shows WHERE ends_at < ?1)", [ended], |row| row.get(0))?;
    if !any {
        return Ok(());
    }
    let without_show = (now - KEPT_WITHOUT_SHOW).0;
    let over = "show IN (SELECT show FROM shows WHERE ends_at < ?1)";
    tx.execute(&format!("DELETE FROM tickets WHERE {over}"), [ended])?;
    for table in ["departed", "gone"] {
        tx.execute(&format!("DELETE FROM {table} WHERE {over} OR at < ?2"), [ended, without_show])?;
    }
    tx.execute(&format!("DELETE FROM departures WHERE state = 'stored' AND {over}"), [ended])?;
    tx.execute(&format!("DELETE FROM admissions WHERE {over} OR admitted_at < ?2"), [ended, without_show])?;
    tx.execute(
        &format!("DELETE FROM scans WHERE state = 'stored' AND ({over} OR scanned_at < ?2)"),
        [ended, without_show],
    )?;
    tx.execute("DELETE FROM asked WHERE at < ?1", [without_show])?;
    tx.execute("DELETE FROM shows WHERE ends_at < ?1", [ended])?;
    Ok(())
}

/// Notes an admission; of two of the same ticket the earlier one counts, unless the guest had left before the later one: then that
/// one does, whichever is told first.
pub(crate) fn note_admission(
    tx: &Transaction<'_>,
    ticket: TicketId,
    show: ShowNumber,
    seat: &str,
    admission: &Admission,
) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT INTO admissions (ticket, show, seat, admitted_at, door) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (ticket) DO UPDATE SET admitted_at = ?4, door = ?5
         WHERE (?4, ?5) < (admitted_at, door)
                 AND NOT EXISTS (SELECT 1 FROM departed WHERE departed.ticket = ?1 AND at >= ?4 AND at < admitted_at)
             OR EXISTS (SELECT 1 FROM departed WHERE departed.ticket = ?1 AND at >= admitted_at AND at < ?4)",
    )?;
    put.execute(params![ticket.0, show.0, seat, admission.at.0, admission.door])?;
    Ok(())
}

/// What is known about a genuine ticket. One statement, and nothing to be sorted, for which SQLite would make a table each time: a door
/// has less than a millisecond for its whole answer.
pub(crate) fn facts(db: &Connection, ticket: &TicketBody) -> anyhow::Result<DoorFacts> {
    let (id, show, seat) = (ticket.ticket.0, ticket.show.0, ticket.seat());
    let mut select = db.prepare_cached(
        "SELECT shows.screen, shows.title, shows.starts_at, shows.ends_at, shows.cancelled,
                tickets.show, tickets.seat, tickets.generation, tickets.state,
                (SELECT max(generation) FROM tickets WHERE show = ?2 AND seat = ?3),
                own.admitted_at, own.door, other.ticket, other.admitted_at, other.door,
                (SELECT at FROM departed WHERE ticket = ?1)
         FROM (SELECT 1) LEFT JOIN shows ON shows.show = ?2 LEFT JOIN tickets ON tickets.ticket = ?1
         LEFT JOIN admissions own ON own.ticket = ?1
         LEFT JOIN admissions other ON other.ticket = (
             SELECT ticket FROM (SELECT ticket, min(admitted_at) FROM admissions WHERE show = ?2 AND seat = ?3 AND ticket <> ?1))",
    )?;
    let (facts, state) = select.query_row(params![id, show, seat], |row| {
        let state: Option<String> = row.get(8)?;
        let facts = DoorFacts {
            show: match row.get(0)? {
                Some(screen) => Some(DoorShow {
                    screen: ScreenId(screen),
                    title: row.get(1)?,
                    starts_at: Timestamp(row.get(2)?),
                    ends_at: Timestamp(row.get(3)?),
                    cancelled: row.get(4)?,
                }),
                None => None,
            },
            ticket: match row.get(5)? {
                Some(show) => Some(DoorTicket {
                    show: ShowNumber(show),
                    seat: row.get(6)?,
                    generation: row.get(7)?,
                    state: TicketState::Live,
                }),
                None => None,
            },
            generation_max: row.get(9)?,
            admitted: match row.get(10)? {
                Some(at) => {
                    let departed: Option<i64> = row.get(15)?;
                    inside(Some(Admission { at: Timestamp(at), door: row.get(11)? }), departed.map(Timestamp))
                }
                None => None,
            },
            seat_admitted: match row.get(12)? {
                Some(other) => Some((TicketId(other), Admission { at: Timestamp(row.get(13)?), door: row.get(14)? })),
                None => None,
            },
        };
        Ok((facts, state))
    })?;
    let state = state.map(|state| {
        TicketState::from_word(&state).with_context(|| format!("read the state of ticket {}", ticket.ticket))
    });
    let known = facts.ticket.zip(state.transpose()?).map(|(known, state)| DoorTicket { state, ..known });
    Ok(DoorFacts { ticket: known, ..facts })
}

/// All keys, checked against the root. A certificate that does not hold is left out and logged.
pub(crate) fn key_ring(db: &Connection, identity: &Identity) -> anyhow::Result<KeyRing> {
    let mut ring = KeyRing::new(identity.root_key, identity.theatre);
    let mut certificates = db.prepare("SELECT text FROM certificates")?;
    for certificate in certificates.query_map([], |row| row.get::<_, String>(0))? {
        if let Err(bad) = ring.add(&certificate?) {
            tracing::warn!(%bad, "a certificate is not taken into account");
        }
    }
    let mut revoked = db.prepare("SELECT key FROM revoked_keys")?;
    for key in revoked.query_map([], |row| row.get(0))? {
        ring.revoke(KeyId(key?));
    }
    Ok(ring)
}

/// The feed's cursor and when the list was last complete.
pub(crate) fn synced_at(db: &Connection) -> rusqlite::Result<(Option<String>, Option<Timestamp>)> {
    let row: Option<(String, Option<i64>)> =
        db.query_row("SELECT cursor, synced_at FROM feed", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(row.map_or((None, None), |(cursor, at)| (Some(cursor), at.map(Timestamp))))
}
