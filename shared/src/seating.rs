//! The seating plan of a screen: rows, seats, categories, aisles.

use crate::ids::SeatId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run of neighbouring seats of one row and category, numbered upwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRun {
    /// The id of the run's first seat; the others follow by one.
    pub first: SeatId,
    /// The printed number of the first seat.
    pub number: u16,
    /// How many seats.
    pub count: u16,
    /// Index into the plan's categories.
    pub category: u8,
    /// Empty seat widths before the run: an aisle or a margin.
    pub gap: u8,
    /// Seats for wheelchair users and their companions.
    pub accessible: bool,
}

/// One row, from left to right as seen from the last row towards the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// One to three characters, unique in the plan.
    pub label: String,
    /// The row's seats.
    pub runs: Vec<SeatRun>,
}

/// A screen's seats. Rows run from the screen backwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatingPlan {
    /// Grows with each change; seat ids keep their meaning across versions.
    pub version: u16,
    /// Category names, cheapest first.
    pub categories: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One seat as a plan describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSeat<'a> {
    /// The stable id.
    pub id: SeatId,
    /// The row's label.
    pub row: &'a str,
    /// The printed number.
    pub number: u16,
    /// The category's index.
    pub category: u8,
    /// Column on the map, aisles counted, from 0.
    pub column: u16,
    /// For wheelchair users and companions.
    pub accessible: bool,
}

impl PlanSeat<'_> {
    /// Row label and number, for example `C12`: unique per screen.
    pub fn label(&self) -> String {
        format!("{}{}", self.row, self.number)
    }
}

/// Why a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// No seats at all, or more than the limit.
    #[error("a plan needs 1 to {max} seats, not {count}", max = SeatingPlan::SEATS_MAX)]
    SeatCount {
        /// How many it has.
        count: usize,
    },
    /// A row label that is empty, longer than three characters, not plain, or does not end in a letter.
    #[error("row label {0:?} is not one to three capital letters or digits ending in a letter")]
    RowLabel(String),
    /// The same seat label or id twice.
    #[error("seat {0} appears twice")]
    Twice(String),
    /// A category index beyond the list.
    #[error("seat {0} names a category the plan does not have")]
    Category(String),
    /// Another version of the plan knows the label under another id, or the id under another label.
    #[error("seat {label} has id {id}, which another version of the plan says otherwise")]
    Moved {
        /// The seat's label.
        label: String,
        /// Its id.
        id: SeatId,
    },
}

impl SeatingPlan {
    /// The most seats a screen may have.
    pub const SEATS_MAX: usize = 200_000;

