//! The ghost set: what customers, cashiers and doors saw with their own eyes.

use shared::ids::TicketId;
use std::collections::{BTreeMap, BTreeSet};

/// A ticket as somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handed {
    /// The theatre.
    pub theatre: u32,
    /// The show, `12-345`.
    pub show: String,
    /// The seat's label.
    pub seat: String,
    /// The ticket.
    pub ticket: TicketId,
}

/// How often a door let one ticket in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Entries {
    /// By the edge's word.
    pub(super) shared: u32,
    /// By the door's own.
    pub(super) alone: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Ghosts {
    handed: BTreeSet<Handed>,
    taken_back: BTreeSet<TicketId>,
    entries: BTreeMap<TicketId, Entries>,
}

impl Ghosts {
    pub(super) fn saw_ticket(&mut self, handed: Handed, live: bool) {
        if !live {
            self.taken_back.insert(handed.ticket);
        }
        self.handed.insert(handed);
    }

    pub(super) fn saw_admission(&mut self, ticket: TicketId, shared: bool) {
        let entries = self.entries.entry(ticket).or_default();
        *(if shared { &mut entries.shared } else { &mut entries.alone }) += 1;
    }

    pub(super) fn tickets_count(&self) -> usize {
        self.handed.len()
    }

    pub(super) fn handed(&self) -> impl Iterator<Item = &Handed> {
        self.handed.iter()
    }

    pub(super) fn is_live(&self, ticket: TicketId) -> bool {
        !self.taken_back.contains(&ticket)
    }

    pub(super) fn entries(&self) -> &BTreeMap<TicketId, Entries> {
        &self.entries
    }
}
