//! Bookings, their tickets and cancellations in the store.

use super::cancel::VOID_UNANSWERED;
use super::{BookingState, CancellationState, TicketWord};
use node::store::{Row, Sql, StoreError};
use node::values;
use shared::ids::{BookingId, HoldId, RequestId, SeatId, ShowId, ShowNumber, TheatreId, TicketId};
use shared::money::{Currency, Money};
use shared::time::Timestamp;
use std::time::Duration;

/// Digits of a telephone number without its country.
const PHONE_DIGITS: usize = 10;

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

impl Contact {
    /// The one form in which it is compared with others: small letters; the digits that a number has without its country.
    pub fn key(&self) -> String {
        match self {
            Self::Email(email) => email.trim().to_ascii_lowercase(),
            Self::Phone(phone) => {
                let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
                digits[digits.len().saturating_sub(PHONE_DIGITS)..].to_owned()
            }
        }
    }
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

/// The currency of a row's money.
pub fn currency(row: &dyn Row) -> Result<Currency, StoreError> {
    let code: String = row.get("currency")?;
    let wanted = "the code of a currency";
    Currency::parse(&code).ok_or(StoreError::Column { column: "currency".to_owned(), found: "another text", wanted })
}

pub(super) fn booking_from(row: &dyn Row) -> Result<Booking, StoreError> {
    let contact = match row.get::<Option<String>>("email")? {
        Some(email) => Contact::Email(email),
        None => Contact::Phone(row.get::<Option<String>>("phone")?.unwrap_or_default()),
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
        booked_at: row.get::<Option<i64>>("booked_at")?.map(Timestamp),
    })
}

/// Inserts or replaces a booking.
pub fn put(conn: &dyn Sql, booking: &Booking) -> Result<(), StoreError> {
    let (email, phone) = match &booking.contact {
        Contact::Email(email) => (Some(email), None),
        Contact::Phone(phone) => (None, Some(phone)),
    };
    conn.send(
        "INSERT INTO booking (id, code, theatre, show, hold, state, email, phone, total_minor, currency, request,
             created_at, expires_at, booked_at, contact_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (id) DO UPDATE SET
             (hold, state, expires_at, booked_at)
             = (excluded.hold, excluded.state, excluded.expires_at, excluded.booked_at)",
        values![
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
            booking.contact.key(),
        ],
    )
}

/// A booking.
pub fn booking(conn: &dyn Sql, id: BookingId) -> Result<Option<Booking>, StoreError> {
    conn.first("SELECT * FROM booking WHERE id = ?1", values![id.0], booking_from)
}

/// What is known before a booking is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Before {
    /// The booking that was made from its hold already.
    pub of_hold: Option<BookingId>,
    /// Another booking has its code.
    pub code_taken: bool,
    /// Seats of its show that its contact has, where they are counted.
    pub seats_of_contact: usize,
}

const BEFORE: &str = "
    SELECT (SELECT id FROM booking WHERE hold = ?1),
        EXISTS (SELECT 1 FROM booking WHERE code = ?2),
        CASE WHEN ?6 > 0 THEN
            (SELECT count(*) FROM booking b JOIN booked_seat s ON s.booking = b.id
             WHERE b.contact_key = ?3 AND b.theatre = ?4 AND b.show = ?5
               AND b.state IN ('awaiting_payment', 'paying', 'booked', 'cancelling'))
        ELSE 0 END";

/// Looks for what may be in the way of a new booking; its contact's seats are counted where they have a limit.
pub fn before(conn: &dyn Sql, booking: &Booking, is_limited: bool) -> Result<Before, StoreError> {
    let (hold, code, contact, show) = (booking.hold.0, &booking.code, booking.contact.key(), booking.show);
    conn.only(BEFORE, values![hold, code, contact, show.theatre.0, show.number.0, u32::from(is_limited)], |row| {
        let seats: u32 = row.get(2)?;
        Ok(Before {
            of_hold: row.get::<Option<[u8; 16]>>(0)?.map(BookingId),
            code_taken: row.get(1)?,
            seats_of_contact: usize::try_from(seats).unwrap_or(usize::MAX),
        })
    })
}

