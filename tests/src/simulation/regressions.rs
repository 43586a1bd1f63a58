//! Seeds that once failed. They are run first, for ever.

use super::seeds::{Seeds, Total};

/// The list: a seed and its number of events per line, then why it is there.
const LIST: &str = include_str!("regressions.txt");

/// A seed that once failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    /// The seed.
    pub seed: u64,
    /// Its events.
    pub actions: u64,
    /// What was wrong.
    pub reason: &'static str,
}

/// All of them; lines that cannot be read are given as they are.
///
/// # Errors
/// The first line that is not a seed, a number of events and a reason.
pub fn all() -> Result<Vec<Regression>, &'static str> {
    let lines = LIST.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| parse(line).ok_or(line)).collect()
}

fn parse(line: &'static str) -> Option<Regression> {
    let (seed, rest) = line.split_once(' ')?;
    let (actions, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Some(Regression { seed: seed.parse().ok()?, actions: actions.parse().ok()?, reason: reason.trim() })
}

/// Runs the list.
pub fn run(list: &[Regression]) -> Total {
    let mut total = Total::default();
    for Regression { seed, actions, .. } in list {
        let seeds = Seeds { start: *seed, count: 1, actions: *actions, threads: 1, plant: None, until_failure: false };
        total.join(seeds.run());
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_can_be_read() {
        assert!(all().is_ok(), "{:?}", all());
    }
}
