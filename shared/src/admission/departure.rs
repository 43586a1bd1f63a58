//! Departures: somebody who was let in is outside again, or was let in by mistake. The entry stays what it was, a use of the ticket;
//! what changes is whether the ticket may enter once more.

use super::Admission;
use crate::time::Timestamp;
use std::time::Duration;

/// How long after an entry a door may take it back as a mistake.
pub const UNDO_WITHIN: Duration = Duration::from_secs(10);

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Departure {
    /// The guest went out, and comes back where the show lets people come back.
    Out,
    /// The door took the entry back right after it.
    Undone,
}

impl Departure {
    /// `out undone`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Undone => "undone",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Out, Self::Undone].into_iter().find(|departure| departure.word() == word)
    }

    /// Whether a departure at this time lets the ticket of this entry enter again.
    pub fn counts(self, entry: &Admission, at: Timestamp, reentry: bool) -> bool {
        let after = at >= entry.at;
        match self {
            Self::Out => after && reentry,
            Self::Undone => after && at.since(entry.at) <= UNDO_WITHIN,
        }
    }
}

/// The entry of somebody who is still inside, given the last departure that counts.
pub fn inside(entry: Option<Admission>, departed: Option<Timestamp>) -> Option<Admission> {
    entry.filter(|entry| departed.is_none_or(|at| at < entry.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_taken_back_within_ten_seconds_and_left_where_the_show_lets_people_back() {
        let entry = Admission { at: Timestamp(1_000_000), door: "Door A".into() };
        for (departure, after_s, reentry, counts) in [
            (Departure::Undone, 0, false, true),
            (Departure::Undone, 10, false, true),
            (Departure::Undone, 11, true, false),
            (Departure::Undone, -1, false, false),
            (Departure::Out, 3600, true, true),
            (Departure::Out, 3600, false, false),
            (Departure::Out, -1, true, false),
        ] {
            let at = Timestamp(entry.at.0 + after_s * 1000);
            assert_eq!(departure.counts(&entry, at, reentry), counts, "{departure:?} {after_s} {reentry}");
        }
    }

    #[test]
    fn whoever_came_back_is_inside() {
        let entry = |at| Some(Admission { at: Timestamp(at), door: "Door A".into() });
        assert_eq!(inside(entry(5), None), entry(5));
        assert_eq!(inside(entry(5), Some(Timestamp(5))), None);
        assert_eq!(inside(entry(7), Some(Timestamp(6))), entry(7));
        assert_eq!(inside(None, Some(Timestamp(6))), None);
        assert_eq!(Departure::from_word("undone"), Some(Departure::Undone));
        assert_eq!(Departure::from_word("gone"), None);
    }
}
