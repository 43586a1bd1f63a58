//! One node: a store, and a process while it runs, with the clock that its shell would read.

use super::disk::{Commit, Disk};
use super::doors::DoorWrite;
use super::site::WITNESS_SILENT_AFTER;
use shared::entry::Head;
use shared::ids::{HoldId, RequestId, SeatId, ShowNumber, Side};
use shared::planted::{self, Plant};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::replica::Start;
use sync_protocol::{LinkState, Replica};

/// The nodes of a theatre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Central's node for the theatre.
    Central,
    /// The box.
    Edge,
    /// Another box of the same name: a clone, or the old one that lives on.
    Other,
}

impl Who {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Central, Self::Edge, Self::Other];

    /// The side it is, or says it is.
    pub fn side(self) -> Side {
        if self == Self::Central { Side::Central } else { Side::Edge }
    }
}

/// Where in a step a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// At once: nothing is under way.
    Idle,
    /// It has decided, nothing is on disk.
    BeforeCommit,
    /// On disk, and nobody has heard of it.
    AfterCommit,
    /// The messages have left, the people wait for their answers.
    AfterPublish,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Which one.
    pub who: Who,
    /// What is committed.
    pub disk: Disk,
    /// The running process.
    pub replica: Option<Replica>,
    /// When it was started, world time.
    pub started: Timestamp,
    /// Holds people may come back with.
    pub holds: Vec<HoldId>,
    /// Requests whose answers people wait for.
    pub waiting: BTreeSet<RequestId>,
    /// What the doors' tables change with the next commit.
    pub door_writes: Vec<DoorWrite>,
    /// Which box of the theatre it is, by key.
    pub box_number: u8,
    /// Its store was put back, and no process has taken note of that yet.
    pub restored: bool,
    /// Persons have answered for it since its disk forgot.
    pub overridden: bool,
    /// Its process has proven its head, or has none to prove.
    pub proven: bool,
    /// The device it was told is its witness.
    pub witness: Option<DeviceNumber>,
    /// When its process last heard its named witness, by its own time.
    pub witness_heard: Option<Timestamp>,
    /// The devices that have called since it was started.
    pub heard: BTreeSet<usize>,
    /// What others have of its log since its disk forgot: the other side, or a device by its number.
    pub behind: Vec<(Option<usize>, Head)>,
    /// Its logs were folded anew: what the doors had entered may be gone.
    pub rewound: bool,
    /// Where its next step ends.
    pub dies: Option<CrashPoint>,
    /// The link was live when it last settled.
    pub live: bool,
    touched: Vec<(ShowNumber, SeatId)>,
    /// How far its wall clock is ahead of true time, ms.
    wall_ms: i64,
    /// How far its store time is.
    store_ms: i64,
}

impl Node {
    /// A node that was never started.
    pub fn new(who: Who, disk: Disk) -> Self {
        Self {
            who,
            disk,
            replica: None,
            started: Timestamp::default(),
            holds: Vec::new(),
            waiting: BTreeSet::new(),
            door_writes: Vec::new(),
            box_number: 0,
            restored: false,
            overridden: false,
            proven: true,
            witness: None,
            witness_heard: None,
            heard: BTreeSet::new(),
            behind: Vec::new(),
            rewound: false,
            dies: None,
            live: false,
            touched: Vec::new(),
            wall_ms: 0,
            store_ms: 0,
        }
    }

    /// The time by which its shell decides: the last persisted time and what has passed since, or the wall clock if that is later.
    pub fn now(&self, now: Timestamp) -> Timestamp {
        let ahead_ms = if planted::is(Plant::WallClockDeadline) { self.wall_ms } else { self.store_ms };
        Timestamp(now.0 + ahead_ms)
    }

    /// The time by which its deadlines count, whatever its shell does.
    pub fn store_now(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0 + self.store_ms)
    }

    /// True time at which the node's clock will show `at`.
    pub fn due(&self, at: Timestamp) -> Timestamp {
        let ahead_ms = if planted::is(Plant::WallClockDeadline) { self.wall_ms } else { self.store_ms };
        Timestamp(at.0.saturating_sub(ahead_ms))
    }

    /// Somebody, or a time server, sets the wall clock.
    pub fn jump(&mut self, by_ms: i64) {
        self.wall_ms += by_ms;
        self.store_ms = self.store_ms.max(self.wall_ms);
    }

    /// Sets the clock right, as far as a clock that cannot run backwards allows.
    pub fn correct_wall_clock(&mut self) {
        self.wall_ms = 0;
    }

    /// A process begins: its clock goes on from the last persisted time.
    pub fn start_clock(&mut self, now: Timestamp) {
        self.started = now;
        self.heard.clear();
        self.witness_heard = None;
        self.proven = self.who == Who::Central || self.disk.heads.own.seq == 0;
        self.store_ms = (self.disk.store_time.0 - now.0).max(self.wall_ms);
    }

    /// Its named witness is there, by its own time.
    pub fn hears_witness(&self, at: Timestamp) -> bool {
        self.witness_heard.is_some_and(|heard| at.since(heard) < WITNESS_SILENT_AFTER)
    }

    /// How its next process begins.
    pub fn beginning(&self) -> Start {
        let never_begun = self.disk.heads.own.seq == 0 && self.disk.heads.recovery.reopen.is_none();
        match self.restored {
            true => Start::Restored,
            false if self.box_number > 0 && never_begun => Start::Replacement,
            false => Start::Usual,
        }
    }

    /// When its process wants to be called, true time.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.replica.as_ref()?.poll_timeout().map(|at| self.due(at))
    }

    /// Is its link live?
    pub fn is_live(&self) -> bool {
        self.replica.as_ref().is_some_and(|replica| replica.link_state().0 == LinkState::Live)
    }

    /// Remembers which seats a commit touches. One that opens the node touches them all.
    pub fn touch(&mut self, commit: &Commit) {
        let changes = &commit.changes;
        self.touched.clear();
        let opens = self.disk.heads.closed.is_some() && changes.heads.is_some_and(|heads| heads.closed.is_none());
        if let Some(replica) = self.replica.as_ref().filter(|_| opens) {
            let ledger = replica.ledger();
            let seats = ledger.shows().flat_map(|show| show.plan.seats().map(|(id, _)| (show.facts.number, id)));
            self.touched.extend(seats);
            return;
        }
        self.touched.extend(changes.ledger.seats.iter().map(|(show, seat, _)| (*show, *seat)));
        let holds = changes.ledger.holds.iter().filter_map(|(_, hold)| hold.as_ref());
        let held = holds.flat_map(|hold| hold.seats.iter().map(|held| (hold.show, held.seat)));
        self.touched.extend(held);
    }

    /// The seats its last commit touched.
    pub fn touched(&self) -> impl Iterator<Item = (ShowNumber, SeatId)> + '_ {
        self.touched.iter().copied()
    }

    /// The process is gone, and with it what was not committed.
    pub fn crash(&mut self) {
        self.replica = None;
        self.dies = None;
        self.waiting.clear();
        self.door_writes.clear();
    }
}
