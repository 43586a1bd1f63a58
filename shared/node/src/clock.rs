//! Store time: the clock that decides deadlines and cannot run backwards.

use crate::store::{Sql, StoreError};
use crate::values;
use shared::time::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The table of the last persisted time; part of every database that `sqlite::open` makes.
pub(crate) const TABLE: &str = "
    CREATE TABLE store_time (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        persisted_ms INTEGER NOT NULL
    ) STRICT;";

/// max(last persisted time + time elapsed since, wall clock). Clones share one clock.
#[derive(Debug, Clone)]
pub struct StoreClock {
    source: Arc<Source>,
}

#[derive(Debug)]
enum Source {
    System(Mutex<Anchor>),
    Manual(Mutex<Timestamp>),
}

/// A store time and the moment it was read.
#[derive(Debug)]
struct Anchor {
    time: Timestamp,
    read_at: Instant,
}

impl StoreClock {
    /// A clock that goes on from the last persisted time, see [`last_persisted`].
    pub fn starting_at(last_persisted: Timestamp) -> Self {
        let anchor = Anchor { time: last_persisted, read_at: Instant::now() };
        Self { source: Arc::new(Source::System(Mutex::new(anchor))) }
    }

    /// A clock for tests: it stands still until [`advance`](Self::advance) moves it.
    pub fn manual() -> Self {
        Self { source: Arc::new(Source::Manual(Mutex::new(Timestamp(1_800_000_000_000)))) }
    }

    /// The store time.
    pub fn now(&self) -> Timestamp {
        match &*self.source {
            Source::System(anchor) => {
                let mut anchor = anchor.lock().unwrap_or_else(PoisonError::into_inner);
                let read_at = Instant::now();
                let carried = anchor.time + read_at.duration_since(anchor.read_at);
                let wall = wall();
                // Moving the anchor only with the wall clock keeps fractions of a millisecond from being lost at
                // every call.
                if wall > carried {
                    *anchor = Anchor { time: wall, read_at };
                }
                wall.max(carried)
            }
            Source::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock on; on any other clock it does nothing.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &*self.source {
            let mut time = time.lock().unwrap_or_else(PoisonError::into_inner);
            *time = *time + by;
        }
    }

    /// How long a thread may sleep until `moment`, at most `longest`: short enough to notice that the clock was set
    /// or moved by hand.
    pub fn sleep_until(&self, moment: Timestamp, longest: Duration) -> Duration {
        let longest = match &*self.source {
            Source::System(_) => longest,
            Source::Manual(_) => longest.min(Duration::from_millis(2)),
        };
        moment.since(self.now()).min(longest)
    }
}

fn wall() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(0) + since_1970
}

/// The last time that was committed to this database; the epoch if none was.
///
/// # Errors
/// If the database cannot be read.
pub fn last_persisted(db: &dyn Sql) -> Result<Timestamp, StoreError> {
    let found = db.first("SELECT persisted_ms FROM store_time", &[], |row| row.get(0))?;
    Ok(Timestamp(found.unwrap_or(0)))
}

/// Persists the time with whatever else the transaction writes.
///
/// # Errors
/// If the database fails.
pub fn persist(tx: &dyn Sql, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO store_time (one, persisted_ms) VALUES (1, ?1)
         ON CONFLICT (one) DO UPDATE SET persisted_ms = excluded.persisted_ms
         WHERE excluded.persisted_ms > store_time.persisted_ms",
        values![now.0],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_behind_the_last_persisted_time_does_not_turn_time_back() {
        let ahead = wall() + Duration::from_secs(3600);
        let clock = StoreClock::starting_at(ahead);
        let first = clock.now();
        assert!(first >= ahead);
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() > first, "time goes on from there");
    }

    #[test]
    fn a_wall_clock_ahead_of_the_last_persisted_time_is_believed() {
        let clock = StoreClock::starting_at(Timestamp(0));
        assert!(clock.now().since(wall()) < Duration::from_secs(1));
        assert!(clock.now() >= wall() - Duration::from_secs(1));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = StoreClock::manual();
        let before = clock.now();
        clock.clone().advance(Duration::from_secs(300));
        assert_eq!(clock.now().since(before), Duration::from_secs(300));
    }
}
