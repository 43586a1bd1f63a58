//! A customer's bookings, found by the contact they were made with: for whoever has lost the codes and asks an operator.

use super::contact::ContactBody;
use super::lookup::same;
use super::store::{Booking, Contact, booking_from};
use super::view::booking_view;
use crate::office::App;
use crate::operator::Operator;
use crate::pages::BookingView;
use axum::Json;
use axum::extract::State;
use node::problem::{Params, Problem};
use node::store::{Sql, StoreError};
use node::values;
use serde::Serialize;

/// The latest ones; more are not listed.
const LISTED_MAX: u32 = 50;

const OF_CONTACT: &str = "SELECT * FROM booking WHERE contact_key = ?1 ORDER BY created_at DESC, id LIMIT ?2";

/// What was found.
#[derive(Debug, Serialize)]
pub struct OfContact {
    bookings: Vec<BookingView>,
}

/// `GET /v1/bookings?email=…` or `?phone=…`, for operators: the latest first.
pub async fn list(
    _: Operator,
    State(app): State<App>,
    Params(contact): Params<ContactBody>,
) -> Result<Json<OfContact>, Problem> {
    let (contact, now) = (contact.check()?, app.clock.now());
    let read = move |conn: &dyn Sql| {
        let found = of_contact(conn, &contact, LISTED_MAX)?;
        found.iter().map(|booking| booking_view(conn, booking, now)).collect()
    };
    Ok(Json(OfContact { bookings: app.readers.read(read).await? }))
}

/// At most `limit` bookings made with this contact however it was written, the latest first.
///
/// # Errors
/// A store failure.
pub fn of_contact(conn: &dyn Sql, contact: &Contact, limit: u32) -> Result<Vec<Booking>, StoreError> {
    let mut found = conn.all(OF_CONTACT, values![contact.key(), limit], booking_from)?;
    // Ten digits may be those of two countries.
    found.retain(|booking| same(&booking.contact, contact));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookings_are_found_however_their_contact_is_written() {
        let table = "
            A@b.in           a@b.in            1
            A@b.in           ab@b.in           0
            9876543210       +91-98765 43210   1
            +91 98765-43210  (98765) 43210     1
            +91 98765-43210  98765 43211       0
            123456           123456            1
            0000123456       123456            0
            123456           91123456          0
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
            let contact = |text: &str| match text.contains('@') {
                true => Contact::Email(text.to_owned()),
                false => Contact::Phone(text.to_owned()),
            };
            let conn = crate::schema::empty();
            let column = if words[0].contains('@') { "email" } else { "phone" };
            let insert = format!(
                "INSERT INTO booking (id, code, theatre, show, hold, state, {column}, total_minor, currency, request,
                                      created_at, expires_at, contact_key)
                 VALUES (zeroblob(16), 'C', 1, 1, zeroblob(16), 'booked', ?1, 0, 'INR', zeroblob(8), 0, 0, ?2)"
            );
            conn.execute(&insert, [words[0].to_owned(), contact(words[0]).key()]).expect("a booking");
            let found = of_contact(&conn, &contact(words[1]), 9).expect("reads");
            assert_eq!(found.len().to_string(), words[2], "{line}");
        }
    }
}
