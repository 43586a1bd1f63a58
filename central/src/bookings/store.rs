//! Bookings, their tickets and cancellations in the store.

use super::cancel::VOID_UNANSWERED;
use super::{BookingState, CancellationState, TicketWord};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use shared::ids::{BookingId, HoldId, RequestId, SeatId, ShowId, ShowNumber, TheatreId, TicketId};
use shared::money::{Currency, Money};
use shared::time::Timestamp;
use std::time::Duration;

/// A booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The id; whoever knows it owns the booking.
    pub id: BookingId,
    /// Eight characters a person can read out.
    pub code: String,
    /// The show.
    pub show: ShowId,
    /// The hold it came from.
    pub hold: HoldId,
    /// How far it has come.
    pub state: BookingState,
    /// Where to reach the customer.
    pub contact: Contact,
    /// The sum of its tickets, frozen.
    pub total: Money,
    /// The request that made it, as its sale carries it.
    pub request: RequestId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When an unpaid booking ends.
    pub expires_at: Timestamp,
    /// When it was sold.
    pub booked_at: Option<Timestamp>,
}

/// Where to reach a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// By e-mail.
    Email(String),
    /// By telephone.
    Phone(String),
}

/// One seat of a booking, with its ticket once it is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedSeat {
    /// The seat.
    pub seat: SeatId,
    /// `C12`.
    pub label: String,
    /// The category's name.
    pub category: String,
    /// The price, frozen.
    pub price: Money,
    /// The ticket.
    pub ticket: Option<TicketId>,
    /// The seat's generation it was sold at.
    pub generation: u16,
    /// What the ticket is worth.
    pub state: TicketWord,
    /// The signed text, once somebody has read it.
    pub code: Option<String>,
}

/// A cancellation that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// Its state.
    pub state: CancellationState,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the theatre had answered for every ticket.
    pub answered_at: Option<Timestamp>,
}

fn currency(row: &Row<'_>) -> rusqlite::Result<Currency> {
    let code: String = row.get("currency")?;
    Ok(Currency::parse(&code).ok_or(rusqlite::types::FromSqlError::InvalidType)?)
}

fn booking_from(row: &Row<'_>) -> rusqlite::Result<Booking> {
    let contact = match row.get::<_, Option<String>>("email")? {
        Some(email) => Contact::Email(email),
        None => Contact::Phone(row.get::<_, Option<String>>("phone")?.unwrap_or_default()),
    };
    Ok(Booking {
        id: BookingId(row.get("id")?),
        code: row.get("code")?,
        show: ShowId { theatre: TheatreId(row.get("theatre")?), number: ShowNumber(row.get("show")?) },
        hold: HoldId(row.get("hold")?),
        state: row.get("state")?,
        contact,
        total: Money { minor: row.get("total_minor")?, currency: currency(row)? },
        request: RequestId(row.get("request")?),
        created_at: Timestamp(row.get("created_at")?),
        expires_at: Timestamp(row.get("expires_at")?),
        booked_at: row.get::<_, Option<i64>>("booked_at")?.map(Timestamp),
    })
}

/// Inserts or replaces a booking.
pub fn put(conn: &Connection, booking: &Booking) -> rusqlite::Result<()> {
    let (email, phone) = match &booking.contact {
        Contact::Email(email) => (Some(email), None),
        Contact::Phone(phone) => (None, Some(phone)),
    };
    conn.prepare_cached(
        "INSERT INTO booking (id, code, theatre, show, hold, state, email, phone, total_minor, currency, request,
             created_at, expires_at, booked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (id) DO UPDATE SET
             (hold, state, expires_at, booked_at)
             = (excluded.hold, excluded.state, excluded.expires_at, excluded.booked_at)",
    )?
    .execute(params![
        booking.id.0,
        booking.code,
        booking.show.theatre.0,
        booking.show.number.0,
        booking.hold.0,
        booking.state,
        email,
        phone,
        booking.total.minor,
        booking.total.currency.code(),
        booking.request.0,
        booking.created_at.0,
        booking.expires_at.0,
        booking.booked_at.map(|at| at.0),
    ])?;
    Ok(())
}

