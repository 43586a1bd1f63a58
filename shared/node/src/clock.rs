//! Store time: the clock that decides deadlines and cannot run backwards.

use crate::store::{Sql, StoreError};
use crate::values;
use shared::time::{Timestamp, forward_jump};
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
    unkept: bool,
}

#[derive(Debug)]
enum Source {
    System(Mutex<Anchor>),
    /// Follows a clock that many programs share, as often as it is told what that shows.
    Led(Mutex<Anchor>),
    Manual(Mutex<Anchor>),
}

/// A store time and the moment it was read.
#[derive(Debug)]
struct Anchor {
    time: Timestamp,
    read_at: Instant,
    /// How far the wall clock has jumped since somebody asked.
    jumped: Duration,
}

impl Anchor {
    fn at(time: Timestamp) -> Self {
        Self { time, read_at: Instant::now(), jumped: Duration::ZERO }
    }

    /// Goes on from the wall clock, which is ahead of `carried`.
    fn follow(&mut self, carried: Timestamp, wall: Timestamp, read_at: Instant) {
        self.jumped += forward_jump(carried, wall).unwrap_or_default();
        (self.time, self.read_at) = (wall, read_at);
    }
}

impl StoreClock {
    fn of(source: Source) -> Self {
        Self { source: Arc::new(source), unkept: false }
    }

    /// The same clock for somebody whose writing leaves no time behind: what a store is set up with is no life that it could forget.
    pub fn unkept(self) -> Self {
        Self { unkept: true, ..self }
    }

    /// Is its time persisted with what is written?
    pub fn is_kept(&self) -> bool {
        !self.unkept
    }

    /// A clock that goes on from the last persisted time, see [`last_persisted`].
    pub fn starting_at(last_persisted: Timestamp) -> Self {
        Self::of(Source::System(Mutex::new(Anchor::at(last_persisted))))
    }

    /// A clock that goes on from the last persisted time and follows the database's, see [`lead`](Self::lead).
    pub fn led(last_persisted: Timestamp) -> Self {
        Self::of(Source::Led(Mutex::new(Anchor::at(last_persisted))))
    }

    /// What the database's clock shows, or the last time that anybody persisted there. On any other clock it does nothing.
    pub fn lead(&self, shown: Timestamp) {
        if let Source::Led(anchor) = &*self.source {
            let mut anchor = anchor.lock().unwrap_or_else(PoisonError::into_inner);
            let read_at = Instant::now();
            let carried = anchor.time + read_at.duration_since(anchor.read_at);
            if shown > carried {
                anchor.follow(carried, shown, read_at);
            }
        }
    }

    /// A clock for tests: it stands still until [`advance`](Self::advance) moves it.
    pub fn manual() -> Self {
        Self::of(Source::Manual(Mutex::new(Anchor::at(Timestamp(1_800_000_000_000)))))
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
                    anchor.follow(carried, wall, read_at);
                }
                wall.max(carried)
            }
            Source::Led(anchor) => {
                let anchor = anchor.lock().unwrap_or_else(PoisonError::into_inner);
                anchor.time + anchor.read_at.elapsed()
            }
            Source::Manual(anchor) => anchor.lock().unwrap_or_else(PoisonError::into_inner).time,
        }
    }

    /// Moves a manual clock on; on any other clock it does nothing.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(anchor) = &*self.source {
            let mut anchor = anchor.lock().unwrap_or_else(PoisonError::into_inner);
            anchor.time = anchor.time + by;
        }
    }

    /// Sets a manual clock forward, as somebody sets a wall clock; on any other clock it does nothing.
    pub fn set_forward(&self, by: Duration) {
        if let Source::Manual(anchor) = &*self.source {
            let mut anchor = anchor.lock().unwrap_or_else(PoisonError::into_inner);
            let carried = anchor.time;
            anchor.follow(carried, carried + by, Instant::now());
        }
    }

    /// How far the wall clock has jumped forward since this was asked last, at the start since the last persisted time.
    pub fn take_jump(&self) -> Option<Duration> {
        let (Source::System(anchor) | Source::Led(anchor) | Source::Manual(anchor)) = &*self.source;
        let jumped = std::mem::take(&mut anchor.lock().unwrap_or_else(PoisonError::into_inner).jumped);
        (jumped > Duration::ZERO).then_some(jumped)
    }

    /// How long a thread may sleep until `moment`, at most `longest`: short enough to notice that the clock was set
    /// or moved by hand.
    pub fn sleep_until(&self, moment: Timestamp, longest: Duration) -> Duration {
        let longest = match &*self.source {
            Source::System(_) | Source::Led(_) => longest,
            Source::Manual(_) => longest.min(Duration::from_millis(2)),
        };
        moment.since(self.now()).min(longest)
    }
}

/// What the machine's clock shows.
pub fn wall() -> Timestamp {
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
    tx.send(
        "INSERT INTO store_time (one, persisted_ms) VALUES (1, ?1)
         ON CONFLICT (one) DO UPDATE SET persisted_ms = excluded.persisted_ms
         WHERE excluded.persisted_ms > store_time.persisted_ms",
        values![now.0],
    )
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
    fn a_jump_over_a_restart_is_told_once_and_a_small_step_never() {
        let clock = StoreClock::starting_at(wall() - Duration::from_secs(3600));
        assert_eq!(clock.take_jump(), None, "nobody has looked yet");
        clock.now();
        let jump = clock.take_jump().expect("a jump");
        assert!((Duration::from_secs(3600)..Duration::from_secs(3660)).contains(&jump));
        assert_eq!(clock.take_jump(), None);
        let clock = StoreClock::starting_at(wall() - Duration::from_secs(60));
        clock.now();
        assert_eq!(clock.take_jump(), None);
    }

    #[test]
    fn a_led_clock_follows_forward_only_and_goes_on_by_itself() {
        let clock = StoreClock::led(Timestamp(5_000));
        clock.lead(Timestamp(4_000));
        let first = clock.now();
        assert!((5_000..6_000).contains(&first.0), "{first:?}");
        clock.lead(Timestamp(3_600_000));
        assert!(clock.now() >= Timestamp(3_600_000));
        assert!(clock.take_jump().is_some());
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() > Timestamp(3_600_000));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = StoreClock::manual();
        let before = clock.now();
        clock.clone().advance(Duration::from_secs(300));
        assert_eq!(clock.now().since(before), Duration::from_secs(300));
    }
}
