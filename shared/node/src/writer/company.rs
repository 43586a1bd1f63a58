//! How long a batch waits for company.
//!
//! Where a commit takes long, those it answers fall into two halves that take turns: one half is written while the other half gathers,
//! so everybody waits for two commits. Whoever was just answered often asks again within a moment; a batch that waits that moment
//! has all of them, and everybody waits for one commit. On a fast disk the moment is shorter than anything that happens in it.

use super::BATCH_MAX;
use std::time::{Duration, Instant};

/// The part of a commit's time that is waited after it.
const PART: u32 = 4;
/// The longest wait, however slow the disk.
const WAIT_MAX: Duration = Duration::from_millis(2);
/// Where nobody came, so many batches do not wait.
const REST: u32 = 16;

/// What is known of those who ask.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// How many the last commit answered, and until when they may be waited for.
    answered: Option<(usize, Instant)>,
    /// Batches that will not wait, since the last wait did not pay.
    resting: u32,
}

/// A wait for company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// How many the batch has when it need not wait any longer.
    pub(super) count: usize,
    /// When it is over in any case.
    pub(super) until: Instant,
    /// How many there were when it began.
    before: usize,
}

impl Company {
    /// A commit that took so long has answered so many.
    pub(super) fn answered(&mut self, count: usize, took: Duration, now: Instant) {
        self.answered = Some((count, now + (took / PART).min(WAIT_MAX)));
    }

    /// Whether a batch of so many should wait, and for whom. Of those who were answered each may come once.
    pub(super) fn wait(&mut self, gathered: usize, now: Instant) -> Option<Wait> {
        let (answered, until) = self.answered.take()?;
        let count = (answered + gathered.saturating_sub(1)).min(BATCH_MAX);
        if answered + gathered <= 2 || count <= gathered || until <= now {
            return None;
        }
        if self.resting > 0 {
            self.resting -= 1;
            return None;
        }
        Some(Wait { count, until, before: gathered })
    }

    /// The wait is over with so many in the batch.
    pub(super) fn waited(&mut self, wait: Wait, gathered: usize) {
        let paid = 2 * gathered.saturating_sub(wait.before) >= wait.count - wait.before;
        self.resting = if paid { 0 } else { REST };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: Duration = Duration::from_millis(4);

    #[test]
    fn a_batch_waits_for_those_who_were_answered_for_a_part_of_what_their_commit_took() {
        let (mut company, now) = (Company::default(), Instant::now());
        assert_eq!(company.wait(8, now), None, "nobody was answered yet");
        company.answered(8, COMMIT, now);
        let wait = company.wait(8, now).expect("a wait");
        assert_eq!((wait.count, wait.until), (15, now + COMMIT / 4));
        company.answered(300, Duration::from_secs(1), now);
        let wait = company.wait(200, now).expect("a wait");
        assert_eq!((wait.count, wait.until), (BATCH_MAX, now + WAIT_MAX));
    }

    #[test]
    fn one_asker_alone_and_whoever_comes_later_is_never_made_to_wait() {
        let (mut company, now) = (Company::default(), Instant::now());
        company.answered(1, COMMIT, now);
        assert_eq!(company.wait(1, now), None);
        company.answered(8, COMMIT, now);
        assert_eq!(company.wait(1, now + COMMIT), None);
        company.answered(8, COMMIT, now);
        assert!(company.wait(1, now).is_some());
        assert_eq!(company.wait(1, now), None, "the same answers are waited for once");
    }

    #[test]
    fn a_wait_that_nobody_came_to_is_not_repeated_at_once() {
        let (mut company, now) = (Company::default(), Instant::now());
        company.answered(8, COMMIT, now);
        let wait = company.wait(2, now).expect("a wait");
        company.waited(wait, 3);
        for _ in 0..REST {
            company.answered(8, COMMIT, now);
            assert_eq!(company.wait(2, now), None);
        }
        company.answered(8, COMMIT, now);
        let wait = company.wait(2, now).expect("another try");
        company.waited(wait, 9);
        company.answered(8, COMMIT, now);
        assert!(company.wait(2, now).is_some(), "it paid");
    }
}