/// Removes a booking that was never answered.
pub fn take_back(conn: &Connection, id: BookingId) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM booked_seat WHERE booking = ?1")?.execute([id.0])?;
    conn.prepare_cached("DELETE FROM booking WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// A booking.
pub fn booking(conn: &Connection, id: BookingId) -> rusqlite::Result<Option<Booking>> {
    conn.prepare_cached("SELECT * FROM booking WHERE id = ?1")?.query_row([id.0], booking_from).optional()
}

/// Whether a booking has this code.
pub fn is_code_taken(conn: &Connection, code: &str) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM booking WHERE code = ?1)")?.query_row([code], |row| row.get(0))
}

/// The booking that a person reads out by this code.
pub fn booking_of_code(conn: &Connection, code: &str) -> rusqlite::Result<Option<Booking>> {
    conn.prepare_cached("SELECT * FROM booking WHERE code = ?1")?.query_row([code], booking_from).optional()
}

/// The booking that was made from a hold.
pub fn booking_of_hold(conn: &Connection, hold: HoldId) -> rusqlite::Result<Option<Booking>> {
    conn.prepare_cached("SELECT * FROM booking WHERE hold = ?1")?.query_row([hold.0], booking_from).optional()
}

/// Bookings without a payment whose time ended by `now`, and those with one whose time ended by `given_up`.
pub fn overdue(conn: &Connection, now: Timestamp, given_up: Timestamp, limit: u32) -> rusqlite::Result<Vec<Booking>> {
    conn.prepare_cached(
        "SELECT * FROM booking WHERE state IN ('awaiting_payment', 'paying')
           AND expires_at <= CASE state WHEN 'paying' THEN ?2 ELSE ?1 END
         ORDER BY expires_at LIMIT ?3",
    )?
    .query_map(params![now.0, given_up.0, limit], booking_from)?
    .collect()
}

/// The clock has jumped forward: unpaid bookings wait as long as they did.
pub fn follow_jump(tx: &Transaction<'_>, by: Duration) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE booking SET expires_at = expires_at + ?1 WHERE state IN ('awaiting_payment', 'paying')",
        [i64::try_from(by.as_millis()).unwrap_or(i64::MAX)],
    )?;
    Ok(())
}

/// A show's bookings that are neither ended nor cancelled.
pub fn standing(conn: &Connection, show: ShowId) -> rusqlite::Result<Vec<Booking>> {
    conn.prepare_cached(
        "SELECT * FROM booking WHERE theatre = ?1 AND show = ?2
           AND state IN ('awaiting_payment', 'paying', 'booked', 'cancelling')",
    )?
    .query_map(params![show.theatre.0, show.number.0], booking_from)?
    .collect()
}

/// Bookings that wait for a theatre's answer though their show ended before this moment, and are not listed yet.
pub fn cancelling_since(conn: &Connection, ended_before: Timestamp) -> rusqlite::Result<Vec<Booking>> {
    conn.prepare_cached(
        "SELECT booking.* FROM booking JOIN schedule ON schedule.theatre = booking.theatre AND number = booking.show
         WHERE state = 'cancelling' AND ends_at < ?1 AND NOT EXISTS
           (SELECT 1 FROM discrepancy WHERE discrepancy.booking = booking.id AND discrepancy.code = ?2)",
    )?
    .query_map(params![ended_before.0, VOID_UNANSWERED], booking_from)?
    .collect()
}

/// Bookings of a theatre that wait for its answer, and are not listed yet.
pub fn cancelling_at(conn: &Connection, theatre: TheatreId) -> rusqlite::Result<Vec<Booking>> {
    conn.prepare_cached(
        "SELECT * FROM booking WHERE state = 'cancelling' AND theatre = ?1 AND NOT EXISTS
           (SELECT 1 FROM discrepancy WHERE discrepancy.booking = booking.id AND discrepancy.code = ?2)",
    )?
    .query_map(params![theatre.0, VOID_UNANSWERED], booking_from)?
    .collect()
}

