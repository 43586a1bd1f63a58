//! The steps of a booking after its hold. Each runs inside one transaction with everything that must stand or fall with it.

use super::store::{self, BookedSeat, Booking, Contact};
use super::{BookingState, TicketWord};
use crate::desk::Desk;
use crate::payments::settle;
use crate::payments::store as payments;
use node::problem::Problem;
use node::store::Sql;
use shared::ids::{BookingId, HoldId, RequestId, SeatId, ShowId};
use shared::ledger::HoldKind;
use shared::money::Money;
use shared::refusal::Refusal;
use shared::ticket::booking_code;
use shared::time::Timestamp;
use sync_protocol::replica::Held;

/// Unpaid bookings that are ended in one batch.
const OVERDUE_MAX: u32 = 200;

/// Makes a booking from a hold, with its seats, unless its contact would have more than its share. What costs nothing is sold at
/// once.
///
/// # Errors
/// Outside if the store fails; inside why there is none.
pub fn begin(
    desk: &mut Desk,
    tx: &dyn Sql,
    hold: HoldId,
    contact: Contact,
    request: RequestId,
    now: Timestamp,
) -> anyhow::Result<Result<(Booking, Vec<BookedSeat>), Problem>> {
    let (mut booking, mut seats) = match draft(desk, hold, contact, request, now) {
        Ok(drafted) => drafted,
        // A hold that was sold is not known any more.
        Err(refusal) => {
            let booked = store::booking_of_hold(tx, hold)?;
            return Ok(Err(booked.map_or_else(|| refusal.into(), |booking| booked_already(booking.id))));
        }
    };
    let per_contact = desk.limits().per_contact;
    let before = if desk.bookings().may_meet(&booking) {
        store::before(tx, &booking, per_contact > 0)?
    } else {
        store::Before::default()
    };
    if let Some(booking) = before.of_hold {
        return Ok(Err(booked_already(booking)));
    }
    if per_contact > 0 && before.seats_of_contact.saturating_add(seats.len()) > per_contact {
        return Ok(Err(too_many(before.seats_of_contact, per_contact)));
    }
    let mut taken = before.code_taken;
    // Eight characters are few enough to meet again among a million bookings.
    while taken {
        booking.id = node::random::booking_id();
        booking.code = booking_code(booking.id);
        taken = store::is_code_taken(tx, &booking.code)?;
    }
    if booking.total.minor == 0
        && let Err(refusal) = take(desk, &mut booking, &mut seats, now)
    {
        return Ok(Err(refusal.into()));
    }
    store::put(tx, &booking)?;
    desk.bookings().note(&booking);
    store::add_seats(tx, booking.id, &seats)?;
    Ok(Ok((booking, seats)))
}

fn booked_already(booking: BookingId) -> Problem {
    let detail = "These seats have a booking already.";
    Problem::conflict("hold_is_booked", detail).with("booking", booking.to_string())
}

fn too_many(has: usize, limit: usize) -> Problem {
    let detail = match has {
        0 => format!("At most {limit} seats of a show can be booked for one contact."),
        has => format!("{has} seats of this show are booked for this contact already, at most {limit} can be."),
    };
    Problem::conflict("too_many_seats_booked", detail)
}

fn draft(
    desk: &Desk,
    hold: HoldId,
    contact: Contact,
    request: RequestId,
    now: Timestamp,
) -> Result<(Booking, Vec<BookedSeat>), Refusal> {
    let (house, hold) = desk.find_hold(hold, now)?;
    if hold.kind == HoldKind::Tentative {
        return Err(Refusal::SeatInTransit);
    }
    let view = house.hold_view(hold)?;
    let seats = view.lines.into_iter().zip(&hold.seats).map(|(line, held)| BookedSeat {
        seat: held.seat,
        label: line.seat,
        category: line.category,
        price: line.price,
        ticket: None,
        generation: 0,
        state: TicketWord::Live,
        code: None,
    });
    let id = node::random::booking_id();
    let booking = Booking {
        id,
        code: booking_code(id),
        show: ShowId { theatre: house.theatre.id, number: hold.show },
        hold: hold.id,
        state: BookingState::AwaitingPayment,
        contact,
        total: view.total,
        request,
        created_at: now,
        expires_at: hold.deadline,
        booked_at: None,
    };
    Ok((booking, seats.collect()))
}

