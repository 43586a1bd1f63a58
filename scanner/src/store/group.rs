//! The tickets of one booking for one show, as the feed told of them.

use node::view::VerdictView;
use rusqlite::{Connection, OptionalExtension, Row, params};
use shared::admission::{DoorShow, Member};
use shared::ids::{ScreenId, ShowNumber, TicketId};
use shared::time::Timestamp;

/// Who may come in with a ticket by its verdict: nobody unless it was let in.
pub(crate) fn others_with(db: &Connection, ticket: TicketId, view: &VerdictView) -> rusqlite::Result<Vec<Member>> {
    if view.verdict == "admit" { others_outside(db, ticket) } else { Ok(Vec::new()) }
}

/// The others of a ticket's booking that are good and not inside yet, by seat.
fn others_outside(db: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<Member>> {
    db.prepare_cached(
        "SELECT other.ticket, other.seat, other.generation
         FROM tickets own JOIN tickets other ON other.booking = own.booking AND other.show = own.show
         LEFT JOIN admissions ON admissions.ticket = other.ticket LEFT JOIN departed ON departed.ticket = other.ticket
         WHERE own.ticket = ?1 AND own.booking IS NOT NULL AND other.ticket <> own.ticket AND other.state = 'live'
             AND (admissions.ticket IS NULL OR departed.at >= admissions.admitted_at)
         ORDER BY length(other.seat), other.seat",
    )?
    .query_map([ticket.0], member)?
    .collect()
}

/// Those of these tickets that are of the same booking and show as one, whatever they are worth; nothing if one of them is not.
pub(crate) fn members(db: &Connection, of: TicketId, tickets: &[TicketId]) -> rusqlite::Result<Option<Vec<Member>>> {
    let mut select = db.prepare_cached(
        "SELECT other.ticket, other.seat, other.generation
         FROM tickets own JOIN tickets other ON other.booking = own.booking AND other.show = own.show
         WHERE own.ticket = ?1 AND own.booking IS NOT NULL AND other.ticket = ?2 AND other.ticket <> own.ticket",
    )?;
    tickets.iter().map(|ticket| select.query_row(params![of.0, ticket.0], member).optional()).collect()
}

/// A ticket under a short code, and its show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) member: Member,
    pub(crate) show: ShowNumber,
    pub(crate) facts: DoorShow,
}

/// All tickets under a short code whose shows are known, by show and seat.
pub(crate) fn booked(db: &Connection, code: &str) -> rusqlite::Result<Vec<Booked>> {
    db.prepare_cached(
        "SELECT ticket, seat, generation, show, screen, title, starts_at, ends_at, cancelled
         FROM tickets JOIN shows USING (show) WHERE booking = ?1 ORDER BY starts_at, show, length(seat), seat",
    )?
    .query_map([code], |row| {
        let facts = DoorShow {
            screen: ScreenId(row.get(4)?),
            title: row.get(5)?,
            starts_at: Timestamp(row.get(6)?),
            ends_at: Timestamp(row.get(7)?),
            cancelled: row.get(8)?,
        };
        Ok(Booked { member: member(row)?, show: ShowNumber(row.get(3)?), facts })
    })?
    .collect()
}

/// Whether a ticket is booked under a short code.
pub(crate) fn is_booked_under(db: &Connection, ticket: TicketId, code: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM tickets WHERE ticket = ?1 AND booking = ?2)")?
        .query_row(params![ticket.0, code], |row| row.get(0))
}

/// Whether two tickets are known to be of one booking for one show.
pub(crate) fn is_same_booking(db: &Connection, one: TicketId, other: TicketId) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM tickets one JOIN tickets other ON other.booking = one.booking AND other.show = one.show
         WHERE one.ticket = ?1 AND one.booking IS NOT NULL AND other.ticket = ?2)",
    )?
    .query_row(params![one.0, other.0], |row| row.get(0))
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member { ticket: TicketId(row.get(0)?), seat: row.get(1)?, generation: row.get(2)? })
}
