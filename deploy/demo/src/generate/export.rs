//! Plans and shows in the formats that `usher-central import plans` and `import shows` read.

use super::Theatre;
use super::week::{OFFSET, PlannedShow};
use anyhow::Context;
use serde::Serialize;
use shared::seating::SeatingPlan;
use std::fmt::Write;

#[derive(Serialize)]
struct PlanLine<'a> {
    theatre: &'a str,
    city: &'a str,
    screen: u8,
    plan: &'a SeatingPlan,
}

/// One JSON object per line and screen: `{"theatre","city","screen","plan"}`.
pub fn plan_lines(theatre: &Theatre, plans: &[SeatingPlan]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for (screen, plan) in (1..).zip(plans) {
        let line = PlanLine { theatre: &theatre.name, city: &theatre.city, screen, plan };
        lines += &serde_json::to_string(&line).with_context(|| format!("write the plan of screen {screen}"))?;
        lines.push('\n');
    }
    Ok(lines)
}

/// A schedule as CSV: `theatre,city,screen,movie,starts_at,ends_at,prices`.
pub struct ShowCsv(csv::Writer<Vec<u8>>);

impl ShowCsv {
    /// A schedule with its header only.
    pub fn new() -> anyhow::Result<Self> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["theatre", "city", "screen", "movie", "starts_at", "ends_at", "prices"];
        writer.write_record(header).context("write the schedule's header")?;
        Ok(Self(writer))
    }

    /// Adds the shows of one theatre.
    pub fn add(&mut self, theatre: &Theatre, shows: &[PlannedShow]) -> anyhow::Result<()> {
        for show in shows {
            let [starts_at, ends_at] = [show.starts_at, show.ends_at].map(|at| format!("{at}{OFFSET}"));
            let (screen, prices) = (show.screen.to_string(), price_list(show));
            let row = [&theatre.name, &theatre.city, &screen, &show.movie, &starts_at, &ends_at, &prices];
            self.0.write_record(row).with_context(|| format!("write the show of {} at {starts_at}", show.movie))?;
        }
        Ok(())
    }

    /// The finished file.
    pub fn finish(self) -> anyhow::Result<String> {
        let bytes = self.0.into_inner().context("finish the schedule")?;
        String::from_utf8(bytes).context("read the schedule back as text")
    }
}

/// `Silver=150.00|Gold=220.00`.
fn price_list(show: &PlannedShow) -> String {
    let mut list = String::new();
    for (category, price) in &show.prices {
        let separator = if list.is_empty() { "" } else { "|" };
        // Writing to a String cannot fail.
        let _ = write!(list, "{separator}{category}={}.{:02}", price.minor / 100, price.minor % 100);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::super::programme::Programme;
    use super::super::{facts, hall, week};
    use super::*;

    #[test]
    fn plans_read_back_from_their_lines() {
        let theatres = facts::theatres().expect("facts");
        let theatre = theatres.iter().find(|theatre| theatre.screens == 4).expect("a theatre of four screens");
        let plans = hall::seating_plans(theatre, 42).expect("plans");
        let lines = plan_lines(theatre, &plans).expect("lines");
        let read: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
        assert_eq!(read.len(), 4);
        assert_eq!(read[2]["screen"], 3);
        assert_eq!(read[2]["theatre"], theatre.name.as_str());
        assert_eq!(serde_json::from_value::<SeatingPlan>(read[2]["plan"].clone()).expect("plan"), plans[2]);
    }

    #[test]
    fn shows_are_written_with_zone_and_prices() {
        let theatres = facts::theatres().expect("facts");
        let theatre = theatres.iter().find(|theatre| theatre.name.contains(',')).expect("a name with a comma");
        let plans = hall::seating_plans(theatre, 42).expect("plans");
        let programme = Programme::of(&facts::films().expect("facts"), 42);
        let calendar = week::Calendar { first_day: jiff::civil::date(2026, 11, 23), days: 1, opening: None };
        let shows = week::week(theatre, &plans, &programme, calendar, 42);
        let mut csv = ShowCsv::new().expect("csv");
        csv.add(theatre, &shows).expect("rows");
        let text = csv.finish().expect("text");
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("row")).collect();
        assert_eq!(rows.len(), shows.len());
        assert_eq!(&rows[0][0], theatre.name.as_str());
        assert!(rows[0][4].parse::<jiff::Timestamp>().is_ok(), "{}", &rows[0][4]);
        assert!(rows[0][4].starts_with("2026-11-23T") && rows[0][4].ends_with("+05:30"), "{}", &rows[0][4]);
        let first = format!("{}={}.00", plans[0].categories[0], shows[0].prices[0].1.minor / 100);
        assert!(rows[0][6].starts_with(&first), "{} has no {first}", &rows[0][6]);
    }
}