/// Whether a booking has this code.
pub fn is_code_taken(conn: &dyn Sql, code: &str) -> Result<bool, StoreError> {
    conn.only("SELECT EXISTS (SELECT 1 FROM booking WHERE code = ?1)", values![code], |row| row.get(0))
}

/// The booking that a person reads out by this code.
pub fn booking_of_code(conn: &dyn Sql, code: &str) -> Result<Option<Booking>, StoreError> {
    conn.first("SELECT * FROM booking WHERE code = ?1", values![code], booking_from)
}

/// The booking that was made from a hold.
pub fn booking_of_hold(conn: &dyn Sql, hold: HoldId) -> Result<Option<Booking>, StoreError> {
    conn.first("SELECT * FROM booking WHERE hold = ?1", values![hold.0], booking_from)
}

/// Bookings without a payment whose time ended by `now`, and those with one whose time ended by `given_up`.
pub fn overdue(conn: &dyn Sql, now: Timestamp, given_up: Timestamp, limit: u32) -> Result<Vec<Booking>, StoreError> {
    conn.all(
        "SELECT * FROM booking WHERE state IN ('awaiting_payment', 'paying')
           AND (expires_at <= ?2 OR (expires_at <= ?1 AND state = 'awaiting_payment'))
         ORDER BY expires_at LIMIT ?3",
        values![now.0, given_up.0, limit],
        booking_from,
    )
}

/// The clock has jumped forward: unpaid bookings wait as long as they did.
pub fn follow_jump(tx: &dyn Sql, by: Duration) -> Result<(), StoreError> {
    tx.send(
        "UPDATE booking SET expires_at = expires_at + ?1 WHERE state IN ('awaiting_payment', 'paying')",
        values![i64::try_from(by.as_millis()).unwrap_or(i64::MAX)],
    )
}

/// A show's bookings that are neither ended nor cancelled.
pub fn standing(conn: &dyn Sql, show: ShowId) -> Result<Vec<Booking>, StoreError> {
    conn.all(
        "SELECT * FROM booking WHERE theatre = ?1 AND show = ?2
           AND state IN ('awaiting_payment', 'paying', 'booked', 'cancelling')",
        values![show.theatre.0, show.number.0],
        booking_from,
    )
}

/// Bookings that wait for a theatre's answer though their show ended before this moment, and are not listed yet.
pub fn cancelling_since(conn: &dyn Sql, ended_before: Timestamp) -> Result<Vec<Booking>, StoreError> {
    conn.all(
        // Not a join, for which PostgreSQL may read the whole schedule.
        "SELECT * FROM booking WHERE state = 'cancelling'
         AND (SELECT ends_at FROM schedule WHERE schedule.theatre = booking.theatre AND number = booking.show) < ?1
         AND NOT EXISTS
           (SELECT 1 FROM discrepancy WHERE discrepancy.booking = booking.id AND discrepancy.code = ?2)",
        values![ended_before.0, VOID_UNANSWERED],
        booking_from,
    )
}

/// Bookings of a theatre that wait for its answer, and are not listed yet.
pub fn cancelling_at(conn: &dyn Sql, theatre: TheatreId) -> Result<Vec<Booking>, StoreError> {
    conn.all(
        "SELECT * FROM booking WHERE state = 'cancelling' AND theatre = ?1 AND NOT EXISTS
           (SELECT 1 FROM discrepancy WHERE discrepancy.booking = booking.id AND discrepancy.code = ?2)",
        values![theatre.0, VOID_UNANSWERED],
        booking_from,
    )
}

/// Replaces the seats of a booking.
pub fn put_seats(conn: &dyn Sql, booking: BookingId, seats: &[BookedSeat]) -> Result<(), StoreError> {
    conn.send("DELETE FROM booked_seat WHERE booking = ?1", values![booking.0])?;
    add_seats(conn, booking, seats)
}

