//! Finding a booking again by what a customer can read out: its code, and the address or number it was made with.

use super::contact::ContactBody;
use super::store::{self, Contact};
use super::unknown_booking;
use crate::office::App;
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};

/// The fewest digits of a number that must agree where one of two was written without its country.
const DIGITS_MIN: usize = 10;

/// What a booking is looked for with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupRequest {
    code: String,
    contact: ContactBody,
}

/// The booking that was found.
#[derive(Debug, Serialize)]
pub struct FoundBooking {
    booking: String,
}

/// `POST /v1/bookings/lookup`. A wrong code and a wrong contact are answered alike, so that nobody learns which of them exists.
pub async fn look_up(
    State(app): State<App>,
    JsonBody(request): JsonBody<LookupRequest>,
) -> Result<Json<FoundBooking>, Problem> {
    let contact = request.contact.check()?;
    let code = written(&request.code);
    let found = app.readers.read(move |conn| Ok(store::booking_of_code(conn, &code)?));
    let booking = found.await?.filter(|booking| same(&booking.contact, &contact)).ok_or_else(unknown_booking)?;
    Ok(Json(FoundBooking { booking: booking.id.to_string() }))
}

/// A code as it is stored: people write it in groups and in small letters.
fn written(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).take(16).collect()
}

pub(super) fn same(kept: &Contact, given: &Contact) -> bool {
    match (kept, given) {
        (Contact::Email(kept), Contact::Email(given)) => kept.eq_ignore_ascii_case(given),
        (Contact::Phone(kept), Contact::Phone(given)) => {
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            let (kept, given) = (digits(kept), digits(given));
            let (long, short) = if kept.len() < given.len() { (&given, &kept) } else { (&kept, &given) };
            !short.is_empty() && (long == short || short.len() >= DIGITS_MIN && long.ends_with(short.as_str()))
        }
        (Contact::Email(_), Contact::Phone(_)) | (Contact::Phone(_), Contact::Email(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_the_same_however_it_is_written_and_no_other_one() {
        let table = "
            a@b.in          A@B.IN           yes
            a@b.in          ab@b.in          no
            a@b.in          9876543210       no
            9876543210      98765 43210      yes
            9876543210      +91-98765-43210  yes
            +919876543210   9876543210       yes
            9876543210      43210            no
            123456          123456           yes
            123456          91123456         no
            -               123456           no
        ";
        let contact = |text: &str| match text {
            "-" => Contact::Phone(String::new()),
            text if text.contains('@') => Contact::Email(text.to_owned()),
            text => Contact::Phone(text.to_owned()),
        };
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (kept, rest) = line.split_once(' ').expect("columns");
            let (given, answer) = rest.trim().rsplit_once(' ').expect("columns");
            assert_eq!(same(&contact(kept), &contact(given.trim())), answer == "yes", "{line}");
        }
    }

    #[test]
    fn a_code_is_read_in_groups_and_small_letters() {
        assert_eq!(written(" abcd-efgh "), "ABCDEFGH");
        assert_eq!(written("ABCD EFGH"), "ABCDEFGH");
    }
}