/// Sells a booking's seats: the entry in the ledger, the tickets here.
///
/// # Errors
/// Outside if the store fails. Inside a refusal: `seat_in_transit` where the other side was asked for the seats.
pub fn sell(
    desk: &mut Desk,
    tx: &dyn Sql,
    booking: &mut Booking,
    now: Timestamp,
) -> anyhow::Result<Result<(), Refusal>> {
    let mut seats = store::seats(tx, booking)?;
    let sold = take(desk, booking, &mut seats, now);
    store::put(tx, booking)?;
    // It may have another hold now.
    desk.bookings().note(booking);
    if sold.is_ok() {
        store::put_seats(tx, booking.id, &seats)?;
    }
    Ok(sold)
}

/// Takes a booking's seats in the ledger. Seats whose hold has ended are taken again where they are still free at the same price.
fn take(desk: &mut Desk, booking: &mut Booking, seats: &mut [BookedSeat], now: Timestamp) -> Result<(), Refusal> {
    let wanted: Vec<SeatId> = seats.iter().map(|booked| booked.seat).collect();
    let replica = &mut desk.house_mut(booking.show.theatre)?.replica;
    let sold = match replica.sell(booking.hold, booking.id, booking.request, now) {
        Err(Refusal::HoldExpired | Refusal::UnknownHold) => {
            // The ended hold would be in the way of its own successor.
            replica.release(booking.hold);
            match replica.hold(booking.show.number, &wanted, HoldKind::Web, now)? {
                Held::Waiting(hold) => {
                    booking.hold = hold;
                    return Err(Refusal::SeatInTransit);
                }
                Held::Now(hold) if hold.total_minor() != booking.total.minor => {
                    replica.release(hold.id);
                    return Err(Refusal::SeatSold);
                }
                Held::Now(hold) => {
                    booking.hold = hold.id;
                    replica.sell(hold.id, booking.id, booking.request, now)
                }
            }
        }
        sold => sold,
    };
    for line in sold? {
        for booked in seats.iter_mut().filter(|booked| booked.seat == line.at.seat) {
            (booked.ticket, booked.generation) = (Some(line.at.ticket), line.at.generation);
            booked.state = TicketWord::Live;
        }
    }
    (booking.state, booking.booked_at) = (BookingState::Booked, Some(now));
    Ok(())
}

/// Ends an unpaid booking and gives its seats back.
///
/// # Errors
/// If the store fails.
pub fn end_unpaid(desk: &mut Desk, tx: &dyn Sql, booking: &mut Booking) -> anyhow::Result<()> {
    if !matches!(booking.state, BookingState::AwaitingPayment | BookingState::Paying) {
        return Ok(());
    }
    if let Ok(house) = desk.house_mut(booking.show.theatre) {
        house.replica.release(booking.hold);
    }
    booking.state = BookingState::Expired;
    store::put(tx, booking)?;
    Ok(())
}

/// Ends the unpaid bookings whose time is over. One with a payment under way gets a little longer: the gateway is asked
/// to end the payment first. What cannot be learnt by then is given up, and late money is looked for.
///
/// # Errors
/// If the store fails.
pub fn end_overdue(desk: &mut Desk, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
    let given_up = now - desk.paying_times().grace;
    for mut booking in store::overdue(tx, now, given_up, OVERDUE_MAX)? {
        for mut payment in payments::payments_of(tx, booking.id)? {
            if payment.state.is_open() {
                payment.given_up = true;
                payments::put_payment(tx, &payment)?;
                tracing::warn!(booking = %booking.id, payment = payment.id, "gave up waiting for the gateway");
            }
        }
        end_unpaid(desk, tx, &mut booking)?;
    }
    Ok(())
}

/// Sends money back and, where nothing else holds the booking open, ends it.
///
/// # Errors
/// If the store fails.
pub fn refund_and_end(
    desk: &mut Desk,
    tx: &dyn Sql,
    booking: &mut Booking,
    payment: &payments::Payment,
    amount: Money,
    reason: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    settle::refund(desk, tx, payment, amount, reason, now)?;
    end_unpaid(desk, tx, booking)
}
