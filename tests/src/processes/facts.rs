//! What is sold: one theatre whose screens all have one plan, and shows enough for the sales of a round, all at price 0, so that
//! a booking stands without a payment.

use anyhow::Context;
use node::zone::Zone;
use serde_json::json;
use shared::ids::SeatId;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::time::Timestamp;
use std::fmt::Write;
use std::time::Duration;

/// The theatre's city.
pub(super) const CITY: &str = "Lakeside";
/// The theatre.
pub(super) const THEATRE: &str = "Old Mill";
/// What is shown.
const MOVIE: &str = "The Long Night";
/// Screens, each with a plan.
const SCREENS: usize = 8;
const ROWS: u16 = 20;
const SEATS_PER_ROW: u16 = 20;
/// Seats of a show.
pub(super) const SEATS_PER_SHOW: usize = (ROWS * SEATS_PER_ROW) as usize;
/// Every show is as long, and the hall is cleared for as long again.
const LENGTH: Duration = Duration::from_secs(10 * 60);
/// So far ahead that no rule about the hour before a show takes part.
const FIRST_START: Duration = Duration::from_secs(24 * 3600);

/// `import theatres`.
pub(super) fn theatres() -> String {
    let seats = SCREENS * SEATS_PER_SHOW;
    format!("city,name,screens,seats\n{CITY},{THEATRE},{SCREENS},{seats}\n")
}

/// `import movies`.
pub(super) fn movies() -> String {
    format!("title,year,runtime_min\n{MOVIE},1971,10\n")
}

/// `import plans`.
pub(super) fn plans() -> anyhow::Result<String> {
    let mut lines = String::new();
    for screen in 1..=SCREENS {
        let line = json!({ "theatre": THEATRE, "city": CITY, "screen": screen, "plan": plan() });
        writeln!(lines, "{line}").context("write a plan")?;
    }
    Ok(lines)
}

/// `import shows`: so many, spread over the screens.
pub(super) fn shows(count: usize, now: Timestamp) -> anyhow::Result<String> {
    let zone = Zone::utc();
    let first = Timestamp::from_minutes((now + FIRST_START).minutes());
    let mut lines = String::from("theatre,city,screen,movie,starts_at,ends_at,prices\n");
    for number in 0..count {
        let (screen, turn) = (number % SCREENS + 1, u32::try_from(number / SCREENS).context("count the shows")?);
        let starts = first + LENGTH * 2 * turn;
        let (starts, ends) = (zone.rfc3339(starts), zone.rfc3339(starts + LENGTH));
        writeln!(lines, "{THEATRE},{CITY},{screen},{MOVIE},{starts},{ends},Stalls=0.00|Circle=0.00")
            .context("write a show")?;
    }
    Ok(lines)
}

fn plan() -> SeatingPlan {
    let rows = (0..ROWS).map(|row| {
        let letter = char::from(b'A' + u8::try_from(row).unwrap_or(0));
        let run = SeatRun {
            first: SeatId(u32::from(row * SEATS_PER_ROW + 1)),
            number: 1,
            count: SEATS_PER_ROW,
            category: u8::from(row >= ROWS * 3 / 4),
            gap: 0,
            accessible: false,
        };
        Row { label: letter.to_string(), runs: vec![run] }
    });
    SeatingPlan { version: 1, categories: vec!["Stalls".to_owned(), "Circle".to_owned()], rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_one_that_central_takes_and_has_the_seats_it_claims() {
        assert_eq!((plan().check(), plan().seats_count()), (Ok(()), SEATS_PER_SHOW));
    }

    #[test]
    fn shows_on_one_screen_do_not_meet() {
        let text = shows(2 * SCREENS, Timestamp::from_minutes(1)).expect("shows");
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
        let (one, other) = (&rows[0], &rows[SCREENS]);
        assert_eq!((one[2], other[2]), ("1", "1"));
        assert!(one[5] < other[4], "{} is not before {}", one[5], other[4]);
    }
}
