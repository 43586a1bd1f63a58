//! Short codes are short enough to be guessed at by whoever has time: a device takes a few wrong ones, and then none for a while.

use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Wrong codes that a device takes within [`TRIES_WITHIN`].
pub const TRIES_MAX: usize = 10;
/// How long a wrong code counts.
pub const TRIES_WITHIN: Duration = Duration::from_secs(300);

/// The wrong codes of one device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tries {
    missed: VecDeque<Timestamp>,
}

impl Tries {
    /// Whether another code may be looked up.
    pub fn may_try(&mut self, now: Timestamp) -> bool {
        // A clock that was turned back does not lock the device for ever.
        self.missed.retain(|missed| *missed <= now && now.since(*missed) < TRIES_WITHIN);
        self.missed.len() < TRIES_MAX
    }

    /// A code was looked up and nothing is known of it.
    pub fn miss(&mut self, now: Timestamp) {
        self.missed.push_back(now);
        if self.missed.len() > TRIES_MAX {
            self.missed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_codes_are_enough_for_five_minutes() {
        let start = Timestamp(1_800_000_000_000);
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut tries = Tries::default();
        for second in 0..10 {
            assert!(tries.may_try(at(second)));
            tries.miss(at(second));
        }
        assert!(!tries.may_try(at(10)) && !tries.may_try(at(299)));
        assert!(tries.may_try(at(300)), "the first one is forgotten");
        tries.miss(at(300));
        assert!(!tries.may_try(at(300)));
        assert!(tries.may_try(start - Duration::from_secs(60)), "the clock was turned back");
    }
}
