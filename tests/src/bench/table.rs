//! Tables on standard output, and the percentiles in them.

use std::fmt;
use std::io::Write;
use std::time::Duration;

/// Rows under a header, the first column to the left and the others to the right.
#[derive(Debug, Clone)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with its header only.
    pub(super) fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub(super) fn add<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }

    /// Prints it.
    pub(super) fn print(&self) {
        let _closed_pipe = write!(std::io::stdout(), "{self}");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let width = *width;
                line += &if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// How long each of many things took.
#[derive(Debug, Clone, Default)]
pub(super) struct Timings(Vec<Duration>);

impl Timings {
    /// Adds one.
    pub(super) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Adds all of another's.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many were timed.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that so many percent did not exceed; 0 where nothing was timed.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(index).copied().unwrap_or_default()
    }

    /// [`Timings::percentile`] in milliseconds, as tables show it.
    pub(super) fn ms(&self, percent: usize) -> String {
        format!("{:.2}", self.percentile(percent).as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut timings = Timings::default();
        assert_eq!(timings.percentile(99), Duration::ZERO);
        (1..=200).rev().for_each(|ms| timings.add(Duration::from_millis(ms)));
        assert_eq!(timings.percentile(50), Duration::from_millis(100));
        assert_eq!(timings.percentile(99), Duration::from_millis(198));
        assert_eq!(timings.percentile(100), Duration::from_millis(200));
        assert_eq!(timings.ms(50), "100.00");
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["broker", "s"]);
        table.add(["embedded".into(), "1.25".into()]);
        assert_eq!(table.to_string(), "broker       s\nembedded  1.25\n");
    }
}
