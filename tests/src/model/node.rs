//! A process: central, the box, or a second process with the box's identity.

use super::log::Log;
use super::store::Store;
use shared::ids::Side;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Which process, as an index into [`super::theatre::State::nodes`].
pub type Who = usize;
/// Central.
pub const CENTRAL: Who = 0;
/// The box.
pub const EDGE: Who = 1;
/// The second process with the box's identity.
pub const CLONE: Who = 2;

/// Who else holds a copy of a node's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The other side.
    Peer,
    /// The box's named witness.
    Witness,
}

/// May it sell?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Yes.
    Open,
    /// A box that has just started: nobody has confirmed its head yet.
    Asking,
    /// Central from an older image: its log may be missing entries that nobody has.
    Restored,
    /// This one holds more of its log, or another end of it.
    Behind(Holder),
    /// Two ends of one incarnation. For good.
    Forked,
}

/// A process with its disk.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it knows.
    pub memory: Arc<Store>,
    /// What it knows after a crash.
    pub disk: Arc<Store>,
    /// May it sell?
    pub standing: Standing,
    /// Counts its starts.
    pub life: u8,
    /// Its disk was once older than what it had committed.
    pub forgot: bool,
    /// It believes itself in a link session.
    pub in_session: bool,
    /// What was sent to it and may still arrive: the longest chains, the peer's log.
    pub inbox: Vec<Log>,
}

impl Node {
    /// A process over a disk.
    pub fn new(disk: Arc<Store>, standing: Standing) -> Self {
        Self { memory: disk.clone(), disk, standing, life: 0, forgot: false, in_session: false, inbox: Vec::new() }
    }

    /// Central or box.
    pub fn side(&self) -> Side {
        self.memory.side
    }

    /// Would a crash lose nothing?
    pub fn is_durable(&self) -> bool {
        Arc::ptr_eq(&self.memory, &self.disk) || self.memory == self.disk
    }

    /// Something was sent to it.
    pub fn receive(&mut self, log: Log) {
        if self.inbox.iter().any(|sent| log.is_prefix_of(sent)) {
            return;
        }
        self.inbox.retain(|sent| !sent.is_prefix_of(&log));
        self.inbox.push(log);
        self.inbox.sort_by_key(Log::key);
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.memory == other.memory
            && self.disk == other.disk
            && self.inbox == other.inbox
            && (self.standing, self.life, self.forgot, self.in_session)
                == (other.standing, other.life, other.forgot, other.in_session)
    }
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.memory.hash(state);
        self.disk.hash(state);
        self.inbox.hash(state);
        (self.standing, self.life, self.forgot, self.in_session).hash(state);
    }
}
