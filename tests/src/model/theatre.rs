//! The model: every state of one theatre and every step out of it.

use super::action::Action;
use super::fault::images;
use super::ghost::{Ticket, Wrongs};
use super::invariants;
use super::log::{Log, Relation};
use super::node::{CENTRAL, EDGE, Holder, Node, Standing, Who};
use super::setting::{Rule, Setting};
use super::store::{FIRST_ENTRIES, SEATS};
use super::stores::Stores;
use shared::entry::OpenedBy;
use stateright::{Model, Property};
use std::sync::atomic::AtomicUsize;

/// How often what has gone wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Spent {
    /// Crashes.
    pub crashes: u8,
    /// Lost last transactions.
    pub lost_tails: u8,
    /// Older images of the box's disk.
    pub edge_restores: u8,
    /// Older images of central's database.
    pub central_restores: u8,
    /// Second processes.
    pub clones: u8,
    /// Openings by PIN.
    pub pins: u8,
    /// Unknown seats put on sale.
    pub settled: u8,
    /// Times tickets were handed out without the witness.
    pub alone: u8,
}

/// A state of the theatre.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct State {
    /// Central, the box, and perhaps a second process with its identity.
    pub nodes: Vec<Node>,
    /// What the named witness has stored of the box's log, where one is named.
    pub witness: Option<Log>,
    /// The process that central has a link session with.
    pub session: Option<Who>,
    /// Processes whose place another one has taken, as bits.
    pub superseded: u8,
    /// Every ticket ever handed to a customer.
    pub tickets: Vec<Ticket>,
    /// Claims about steps that did not hold.
    pub wrongs: Wrongs,
    /// What is left to go wrong.
    pub spent: Spent,
}

/// One theatre within the bounds of a setting.
#[derive(Debug)]
pub struct Theatre {
    /// The bounds.
    pub setting: Setting,
    /// Every pair of logs reached, with its ledger.
    pub stores: Stores,
    /// States in which a seat is sold twice and nobody can prove it.
    pub unprovable: AtomicUsize,
    /// States in which a seat is sold twice by a box that runs twice.
    pub cloned: AtomicUsize,
    /// States in which a seat is sold twice by a logged override.
    pub overridden: AtomicUsize,
}

impl Theatre {
    /// A theatre before anything has happened.
    pub fn new(setting: Setting) -> Self {
        Self {
            setting,
            stores: Stores::new(setting.removed),
            unprovable: AtomicUsize::new(0),
            cloned: AtomicUsize::new(0),
            overridden: AtomicUsize::new(0),
        }
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        let (setting, spent) = (&self.setting, &state.spent);
        for (who, node) in state.nodes.iter().enumerate().filter(|(_, node)| node.standing != Standing::Forked) {
            // A central that loses nothing only ends its session, which a Hello does too.
            if spent.crashes < setting.crashes && (who != CENTRAL || !node.is_durable()) {
                actions.push(Action::Crash(who));
            }
            let earlier = images(&node.disk);
            let earlier = earlier.split_last().map_or(&[][..], |(_, earlier)| earlier);
            if who >= EDGE && spent.lost_tails < setting.lost_tails && !earlier.is_empty() {
                actions.push(Action::LoseTail(who));
            }
            let (restores, restored) = if who == CENTRAL {
                (setting.central_restores, spent.central_restores)
            } else {
                (setting.edge_restores, spent.edge_restores)
            };
            if restored < restores {
                actions.extend(earlier.iter().map(|(own, peer)| Action::Restore(who, *own, *peer)));
            }
        }
        if spent.clones < setting.clones {
            actions.extend(images(&state.nodes[EDGE].disk).into_iter().map(|(own, peer)| Action::Clone(own, peer)));
        }
    }

    fn commands(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        let node = &state.nodes[who];
        if node.standing != Standing::Open || !self.has_room(node) {
            return;
        }
        for (index, seat) in SEATS.into_iter().enumerate() {
            if node.memory.sellable[index] {
                actions.push(Action::Sell(who, seat));
                actions.push(Action::HandOver(who, seat));
            }
            if node.memory.unknown[index] && state.spent.settled < self.setting.settled {
                actions.push(Action::Settle(who, seat));
            }
        }
    }

