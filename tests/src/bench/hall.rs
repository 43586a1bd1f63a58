//! A theatre with halls as large as a benchmark needs, in the files that central imports.

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;
use shared::ids::SeatId;
use shared::seating::{Row, SeatRun, SeatingPlan};
use std::fmt::Write;

/// The theatre.
pub(super) const THEATRE: &str = "Benchmark Hall";
/// Its city.
pub(super) const CITY: &str = "Pune";
/// What is shown.
const MOVIE: &str = "Sholay";
/// Local starts of a day's shows.
const STARTS: [&str; 3] = ["10:00:00", "15:00:00", "20:00:00"];
/// Each lasts three hours.
const ENDS: [&str; 3] = ["13:00:00", "18:00:00", "23:00:00"];
/// Its clocks.
pub(super) const ZONE: &str = "Asia/Kolkata";
/// India keeps one offset all year.
const OFFSET: &str = "+05:30";

/// Halls of one size, three shows a day from tomorrow on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halls {
    /// How many screens.
    pub(super) screens: u8,
    /// Rows of each.
    pub(super) rows: u16,
    /// Seats of each row.
    pub(super) seats: u16,
    /// Days of shows.
    pub(super) days: u8,
}

impl Halls {
    /// The seating plan of every screen.
    fn plan(self) -> SeatingPlan {
        let row = |index: u16| {
            let first = SeatId(u32::from(index) * u32::from(self.seats) + 1);
            let run = SeatRun { first, number: 1, count: self.seats, category: 0, gap: 0, accessible: false };
            Row { label: label(index), runs: vec![run] }
        };
        SeatingPlan { version: 1, categories: vec!["Gold".into()], rows: (0..self.rows).map(row).collect() }
    }

    /// For `import theatres`.
    pub(super) fn theatres(self) -> String {
        let seats = u32::from(self.rows) * u32::from(self.seats);
        format!("city,name,screens,seats\n{CITY},{THEATRE},{},{}\n", self.screens, seats.min(200_000))
    }

    /// For `import movies`.
    pub(super) fn movies() -> String {
        format!("title,year,runtime_min\n{MOVIE},1975,180\n")
    }

    /// For `import plans`.
    ///
    /// # Errors
    /// If a plan cannot be written.
    pub(super) fn plans(self) -> anyhow::Result<String> {
        let plan = serde_json::to_value(self.plan()).context("write the seating plan")?;
        let line = |screen| json!({ "theatre": THEATRE, "city": CITY, "screen": screen, "plan": plan }).to_string();
        Ok((1..=self.screens).map(line).collect::<Vec<_>>().join("\n"))
    }

    /// For `import shows`.
    pub(super) fn shows(self, today: Date) -> String {
        self.shows_at(today, "Gold=150,no")
    }

    /// [`Halls::shows`] that cost nothing and begin with all but the counter's floor on the web.
    pub(super) fn free_shows(self, today: Date) -> String {
        self.shows_at(today, "Gold=0,yes")
    }

    fn shows_at(self, today: Date, price_and_rush: &str) -> String {
        let mut text = String::from("theatre,city,screen,movie,starts_at,ends_at,prices,on_sale_rush\n");
        for (screen, date) in (1..=self.screens).flat_map(|screen| self.dates(today).map(move |date| (screen, date))) {
            for (start, end) in STARTS.iter().zip(ENDS) {
                let times = format!("{date}T{start}{OFFSET},{date}T{end}{OFFSET}");
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{THEATRE},{CITY},{screen},{MOVIE},{times},{price_and_rush}");
            }
        }
        text
    }

    /// The dates with shows.
    pub(super) fn dates(self, today: Date) -> impl Iterator<Item = Date> {
        (1..=i64::from(self.days)).map(move |day| today.saturating_add(day.days()))
    }
}

/// `A` to `Z`, then `AA` to `ZZ`.
fn label(index: u16) -> String {
    let letter = |n: u16| char::from(b'A' + (n % 26) as u8);
    if index < 26 { letter(index).into() } else { [letter(index / 26 - 1), letter(index)].iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_halls_are_plans_that_pass() {
        let halls = Halls { screens: 2, rows: 200, seats: 100, days: 2 };
        let plan = halls.plan();
        assert_eq!(plan.check(), Ok(()));
        assert_eq!(plan.seats_count(), 20_000);
        assert_eq!(halls.plans().expect("plans").lines().count(), 2);
        assert_eq!(halls.shows(jiff::civil::date(2026, 11, 23)).lines().count(), 1 + 2 * 2 * 3);
    }
}