/// Replaces the seats of a booking.
pub fn put_seats(conn: &Connection, booking: BookingId, seats: &[BookedSeat]) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM booked_seat WHERE booking = ?1")?.execute([booking.0])?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO booked_seat (booking, position, seat, label, category, price_minor, ticket, generation, state, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for (position, booked) in (0u32..).zip(seats) {
        let BookedSeat { seat, label, category, price, ticket, generation, state, code } = booked;
        let (price, ticket) = (price.minor, ticket.map(|ticket| ticket.0));
        insert
            .execute(params![booking.0, position, seat.0, label, category, price, ticket, generation, state, code])?;
    }
    Ok(())
}

/// A booking's seats in the order they were asked for.
pub fn seats(conn: &Connection, booking: &Booking) -> rusqlite::Result<Vec<BookedSeat>> {
    conn.prepare_cached("SELECT * FROM booked_seat WHERE booking = ?1 ORDER BY position")?
        .query_map([booking.id.0], |row| {
            Ok(BookedSeat {
                seat: SeatId(row.get("seat")?),
                label: row.get("label")?,
                category: row.get("category")?,
                price: Money { minor: row.get("price_minor")?, currency: booking.total.currency },
                ticket: row.get::<_, Option<[u8; 8]>>("ticket")?.map(TicketId),
                generation: row.get("generation")?,
                state: row.get("state")?,
                code: row.get("code")?,
            })
        })?
        .collect()
}

/// The booking of a ticket.
pub fn booking_of_ticket(conn: &Connection, ticket: TicketId) -> rusqlite::Result<Option<Booking>> {
    conn.prepare_cached("SELECT b.* FROM booking b JOIN booked_seat s ON s.booking = b.id WHERE s.ticket = ?1")?
        .query_row([ticket.0], booking_from)
        .optional()
}

/// Sets what a ticket is worth; nothing happens where it is not one of central's.
pub fn set_ticket_state(conn: &Connection, ticket: TicketId, state: TicketWord) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE booked_seat SET state = ?2 WHERE ticket = ?1")?.execute(params![ticket.0, state])?;
    Ok(())
}

/// Marks a ticket as used for entry, unless it was void before.
pub fn set_ticket_used(conn: &Connection, ticket: TicketId) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE booked_seat SET state = ?2 WHERE ticket = ?1 AND state <> ?3")?.execute(params![
        ticket.0,
        TicketWord::Used,
        TicketWord::Void
    ])?;
    Ok(())
}

/// Keeps a ticket's signed text.
pub fn set_ticket_code(conn: &Connection, ticket: TicketId, code: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE booked_seat SET code = ?2 WHERE ticket = ?1")?.execute(params![ticket.0, code])?;
    Ok(())
}

/// Lists what a person must settle.
pub fn list_discrepancy(
    conn: &Connection,
    booking: &Booking,
    code: &str,
    text: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO discrepancy (theatre, booking, code, text, found_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![booking.show.theatre.0, booking.id.0, code, text, now.0])?;
    Ok(())
}

/// Inserts or replaces the cancellation of a booking.
pub fn put_cancellation(conn: &Connection, booking: BookingId, cancellation: &Cancellation) -> rusqlite::Result<()> {
    let Cancellation { state, requested_at, answered_at } = cancellation;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO cancellation (booking, state, requested_at, answered_at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![booking.0, state, requested_at.0, answered_at.map(|at| at.0)])?;
    Ok(())
}

/// The cancellation of a booking, if one was asked for.
pub fn cancellation(conn: &Connection, booking: BookingId) -> rusqlite::Result<Option<Cancellation>> {
    conn.prepare_cached("SELECT * FROM cancellation WHERE booking = ?1")?
        .query_row([booking.0], |row| {
            Ok(Cancellation {
                state: row.get("state")?,
                requested_at: Timestamp(row.get("requested_at")?),
                answered_at: row.get::<_, Option<i64>>("answered_at")?.map(Timestamp),
            })
        })
        .optional()
}
