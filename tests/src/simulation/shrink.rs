//! The shortest list of events that still shows a violation.

use super::action::Action;
use super::event::Event;
use super::world::World;

/// The most runs it may take.
const RUNS_MAX: usize = 1_500;

/// Leaves out events as long as the same invariant still fails: halves, quarters, …, then one by one. Where only the time that
/// passed mattered, the event before it waits instead.
pub fn shortest(seed: u64, events: &[Event], invariant: &str) -> Vec<Event> {
    let mut runs = 0;
    let mut fails = |events: &[Event]| {
        runs += 1;
        runs <= RUNS_MAX && World::replay(seed, events).violation.is_some_and(|found| found.invariant == invariant)
    };
    let mut kept = events.to_vec();
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let before = kept.len();
        let mut from = 0;
        while from < kept.len() {
            let to = (from + size).min(kept.len());
            let candidates = [without(&kept, from, to, false), without(&kept, from, to, true)];
            match candidates.into_iter().find(|candidate| fails(candidate)) {
                Some(shorter) => kept = shorter,
                None => from = to,
            }
        }
        // With single events it goes on until none can be spared.
        size = if size == 1 && kept.len() < before { 1 } else { size / 2 };
    }
    kept
}

fn without(events: &[Event], from: usize, to: usize, waits: bool) -> Vec<Event> {
    let mut left = events[..from].to_vec();
    if let (true, Some(last)) = (waits, left.last_mut()) {
        last.pause_ms += events[from..to].iter().map(duration).sum::<i64>();
    }
    left.extend_from_slice(&events[to..]);
    left
}

fn duration(event: &Event) -> i64 {
    event.pause_ms + if let Action::Wait { ms } = event.action { ms } else { 0 }
}
