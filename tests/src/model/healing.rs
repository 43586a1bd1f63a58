//! Healing: no more faults, and everything arrives. From every state that must end well.

use super::node::{CENTRAL, EDGE, Standing};
use super::theatre::{State, Theatre};

/// More rounds than any way back needs.
const ROUNDS_MAX: usize = 24;

impl Theatre {
    /// Lets everything arrive until nothing changes any more.
    pub fn heal(&self, state: &State) -> State {
        let mut state = state.clone();
        for _ in 0..ROUNDS_MAX {
            let before = state.clone();
            self.heal_once(&mut state);
            if state == before {
                break;
            }
        }
        state
    }

    fn heal_once(&self, state: &mut State) {
        for edge in EDGE..state.nodes.len() {
            self.rest(state);
            if state.nodes[edge].standing != Standing::Forked {
                self.ask(state, edge);
            }
            if self.wants_hello(state, edge) {
                self.hello(state, edge);
            }
            for who in [CENTRAL, edge] {
                self.find_way_back(state, who);
            }
            self.rest(state);
            if state.nodes[edge].standing == Standing::Open {
                self.witness(state, edge);
            }
        }
    }

    fn rest(&self, state: &mut State) {
        for who in 0..state.nodes.len() {
            if !state.nodes[who].is_durable() {
                self.commit(state, who);
            }
        }
    }

    fn find_way_back(&self, state: &mut State, who: usize) {
        loop {
            let moved = state.nodes[who].standing != Standing::Forked
                && (self
                    .holder_asked(state, who)
                    .into_iter()
                    .any(|holder| self.take_back(state, who, holder).is_some())
                    || (0..state.nodes[who].inbox.len()).any(|chain| self.deliver(state, who, chain).is_some()));
            if !moved {
                break;
            }
        }
        self.rest(state);
        if who != CENTRAL
            && let Some(holder) = self.holder_asked(state, who)
        {
            self.rebase(state, who, holder);
        }
    }
}
