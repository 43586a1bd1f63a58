//! Time as an argument. Nothing in this crate reads a clock.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: milliseconds since 1970-01-01 UTC. Only shells make one from a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment at this many minutes since 1970-01-01 UTC, the unit of ticket codes.
    pub fn from_minutes(minutes: u32) -> Self {
        Self(i64::from(minutes) * 60_000)
    }

    /// Whole minutes since 1970-01-01 UTC, clamped to what a ticket code can say.
    pub fn minutes(self) -> u32 {
        u32::try_from(self.0.div_euclid(60_000).max(0)).unwrap_or(u32::MAX)
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A wall clock that is ahead by more than this was set, and nobody has waited that long.
pub const JUMP_MIN: Duration = Duration::from_secs(5 * 60);

/// How far the wall clock has jumped ahead of the time that was carried on by a clock nobody sets, or of the last time a store
/// that was not running has seen. Small corrections are time that has passed.
pub fn forward_jump(carried: Timestamp, wall: Timestamp) -> Option<Duration> {
    Some(wall.since(carried)).filter(|ahead| *ahead > JUMP_MIN)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_jumps_forward_by_more_than_five_minutes_or_not_at_all() {
        let carried = Timestamp(1_000_000);
        for (ahead_ms, jump_ms) in
            [(-3_600_000, None), (0, None), (300_000, None), (300_001, Some(300_001)), (86_400_000, Some(86_400_000))]
        {
            let jump = forward_jump(carried, Timestamp(carried.0 + ahead_ms));
            assert_eq!(jump, jump_ms.map(Duration::from_millis), "{ahead_ms}");
        }
    }
}