/// Adds the seats of a new booking.
pub fn add_seats(conn: &dyn Sql, booking: BookingId, seats: &[BookedSeat]) -> Result<(), StoreError> {
    for (position, booked) in (0u32..).zip(seats) {
        let BookedSeat { seat, label, category, price, ticket, generation, state, code } = booked;
        let (price, ticket) = (price.minor, ticket.map(|ticket| ticket.0));
        conn.send(
            "INSERT INTO booked_seat
                 (booking, position, seat, label, category, price_minor, ticket, generation, state, code)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            values![booking.0, position, seat.0, label, category, price, ticket, generation, state, code],
        )?;
    }
    Ok(())
}

/// A booking's seats in the order they were asked for.
pub fn seats(conn: &dyn Sql, booking: &Booking) -> Result<Vec<BookedSeat>, StoreError> {
    conn.all("SELECT * FROM booked_seat WHERE booking = ?1 ORDER BY position", values![booking.id.0], |row| {
        Ok(BookedSeat {
            seat: SeatId(row.get("seat")?),
            label: row.get("label")?,
            category: row.get("category")?,
            price: Money { minor: row.get("price_minor")?, currency: booking.total.currency },
            ticket: row.get::<Option<[u8; 8]>>("ticket")?.map(TicketId),
            generation: row.get("generation")?,
            state: row.get("state")?,
            code: row.get("code")?,
        })
    })
}

/// The booking of a ticket.
pub fn booking_of_ticket(conn: &dyn Sql, ticket: TicketId) -> Result<Option<Booking>, StoreError> {
    conn.first(
        "SELECT b.* FROM booking b JOIN booked_seat s ON s.booking = b.id WHERE s.ticket = ?1",
        values![ticket.0],
        booking_from,
    )
}

/// Sets what a ticket is worth; nothing happens where it is not one of central's.
pub fn set_ticket_state(conn: &dyn Sql, ticket: TicketId, state: TicketWord) -> Result<(), StoreError> {
    conn.send("UPDATE booked_seat SET state = ?2 WHERE ticket = ?1", values![ticket.0, state])
}

/// Marks a ticket as used for entry, unless it was void before.
pub fn set_ticket_used(conn: &dyn Sql, ticket: TicketId) -> Result<(), StoreError> {
    conn.send(
        "UPDATE booked_seat SET state = ?2 WHERE ticket = ?1 AND state <> ?3",
        values![ticket.0, TicketWord::Used, TicketWord::Void],
    )
}

/// Keeps a ticket's signed text.
pub fn set_ticket_code(conn: &dyn Sql, ticket: TicketId, code: &str) -> Result<(), StoreError> {
    conn.send("UPDATE booked_seat SET code = ?2 WHERE ticket = ?1", values![ticket.0, code])
}

/// Lists what a person must settle, once as long as it is not settled.
pub fn list_discrepancy(
    conn: &dyn Sql,
    booking: &Booking,
    code: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let open = "SELECT 1 FROM discrepancy WHERE booking = ?1 AND code = ?2 AND text = ?3 AND settled_at IS NULL";
    if conn.first(open, values![booking.id.0, code, text], |row| row.get::<i64>(0))?.is_some() {
        return Ok(());
    }
    conn.send(
        "INSERT INTO discrepancy (theatre, booking, code, text, found_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![booking.show.theatre.0, booking.id.0, code, text, now.0],
    )
}

/// Inserts or replaces the cancellation of a booking.
pub fn put_cancellation(conn: &dyn Sql, booking: BookingId, cancellation: &Cancellation) -> Result<(), StoreError> {
    let Cancellation { state, requested_at, answered_at } = cancellation;
    conn.send(
        "INSERT INTO cancellation (booking, state, requested_at, answered_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (booking) DO UPDATE SET (state, requested_at, answered_at)
             = (excluded.state, excluded.requested_at, excluded.answered_at)",
        values![booking.0, state, requested_at.0, answered_at.map(|at| at.0)],
    )
}

/// The cancellation of a booking, if one was asked for.
pub fn cancellation(conn: &dyn Sql, booking: BookingId) -> Result<Option<Cancellation>, StoreError> {
    conn.first("SELECT * FROM cancellation WHERE booking = ?1", values![booking.0], |row| {
        Ok(Cancellation {
            state: row.get("state")?,
            requested_at: Timestamp(row.get("requested_at")?),
            answered_at: row.get::<Option<i64>>("answered_at")?.map(Timestamp),
        })
    })
}
