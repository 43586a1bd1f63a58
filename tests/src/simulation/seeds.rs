//! Many seeds, on several threads.

use super::event::Event;
use super::ghost::Cause;
use super::invariants::{self, Violation};
use super::shrink;
use super::world::{Outcome, World};
use shared::planted::{self, Plant};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Every so many seeds one is run twice: both runs must be the same.
const TWICE_EVERY: u64 = 500;
/// Failures that are shrunk; the others are only told.
const SHRUNK_MAX: usize = 4;

/// Which seeds to run, and how.
#[derive(Debug, Clone, Copy)]
pub struct Seeds {
    /// The first.
    pub start: u64,
    /// How many.
    pub count: u64,
    /// Events of each.
    pub actions: u64,
    /// Threads.
    pub threads: usize,
    /// A bug to plant.
    pub plant: Option<Plant>,
    /// Stop at the first failure, and do not shrink it.
    pub until_failure: bool,
}

/// A seed in which a claim did not hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// Its events.
    pub actions: u64,
    /// What did not hold.
    pub violation: Violation,
    /// The shortest list of events that shows it, empty where it was not looked for.
    pub shortest: Vec<Event>,
}

/// What all seeds came to.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// Seeds that were run.
    pub seeds: u64,
    /// Lines cut.
    pub partitions: u64,
    /// Events.
    pub events: u64,
    /// How often what happened that one wants to know of.
    pub tally: BTreeMap<&'static str, u64>,
    /// Double sales that are no fault of the core, by their cause.
    pub doubles: BTreeMap<&'static str, u64>,
    /// The trace of each seed.
    pub traces: BTreeMap<u64, [u8; 32]>,
    /// Seeds in which a claim did not hold.
    pub failed: usize,
    /// Those, by seed.
    pub failures: Vec<Failure>,
}

impl Seeds {
    /// Runs them all.
    pub fn run(self) -> Total {
        let (next, stop, total) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Total::default()));
        let work = || {
            planted::plant(self.plant);
            while !stop.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= self.count {
                    break;
                }
                let seed = self.start.saturating_add(index);
                let (outcome, record) = self.run_one(seed, index % TWICE_EVERY == 0);
                let violation = outcome.violation.clone();
                let failed = total.lock().unwrap_or_else(PoisonError::into_inner).add(seed, &outcome);
                let Some(violation) = violation else { continue };
                stop.fetch_or(self.until_failure, Ordering::Relaxed);
                let shrinks = !self.until_failure && failed <= SHRUNK_MAX;
                let shortest = if shrinks { shrink::shortest(seed, &record, violation.invariant) } else { Vec::new() };
                let failure = Failure { seed, actions: self.actions, violation, shortest };
                total.lock().unwrap_or_else(PoisonError::into_inner).failures.push(failure);
            }
            planted::plant(None);
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(work);
            }
            work();
        });
        let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        total.failures.sort_by_key(|failure| failure.seed);
        total
    }

    fn run_one(self, seed: u64, twice: bool) -> (Outcome, Vec<Event>) {
        let (mut outcome, record) = World::run(seed, self.actions);
        if twice && outcome.violation.is_none() {
            let again = World::replay(seed, &record);
            outcome.violation = invariants::invariant_the_same_seed_gives_the_same_run(&outcome, &again).err();
        }
        (outcome, record)
    }
}

impl Total {
    /// Counts others in.
    pub fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.partitions += other.partitions;
        self.events += other.events;
        other.tally.iter().for_each(|(what, count)| *self.tally.entry(*what).or_default() += count);
        other.doubles.iter().for_each(|(cause, count)| *self.doubles.entry(*cause).or_default() += count);
        self.traces.extend(other.traces);
        self.failed += other.failed;
        self.failures.extend(other.failures);
    }

    /// Double sales of one cause.
    pub fn doubles(&self, cause: Cause) -> u64 {
        self.doubles.get(cause.word()).copied().unwrap_or_default()
    }

    /// One hash over the traces of all seeds, in their order, however many threads ran them.
    pub fn trace(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for (seed, trace) in &self.traces {
            hasher.update(&seed.to_le_bytes()).update(trace);
        }
        hasher.finalize()
    }

    /// Counts a run in. Returns how many have failed.
    fn add(&mut self, seed: u64, outcome: &Outcome) -> usize {
        self.seeds += 1;
        self.partitions += outcome.partitions;
        self.events += outcome.events;
        outcome.tally.iter().for_each(|(what, count)| *self.tally.entry(*what).or_default() += count);
        outcome.doubles.iter().for_each(|(cause, count)| *self.doubles.entry(*cause).or_default() += count);
        self.traces.insert(seed, outcome.trace);
        self.failed += usize::from(outcome.violation.is_some());
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(start: u64, threads: usize) -> blake3::Hash {
        let seeds = Seeds { start, count: 6, actions: 60, threads, plant: None, until_failure: false };
        let total = seeds.run();
        assert_eq!((total.seeds, total.failed), (6, 0));
        total.trace()
    }

    #[test]
    fn the_same_seeds_give_the_same_trace_hash_and_others_another() {
        assert_eq!(trace(40, 1), trace(40, 2));
        assert_ne!(trace(40, 1), trace(41, 1));
    }
}
