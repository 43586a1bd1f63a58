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
    /// The guest went out.
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

    /// What a departure at this time comes to, after this entry.
    pub fn effect(self, entry: &Admission, at: Timestamp, way_out: WayOut) -> Effect {
        match self {
            _ if at < entry.at => Effect::Nothing,
            Self::Out => way_out.effect(),
            Self::Undone if at.since(entry.at) <= UNDO_WITHIN => Effect::Again,
            Self::Undone => Effect::Nothing,
        }
    }
}

/// What the house has set for the way out of a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WayOut {
    /// Whoever goes out is counted as outside.
    pub exit: bool,
    /// And may come back, which takes that somebody counts them out.
    pub reentry: bool,
}

impl WayOut {
    /// As it was told; who is let back in was let out.
    pub fn new(exit: bool, reentry: bool) -> Self {
        Self { exit: exit || reentry, reentry }
    }

    /// What it comes to that a guest goes out.
    pub fn effect(self) -> Effect {
        match self {
            Self { reentry: true, .. } => Effect::Again,
            Self { exit: true, .. } => Effect::Gone,
            Self { .. } => Effect::Nothing,
        }
    }
}

/// What a departure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nobody is inside on the ticket, and it may enter again.
    Again,
    /// Nobody is inside on the ticket, and it stays used.
    Gone,
    /// The entry stands.
    Nothing,
}

/// The entry of somebody who is still inside, given the last departure that counts.
pub fn inside(entry: Option<Admission>, departed: Option<Timestamp>) -> Option<Admission> {
    entry.filter(|entry| departed.is_none_or(|at| at < entry.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_taken_back_within_ten_seconds_and_left_as_the_show_lets_people_out_and_back() {
        let entry = Admission { at: Timestamp(1_000_000), door: "Door A".into() };
        let (nobody, out, back) = (WayOut::default(), WayOut::new(true, false), WayOut::new(false, true));
        for (departure, after_s, way_out, effect) in [
            (Departure::Undone, 0, nobody, Effect::Again),
            (Departure::Undone, 10, out, Effect::Again),
            (Departure::Undone, 11, back, Effect::Nothing),
            (Departure::Undone, -1, nobody, Effect::Nothing),
            (Departure::Out, 3600, back, Effect::Again),
            (Departure::Out, 3600, out, Effect::Gone),
            (Departure::Out, 3600, nobody, Effect::Nothing),
            (Departure::Out, -1, back, Effect::Nothing),
        ] {
            let at = Timestamp(entry.at.0 + after_s * 1000);
            assert_eq!(departure.effect(&entry, at, way_out), effect, "{departure:?} {after_s} {way_out:?}");
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
