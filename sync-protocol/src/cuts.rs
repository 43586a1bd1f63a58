//! Digests of the last cuts, compared whenever both sides have been at the same pair of log positions.

use crate::message::Cut;
use std::collections::{BTreeMap, VecDeque};

/// How many cuts are kept.
const CUTS_KEPT: usize = 256;

/// What comparing with the peer's cut told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// This node has not been there, or no longer remembers.
    NotCommon,
    /// Same state.
    Equal,
    /// Same positions, another state: a fault or bit rot. Both digests.
    Unequal {
        /// This node's digest at the cut.
        own: u128,
    },
}

/// The digests at the cuts this node went through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cuts {
    at: BTreeMap<(u64, u64), u128>,
    order: VecDeque<(u64, u64)>,
}

impl Cuts {
    /// Notes the state after an entry.
    pub(crate) fn note(&mut self, cut: Cut) {
        let key = (cut.central, cut.edge);
        if self.at.insert(key, cut.digest).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > CUTS_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.at.remove(&oldest);
        }
    }

    /// Compares with a cut the peer states.
    pub(crate) fn compare(&self, cut: Cut) -> Comparison {
        match self.at.get(&(cut.central, cut.edge)) {
            None => Comparison::NotCommon,
            Some(own) if *own == cut.digest => Comparison::Equal,
            Some(own) => Comparison::Unequal { own: *own },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_cuts_are_forgotten_and_common_ones_compared() {
        let mut cuts = Cuts::default();
        for edge in 0..300 {
            cuts.note(Cut { central: 1, edge, digest: u128::from(edge) });
        }
        let compare = |edge, digest| cuts.compare(Cut { central: 1, edge, digest });
        assert_eq!(compare(299, 299), Comparison::Equal);
        assert_eq!(compare(299, 7), Comparison::Unequal { own: 299 });
        assert_eq!(compare(0, 0), Comparison::NotCommon);
        assert_eq!(cuts.at.len(), CUTS_KEPT);
    }
}
