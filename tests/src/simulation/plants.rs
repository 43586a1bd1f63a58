//! Planted bugs: each is run until an invariant finds it.

use super::seeds::{Failure, Seeds};
use super::world::World;
use shared::planted::Plant;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Seeds that each bug gets.
pub const SEEDS_MAX: u64 = 400;

/// What few runs show is looked for where one of them is.
fn first_seed(plant: Plant) -> u64 {
    if plant == Plant::NotAppliedDropped { 1_300 } else { 0 }
}

/// How a planted bug fared.
#[derive(Debug, Clone)]
pub struct Fate {
    /// The bug.
    pub plant: Plant,
    /// Seeds until it was found.
    pub seeds: u64,
    /// What found it, nothing where it got away.
    pub caught: Option<Failure>,
}

/// Runs one planted bug until it is found. What fails in the same way without it is not what finds it.
pub fn run(plant: Plant, start: u64, seeds: u64, actions: u64) -> Fate {
    let start = start.saturating_add(first_seed(plant));
    let end = start.saturating_add(seeds);
    let mut next = start;
    while next < end {
        let count = end - next;
        let rest = Seeds { start: next, count, actions, threads: 1, plant: Some(plant), until_failure: true };
        let Some(found) = rest.run().failures.pop() else { break };
        next = found.seed + 1;
        let (without, _) = World::run(found.seed, actions);
        if without.violation.is_none_or(|other| other.invariant != found.violation.invariant) {
            return Fate { plant, seeds: next - start, caught: Some(found) };
        }
    }
    Fate { plant, seeds, caught: None }
}

/// Runs them all, on several threads, in the order of their list.
pub fn run_all(start: u64, seeds: u64, actions: u64, threads: usize) -> Vec<Fate> {
    let (next, fates) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(plant) = Plant::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fate = run(*plant, start, seeds, actions);
                    fates.lock().unwrap_or_else(PoisonError::into_inner).push(fate);
                }
            });
        }
    });
    let mut fates = fates.into_inner().unwrap_or_else(PoisonError::into_inner);
    fates.sort_by_key(|fate| Plant::ALL.iter().position(|plant| *plant == fate.plant));
    fates
}
