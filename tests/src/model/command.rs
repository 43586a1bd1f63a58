//! What a node does of its own accord: decided by the real ledger, written into its own log.

use super::node::{CENTRAL, EDGE, Node, Standing, Who};
use super::setting::Rule;
use super::store::{NOW, SHOW, Store, at};
use super::theatre::{State, Theatre};
use shared::entry::{Entry, Fact, Head, OpenedBy};
use shared::ids::{BookingId, HoldId, Incarnation, RequestId, SeatId, TicketId};
use shared::ledger::{HoldKind, HoldTimes};
use shared::time::Timestamp;
use std::sync::Arc;

impl Theatre {
    /// Holds a seat and sells the hold.
    pub(super) fn sell(&self, state: &mut State, who: Who, seat: SeatId) -> Option<()> {
        let node = &state.nodes[who];
        let mut ledger = node.memory.ledger.clone();
        let number = node.memory.own.len() as u8;
        let ticket = TicketId([who as u8, node.life, seat.0 as u8, number, 0, 0, 0, 0]);
        let hold = HoldId([1; 16]);
        ledger.place_hold(hold, SHOW, &[seat], HoldKind::Counter, HoldTimes::COUNTER, NOW).ok()?;
        let sold = ledger.sell(hold, BookingId([0; 16]), RequestId(ticket.0), || ticket, NOW).ok()?;
        self.append(state, who, sold.0);
        Some(())
    }

    /// Gives a seat to the other side.
    pub(super) fn hand_over(&self, state: &mut State, who: Who, seat: SeatId) -> Option<()> {
        let given = state.nodes[who].memory.ledger.hand_over(SHOW, &[seat], None, NOW).ok()?;
        self.append(state, who, given.0);
        Some(())
    }

    /// Two persons put an unknown seat on sale.
    pub(super) fn settle(&self, state: &mut State, who: Who, seat: SeatId) -> Option<()> {
        let settled = state.nodes[who].memory.ledger.settle_unknown(SHOW, Some(&[seat])).ok()?;
        state.spent.settled += 1;
        self.append(state, who, settled);
        Some(())
    }

    /// Writes a fact into the own log. Without the rule it leaves at once.
    pub(super) fn append(&self, state: &mut State, who: Who, fact: Fact) {
        let next = self.written(&state.nodes[who], &state.nodes[who].memory, fact);
        state.nodes[who].memory = next;
        if !self.setting.keeps(Rule::DurableBeforeSend) {
            self.let_go(state, who);
        }
    }

    fn written(&self, node: &Node, store: &Arc<Store>, fact: Fact) -> Arc<Store> {
        let entry = Entry { at: Timestamp(i64::from(node.life)), seen: store.peer.len(), fact };
        self.stores.after(store, store.side, &store.own.next(entry))
    }

    /// What is known becomes durable; what waited for that is sent and handed out.
    pub(super) fn commit(&self, state: &mut State, who: Who) {
        let node = &mut state.nodes[who];
        node.disk = node.memory.clone();
        self.let_go(state, who);
    }

    /// Sends and hands out what may leave `who`.
    pub(super) fn let_go(&self, state: &mut State, who: Who) {
        let node = &state.nodes[who];
        let store = if self.setting.keeps(Rule::DurableBeforeSend) { node.disk.clone() } else { node.memory.clone() };
        let witnessed = match &state.witness {
            Some(log) if who != CENTRAL => log.common(&store.own),
            Some(_) | None => store.own.len(),
        };
        // Without the rule the witness is asked only where there is no live link.
        let live = state.session == Some(who) && node.in_session;
        let first = self.setting.keeps(Rule::WitnessFirst) || !live;
        let last = if first { witnessed } else { store.own.len() };
        state.hand_out(self, who, &store, last, last > witnessed);
        let sent = store.own.prefix(last);
        if who == CENTRAL {
            let talks = |edge: &Who| state.session == Some(*edge) && state.nodes[*edge].in_session;
            if let Some(edge) = (EDGE..state.nodes.len()).find(talks) {
                state.nodes[edge].receive(sent);
            }
        } else if live {
            state.nodes[CENTRAL].receive(sent);
        }
    }

    /// Hands out what is durable here, although the named witness has not stored it.
    pub(super) fn hand_out_alone(&self, state: &mut State, who: Who) -> Option<()> {
        let disk = state.nodes[who].disk.clone();
        let handed = state.tickets.len();
        state.hand_out(self, who, &disk, disk.own.len(), true);
        state.spent.alone += 1;
        (state.tickets.len() > handed).then_some(())
    }

    /// Opens a node that may have forgotten.
    pub(super) fn reopen(&self, state: &mut State, who: Who, by: OpenedBy) {
        if self.setting.keeps(Rule::Incarnation) {
            self.open_incarnation(state, who, by);
        } else {
            state.nodes[who].standing = Standing::Open;
        }
    }

    /// Opens an incarnation on the own head, durably, and with it the node.
    pub(super) fn open_incarnation(&self, state: &mut State, who: Who, by: OpenedBy) {
        let node = &state.nodes[who];
        let parent: Head = node.memory.own.head();
        let incarnation = Incarnation(1 << 32 | (who as u64) << 16 | u64::from(node.life) << 8 | parent.seq);
        let fact = Fact::LogOpened { incarnation, parent: Some(parent), by };
        let next = self.written(node, &node.memory, fact);
        let node = &mut state.nodes[who];
        node.memory = next;
        node.standing = Standing::Open;
        self.commit(state, who);
    }

    /// Is there room for one more entry of `who`'s own accord?
    pub(super) fn has_room(&self, node: &Node) -> bool {
        let side = at(node.side());
        node.memory.own.len() < super::store::FIRST_ENTRIES[side] + self.setting.entries[side]
    }
}
