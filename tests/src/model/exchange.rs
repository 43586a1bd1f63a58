//! What nodes learn from each other: entries, heads, and their own log from whoever holds it.

use super::log::{Log, Relation};
use super::node::{CENTRAL, Holder, Standing, Who};
use super::setting::Rule;
use super::store::SHOW;
use super::theatre::{State, Theatre};
use shared::entry::{Fact, OpenedBy, SoldSeat, TicketRef};

impl State {
    /// A holder's copy of `who`'s log, if it can be reached.
    pub fn copy(&self, who: Who, holder: Holder) -> Option<&Log> {
        match holder {
            Holder::Witness => self.witness.as_ref().filter(|_| who != CENTRAL),
            Holder::Peer if who == CENTRAL => self.session.map(|edge| &self.nodes[edge].disk.peer),
            Holder::Peer => (self.session == Some(who)).then(|| &self.nodes[CENTRAL].disk.peer),
        }
    }

    fn fork(&mut self, who: Who) {
        self.nodes[who].standing = Standing::Forked;
        self.nodes[CENTRAL].standing = Standing::Forked;
    }
}

impl Theatre {
    /// The next entry of the peer's log arrives.
    pub(super) fn deliver(&self, state: &mut State, who: Who, chain: usize) -> Option<()> {
        let node = state.nodes.get(who)?;
        let log = node.inbox.get(chain)?;
        let known = &node.memory.peer;
        if self.is_apart(state, who) {
            return None;
        }
        match known.relation(log) {
            Relation::Covered | Relation::Apart => return None,
            Relation::Forked => {
                state.fork(who);
                return Some(());
            }
            Relation::Longer => {}
        }
        let written = log.get(known.len() + 1)?.clone();
        if written.entry.seen > node.memory.own.len() {
            // The peer has applied what this node does not have: it forgot. The entry waits.
            if node.standing != Standing::Open {
                return None;
            }
            state.nodes[who].standing = Standing::Behind(Holder::Peer);
            return Some(());
        }
        let next = self.stores.after(&node.memory, node.side().peer(), &written);
        state.nodes[who].memory = next;
        if !self.setting.keeps(Rule::DurableBeforeSend) {
            self.acknowledge(state, who);
        }
        Some(())
    }

    /// The peer is told how far its log is applied. In the protocol that is after the commit, and all of it is durable.
    fn acknowledge(&self, state: &mut State, who: Who) {
        let node = &state.nodes[who];
        state.wrongs.acked_before_durable |= node.memory.peer.len() > node.disk.peer.len();
    }

    /// A box and central open a session: each states its own head and the other's as it has applied it, and judges.
    pub(super) fn hello(&self, state: &mut State, edge: Who) -> Option<()> {
        if !state.nodes[edge].is_durable() || !state.nodes[CENTRAL].is_durable() {
            return None;
        }
        // A process that comes back after another one had its place: one box runs twice.
        if state.superseded & (1 << edge) != 0 {
            state.fork(edge);
            return Some(());
        }
        if let Some(other) = state.session.filter(|other| *other != edge) {
            state.superseded |= 1 << other;
            state.nodes[other].in_session = false;
        }
        state.session = Some(edge);
        state.nodes[edge].in_session = true;
        if self.setting.keeps(Rule::SessionFence) {
            state.nodes[edge].inbox.clear();
            state.nodes[CENTRAL].inbox.clear();
        }
        let of_edge = state.nodes[edge].disk.own.relation(&state.nodes[CENTRAL].disk.peer);
        let of_central = state.nodes[CENTRAL].disk.own.relation(&state.nodes[edge].disk.peer);
        if of_edge == Relation::Forked || of_central == Relation::Forked || of_central == Relation::Apart {
            state.fork(edge);
            return Some(());
        }
        let standing = &mut state.nodes[edge].standing;
        // Where a witness is named, only the witness confirms.
        let confirmed = if self.setting.witness { Standing::Asking } else { Standing::Open };
        match of_edge {
            Relation::Covered if matches!(*standing, Standing::Asking | Standing::Behind(Holder::Peer)) => {
                *standing = confirmed;
            }
            Relation::Longer | Relation::Apart => *standing = Standing::Behind(Holder::Peer),
            Relation::Covered | Relation::Forked => {}
        }
        match (of_central, state.nodes[CENTRAL].standing) {
            (Relation::Longer, Standing::Open) => state.nodes[CENTRAL].standing = Standing::Behind(Holder::Peer),
            (Relation::Covered, Standing::Restored | Standing::Behind(_)) => {
                self.reopen(state, CENTRAL, OpenedBy::Peer);
            }
            _ => {}
        }
        self.let_go(state, edge);
        self.let_go(state, CENTRAL);
        Some(())
    }

    /// Central begins a session with a box that does not hear the answer: what was sent before is dropped, nothing is judged.
    pub(super) fn half_hello(&self, state: &mut State, edge: Who) -> Option<()> {
        if state.superseded & (1 << edge) != 0 || state.session == Some(edge) && !state.nodes[edge].in_session {
            return None;
        }
        if let Some(other) = state.session.filter(|other| *other != edge) {
            state.nodes[other].in_session = false;
        }
        state.session = Some(edge);
        state.nodes[edge].in_session = false;
        if self.setting.keeps(Rule::SessionFence) {
            state.nodes[CENTRAL].inbox.clear();
        }
        Some(())
    }