    /// All seats, row by row, left to right.
    pub fn seats(&self) -> impl Iterator<Item = PlanSeat<'_>> {
        self.rows.iter().flat_map(|row| {
            let mut column = 0u16;
            row.runs.iter().flat_map(move |run| {
                column = column.saturating_add(u16::from(run.gap));
                let start = column;
                column = column.saturating_add(run.count);
                (0..run.count).map(move |i| PlanSeat {
                    id: SeatId(run.first.0.saturating_add(u32::from(i))),
                    row: &row.label,
                    number: run.number.saturating_add(i),
                    category: run.category,
                    column: start.saturating_add(i),
                    accessible: run.accessible,
                })
            })
        })
    }

    /// How many seats.
    pub fn seats_count(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.runs).map(|run| usize::from(run.count)).sum()
    }

    /// Looks a seat up by its label, in any case.
    pub fn seat_labelled(&self, label: &str) -> Option<PlanSeat<'_>> {
        let label = label.trim();
        self.rows.iter().find_map(|row| {
            let number = label.get(..row.label.len()).filter(|head| head.eq_ignore_ascii_case(&row.label))?;
            let number: u16 = label.get(number.len()..)?.parse().ok()?;
            self.seats().find(|seat| seat.row == row.label && seat.number == number)
        })
    }

    /// Looks a seat up by its id.
    pub fn seat(&self, id: SeatId) -> Option<PlanSeat<'_>> {
        self.seats().find(|seat| seat.id == id)
    }

    /// All seats by id, for callers that look up many.
    pub fn by_id(&self) -> BTreeMap<SeatId, PlanSeat<'_>> {
        self.seats().map(|seat| (seat.id, seat)).collect()
    }

    /// Refuses a plan in which a seat of another version has another id, or an id another label: entries and tickets name seats by
    /// id, people by label, and neither may ever mean another place. Seats may come, go and change their category.
    pub fn keeps_seats_of(&self, other: &Self) -> Result<(), BadPlan> {
        let by_id: BTreeMap<SeatId, String> = other.seats().map(|seat| (seat.id, seat.label())).collect();
        let by_label: BTreeMap<&str, SeatId> = by_id.iter().map(|(id, label)| (label.as_str(), *id)).collect();
        for seat in self.seats() {
            let (id, label) = (seat.id, seat.label());
            let same_label = by_id.get(&id).is_none_or(|known| *known == label);
            let same_id = by_label.get(label.as_str()).is_none_or(|known| *known == id);
            if !same_label || !same_id {
                return Err(BadPlan::Moved { label, id });
            }
        }
        Ok(())
    }

    /// Refuses plans with duplicate labels or ids, odd row labels, unknown categories or too many seats.
    pub fn check(&self) -> Result<(), BadPlan> {
        let count = self.seats_count();
        if count == 0 || count > Self::SEATS_MAX {
            return Err(BadPlan::SeatCount { count });
        }
        for row in &self.rows {
            let plain = row.label.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            let ends_in_letter = row.label.chars().last().is_some_and(|c| c.is_ascii_alphabetic());
            if row.label.len() > 3 || !plain || !ends_in_letter {
                return Err(BadPlan::RowLabel(row.label.clone()));
            }
        }
        let (mut labels, mut ids) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for seat in self.seats() {
            if usize::from(seat.category) >= self.categories.len() {
                return Err(BadPlan::Category(seat.label()));
            }
            if !labels.insert(seat.label()) || !ids.insert(seat.id) {
                return Err(BadPlan::Twice(seat.label()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> SeatingPlan {
        let run = |first, number, count, gap| SeatRun {
            first: SeatId(first),
            number,
            count,
            category: 0,
            gap,
            accessible: false,
        };
        SeatingPlan {
            version: 1,
            categories: vec!["Silver".into()],
            rows: vec![
                Row { label: "A".into(), runs: vec![run(1, 1, 3, 0), run(4, 4, 3, 2)] },
                Row { label: "AA".into(), runs: vec![run(7, 1, 2, 1)] },
            ],
        }
    }

    #[test]
    fn an_aisle_shifts_columns_but_not_numbers() {
        let plan = plan();
        let a4 = plan.seat_labelled("a4").expect("seat");
        assert_eq!((a4.id, a4.number, a4.column), (SeatId(4), 4, 5));
        assert_eq!(plan.seats_count(), 8);
        assert_eq!(plan.check(), Ok(()));
    }

    #[test]
    fn a_longer_row_label_is_not_mistaken_for_a_shorter_one() {
        let plan = plan();
        assert_eq!(plan.seat_labelled("AA2").map(|s| s.id), Some(SeatId(8)));
        assert_eq!(plan.seat_labelled("AB2"), None);
        assert_eq!(plan.seat_labelled("A99"), None);
        assert_eq!(plan.seat_labelled(""), None);
        assert_eq!(plan.seat_labelled("ä1"), None);
    }

    #[test]
    fn a_seat_keeps_its_id_and_its_label_in_every_version() {
        let check = |change: fn(&mut SeatingPlan), moved: Option<(&str, u32)>| {
            let mut next = plan();
            next.version = 2;
            change(&mut next);
            assert_eq!(next.check(), Ok(()), "the plan alone is valid");
            let expected = moved.map(|(label, id)| BadPlan::Moved { label: label.into(), id: SeatId(id) });
            assert_eq!(next.keeps_seats_of(&plan()).err(), expected);
        };
        check(|_| (), None);
        // A seat is taken out, a row is added, categories and aisles change.
        check(|plan| plan.rows[0].runs[1].count = 2, None);
        check(|plan| plan.rows[0].runs[1].gap = 0, None);
        check(|plan| plan.rows[1].runs[0].accessible = true, None);
        let row =
            || Row { label: "B".into(), runs: vec![SeatRun { first: SeatId(20), ..plan().rows[1].runs[0].clone() }] };
        let mut longer = plan();
        longer.rows.push(row());
        assert_eq!((longer.check(), longer.keeps_seats_of(&plan())), (Ok(()), Ok(())));
        // The row is numbered anew, renamed, or another row takes its place.
        check(|plan| plan.rows[0].runs[0].number = 9, Some(("A9", 1)));
        check(|plan| plan.rows[1].label = "B".into(), Some(("B1", 7)));
        check(|plan| plan.rows[1].runs[0].first = SeatId(30), Some(("AA1", 30)));
        check(
            |plan| {
                let first = plan.rows[0].runs[0].first;
                plan.rows[0].runs[0].first = SeatId(40);
                plan.rows[1].runs[0].first = first;
            },
            Some(("A1", 40)),
        );
    }

    #[test]
    fn a_plan_with_a_label_twice_is_refused() {
        let mut plan = plan();
        plan.rows[1].label = "A".into();
        assert_eq!(plan.check(), Err(BadPlan::Twice("A1".into())));
    }
}
