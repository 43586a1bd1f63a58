//! A claim about runs.

use super::Violation;
use crate::simulation::world::Outcome;

/// 10 of the design: the same seed gives the same run, played again from its record.
pub fn invariant_the_same_seed_gives_the_same_run(first: &Outcome, again: &Outcome) -> Result<(), Violation> {
    if first == again {
        return Ok(());
    }
    let what = match first.trace == again.trace {
        true => format!("one trace, and another outcome: {:?}, then {:?}", first.violation, again.violation),
        false => "another trace".into(),
    };
    Err(Violation::of("invariant_the_same_seed_gives_the_same_run", what))
}