    /// An old Hello of the box arrives once more: it states that `known` of central's entries are applied. Without the rule
    /// central's gate believes it.
    pub(super) fn stale_hello(&self, state: &mut State, edge: Who, known: u64) -> Option<()> {
        let central = &state.nodes[CENTRAL];
        let stated = state.nodes[edge].disk.peer.prefix(known);
        let believed = central.is_durable() && central.disk.own.relation(&stated) == Relation::Covered;
        if central.standing != Standing::Restored || !believed {
            return None;
        }
        self.half_hello(state, edge);
        self.reopen(state, CENTRAL, OpenedBy::Peer);
        Some(())
    }

    /// A box asks its named witness, which alone can confirm a start where one is named.
    pub(super) fn ask(&self, state: &mut State, who: Who) -> Option<()> {
        let relation = state.nodes[who].disk.own.relation(state.witness.as_ref()?);
        if !state.nodes[who].is_durable() {
            return None;
        }
        let standing = &mut state.nodes[who].standing;
        *standing = match relation {
            Relation::Covered if matches!(*standing, Standing::Asking | Standing::Behind(Holder::Witness)) => {
                Standing::Open
            }
            Relation::Covered => *standing,
            Relation::Longer | Relation::Apart => Standing::Behind(Holder::Witness),
            Relation::Forked => Standing::Forked,
        };
        Some(())
    }

    /// The named witness stores what the box has committed, if it follows on what the witness has.
    pub(super) fn witness(&self, state: &mut State, who: Who) -> Option<()> {
        let own = state.nodes[who].disk.own.clone();
        match state.witness.as_ref()?.relation(&own) {
            Relation::Covered if own.len() < state.witness.as_ref()?.len() => {
                state.nodes[who].standing = Standing::Behind(Holder::Witness);
            }
            Relation::Covered => return None,
            Relation::Longer => {
                state.witness = Some(own);
                self.let_go(state, who);
            }
            Relation::Apart => state.nodes[who].standing = Standing::Behind(Holder::Witness),
            Relation::Forked => state.nodes[who].standing = Standing::Forked,
        }
        Some(())
    }

    /// The next own entry comes back, once what its writer had seen is here.
    pub(super) fn take_back(&self, state: &mut State, who: Who, holder: Holder) -> Option<()> {
        let copy = state.copy(who, holder)?;
        let node = &state.nodes[who];
        if node.memory.own.relation(copy) != Relation::Longer {
            return None;
        }
        let written = copy.get(node.memory.own.len() + 1)?.clone();
        if written.entry.seen > node.memory.peer.len() {
            return None;
        }
        let next = self.stores.after(&node.memory, node.side(), &written);
        state.nodes[who].memory = next;
        Some(())
    }

    /// The box wrote on after a cut, and the holder has what it had forgotten.
    pub(super) fn rebase(&self, state: &mut State, who: Who, holder: Holder) -> Option<()> {
        let copy = state.copy(who, holder)?.clone();
        let node = &state.nodes[who];
        if !node.is_durable() || node.disk.own.relation(&copy) != Relation::Apart {
            return None;
        }
        let central = &state.nodes[CENTRAL].disk.own;
        let reachable = state.session == Some(who) && node.disk.peer.is_prefix_of(central);
        let needed = copy.entries().map(|written| written.entry.seen).max().unwrap_or_default();
        let peer =
            if reachable && needed > node.disk.peer.len() { central.prefix(needed) } else { node.disk.peer.clone() };
        let base = self.stores.over(node.side(), &copy, &peer);
        if base.own != copy || base.peer != peer {
            return None;
        }
        let split = node.disk.own.common(&copy);
        let aside: Vec<Fact> =
            node.disk.own.entries().skip(split as usize).map(|written| written.entry.fact.clone()).collect();
        state.nodes[who].memory = base;
        self.open_incarnation(state, who, OpenedBy::ManagerPin);
        aside.into_iter().for_each(|fact| self.write_again(state, who, fact));
        self.commit(state, who);
        Some(())
    }

    /// Writes a fact that was set aside again, if it still applies.
    fn write_again(&self, state: &mut State, who: Who, fact: Fact) {
        let before = state.nodes[who].memory.clone();
        let sold = match &fact {
            // What was given away on a line of the log that is no more was never received.
            Fact::LogOpened { .. } | Fact::HandedOver { .. } => return,
            Fact::Sold { booking, seats, .. } => seats.first().map(|line| (*booking, *line)),
            _ => None,
        };
        self.append(state, who, fact);
        if state.nodes[who].memory.refused == before.refused {
            return;
        }
        state.nodes[who].memory = before;
        if let Some((booking, line)) = sold {
            let SoldSeat { seat, generation, ticket, price, .. } = line;
            let at = TicketRef { show: SHOW, seat, generation, ticket };
            if let Ok(found) = state.nodes[who].memory.ledger.find_ticket(at, booking, price) {
                self.append(state, who, found);
            }
        }
    }

    /// What was written since the split has to be set aside before anything else is applied.
    fn is_apart(&self, state: &State, who: Who) -> bool {
        let copy = self.holder_asked(state, who).and_then(|holder| state.copy(who, holder));
        copy.is_some_and(|copy| state.nodes[who].memory.own.relation(copy) == Relation::Apart)
    }

    /// From whom `who` takes its own log back.
    pub(super) fn holder_asked(&self, state: &State, who: Who) -> Option<Holder> {
        match state.nodes[who].standing {
            Standing::Behind(holder) => Some(holder),
            Standing::Restored => Some(Holder::Peer),
            Standing::Open | Standing::Asking | Standing::Forked => None,
        }
    }
}
