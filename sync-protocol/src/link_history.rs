//! How long the link was away lately: the box of a theatre that is often alone is given more seats to sell.

use shared::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// What lies further back is forgotten.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// A link that was away for less than this was not away: a restart, a broker's hiccup.
const AWAY_MIN: Duration = Duration::from_secs(5 * 60);
/// Absences that are remembered at most; of more the oldest are forgotten.
const ABSENCES_MAX: usize = 256;

/// The times at which the link was not live, as far as this start of the program knows.
#[derive(Debug, Clone, Default)]
pub struct LinkHistory {
    absences: VecDeque<(Timestamp, Timestamp)>,
}

impl LinkHistory {
    /// The link was not live in this time.
    pub fn note(&mut self, from: Timestamp, to: Timestamp) {
        if to.since(from) < AWAY_MIN {
            return;
        }
        self.absences.push_back((from, to));
        if self.absences.len() > ABSENCES_MAX {
            self.absences.pop_front();
        }
    }

    /// How long of the last 24 h it was not live.
    pub fn away(&self, now: Timestamp) -> Duration {
        let horizon = now - REMEMBERED;
        self.absences.iter().map(|(from, to)| to.since((*from).max(horizon))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn only_what_was_long_and_lies_within_a_day_counts() {
        let mut history = LinkHistory::default();
        history.note(Timestamp(0), Timestamp(2 * HOUR));
        history.note(Timestamp(5 * HOUR), Timestamp(5 * HOUR + 60_000));
        history.note(Timestamp(10 * HOUR), Timestamp(11 * HOUR));
        let hours = |at: i64| history.away(Timestamp(at * HOUR)).as_secs() / 3600;
        assert_eq!([12, 24, 25, 26, 34, 35, 60].map(hours), [3, 3, 2, 1, 1, 0, 0]);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut history = LinkHistory::default();
        for n in 0..1_000 {
            history.note(Timestamp(n * 400_000), Timestamp(n * 400_000 + 300_000));
        }
        assert_eq!(history.absences.len(), ABSENCES_MAX);
        assert!(history.away(Timestamp(400_000_000)) <= REMEMBERED);
    }
}