    fn way_back(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        let node = &state.nodes[who];
        if node.standing == Standing::Asking && node.is_durable() && state.spent.pins < self.setting.pins {
            actions.push(Action::Pin(who));
        }
        if let Some(holder) = self.holder_asked(state, who) {
            let relation = state.copy(who, holder).map(|copy| node.memory.own.relation(copy));
            match relation {
                Some(Relation::Longer) => actions.push(Action::TakeBack(who, holder)),
                Some(Relation::Apart) if who != CENTRAL && node.is_durable() => {
                    actions.push(Action::Rebase(who, holder));
                }
                Some(Relation::Covered | Relation::Apart | Relation::Forked) | None => {}
            }
        }
    }

    /// Does a Hello of this box change anything?
    pub(super) fn wants_hello(&self, state: &State, who: Who) -> bool {
        let (central, edge) = (&state.nodes[CENTRAL], &state.nodes[who]);
        let waits = matches!(edge.standing, Standing::Asking | Standing::Behind(Holder::Peer))
            || central.standing != Standing::Open;
        let sound = central.standing != Standing::Forked && edge.standing != Standing::Forked;
        let in_session = state.session == Some(who) && edge.in_session;
        sound && (waits || !in_session) && central.is_durable() && edge.is_durable()
    }
}

impl Model for Theatre {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let [central, edge] = self.stores.first();
        let witness = self.setting.witness.then(|| edge.own.clone());
        let mut nodes = vec![Node::new(central, Standing::Open), Node::new(edge, Standing::Open)];
        nodes[EDGE].in_session = true;
        vec![State {
            nodes,
            witness,
            session: Some(EDGE),
            superseded: 0,
            tickets: Vec::new(),
            wrongs: Wrongs::default(),
            spent: Spent::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (who, node) in state.nodes.iter().enumerate() {
            self.commands(state, who, actions);
            if !node.is_durable() {
                actions.push(Action::Commit(who));
            }
            if node.standing != Standing::Forked {
                actions.extend((0..node.inbox.len()).map(|chain| Action::Deliver(who, chain)));
                self.way_back(state, who, actions);
            }
            if who >= EDGE && self.wants_hello(state, who) {
                actions.push(Action::Hello(who));
                actions.push(Action::HalfHello(who));
                if !self.setting.keeps(Rule::ConfirmedSession) {
                    let known = FIRST_ENTRIES[CENTRAL]..node.disk.peer.len();
                    actions.extend(known.map(|known| Action::StaleHello(who, known)));
                }
            }
            if who >= EDGE && self.setting.witness && node.standing != Standing::Forked {
                match node.standing {
                    Standing::Open => {
                        actions.push(Action::Witness(who));
                        if state.spent.alone < self.setting.alone {
                            actions.push(Action::HandOutAlone(who));
                        }
                    }
                    Standing::Asking | Standing::Behind(Holder::Witness) => actions.push(Action::Ask(who)),
                    Standing::Restored | Standing::Behind(Holder::Peer) | Standing::Forked => {}
                }
            }
        }
        self.faults(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        let state = &mut next;
        match action {
            Action::Sell(who, seat) => self.sell(state, who, seat)?,
            Action::HandOver(who, seat) => self.hand_over(state, who, seat)?,
            Action::Settle(who, seat) => self.settle(state, who, seat)?,
            Action::Commit(who) => self.commit(state, who),
            Action::Witness(who) => self.witness(state, who)?,
            Action::Deliver(who, chain) => self.deliver(state, who, chain)?,
            Action::Hello(who) => self.hello(state, who)?,
            Action::HalfHello(who) => self.half_hello(state, who)?,
            Action::StaleHello(who, known) => self.stale_hello(state, who, known)?,
            Action::HandOutAlone(who) => self.hand_out_alone(state, who)?,
            Action::Ask(who) => self.ask(state, who)?,
            Action::TakeBack(who, holder) => self.take_back(state, who, holder)?,
            Action::Rebase(who, holder) => self.rebase(state, who, holder)?,
            Action::Pin(who) => {
                state.spent.pins += 1;
                self.reopen(state, who, OpenedBy::ManagerPin);
            }
            Action::Crash(who) => self.crash(state, who),
            Action::LoseTail(who) => {
                state.spent.lost_tails += 1;
                let (own, peer) = images(&state.nodes[who].disk).into_iter().rev().nth(1)?;
                self.restore(state, who, own, peer);
            }
            Action::Restore(who, own, peer) => {
                let spent = &mut state.spent;
                *(if who == CENTRAL { &mut spent.central_restores } else { &mut spent.edge_restores }) += 1;
                self.restore(state, who, own, peer);
            }
            Action::Clone(own, peer) => self.clone_box(state, own, peer),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::properties()
    }
}
