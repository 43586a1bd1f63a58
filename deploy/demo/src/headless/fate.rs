//! Chance from a seed, for crowds.

use crate::generate::generator;
use node::view::{SeatMapView, SeatView};
use rand::RngExt;
use rand::rngs::StdRng;

/// So many choices are the ones that everybody wants.
const WANTED_BY_ALL: usize = 12;

/// One person's luck.
pub(super) struct Fate(StdRng);

impl Fate {
    pub(super) fn of(seed: u64, role: &str, number: usize) -> Self {
        Self(generator(seed, &["crowd", role, &number.to_string()]))
    }

    /// True this often out of a hundred times.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent.min(100), 100)
    }

    /// A number of milliseconds within a span.
    pub(super) fn millis(&mut self, least: u64, most: u64) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.random_range(least..=most))
    }

    /// One of them, nothing where there is none.
    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        if choices.is_empty() { None } else { choices.get(self.0.random_range(0..choices.len())) }
    }

    /// One or two neighbouring seats that look free on a map, whoever may sell them; often the ones that everybody wants.
    pub(super) fn seats(&mut self, map: &SeatMapView) -> Option<Vec<String>> {
        let wanted = if self.percent(50) { 2 } else { 1 };
        let free = |seat: &SeatView| seat.state == "free";
        let pairs = |count: usize| -> Vec<Vec<String>> {
            let rows = map.rows.iter().flat_map(|row| row.seats.windows(count));
            let fitting = rows.filter(|seats| seats.iter().all(free));
            fitting.map(|seats| seats.iter().map(|seat| seat.label.clone()).collect()).collect()
        };
        let mut choices = pairs(wanted);
        if choices.is_empty() {
            choices = pairs(1);
        }
        if self.percent(60) {
            choices.truncate(WANTED_BY_ALL);
        }
        self.one_of(&choices).cloned()
    }
}
