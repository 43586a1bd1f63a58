//! A recorded event: an action with everything about it that chance decided, so that a run can be played again without any of
//! its neighbours.

use super::action::Action;
use super::setup::Setup;
use rand::RngExt;
use rand::rngs::StdRng;
use std::fmt;

/// Time between two events, ms, at most.
const EVERY_MS: i64 = 400;

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The theatre's index.
    pub theatre: usize,
    /// What is done there.
    pub action: Action,
    /// Time until the next event, ms.
    pub pause_ms: i64,
    /// What the network and new processes draw from until then.
    pub dice: u64,
}

impl Event {
    /// Draws the next event.
    pub fn draw(random: &mut StdRng, setup: &Setup) -> Self {
        Self {
            theatre: random.random_range(0..setup.theatres),
            action: Action::draw(random, setup),
            pause_ms: random.random_range(1..EVERY_MS),
            dice: random.random(),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { theatre, action, pause_ms, dice } = self;
        write!(f, "theatre {theatre}: {action:?}, then {pause_ms} ms (dice {dice:016x})")
    }
}
