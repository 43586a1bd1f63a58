//! How the box stands with those who remember its log: as committed, for everybody to read.

use shared::entry::Head;
use shared::time::Timestamp;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::replica::{Asking, Closed};
use sync_protocol::{LinkState, Replica};

/// The own log and who has it besides this box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The own log's head.
    pub own: Head,
    /// Central has it up to here.
    pub acked: u64,
    /// Central or the named witness has it up to here.
    pub kept: u64,
    /// The link is live: central gets every entry at once.
    pub live: bool,
    /// Why the box is closed.
    pub closed: Option<Closed>,
    /// Who is asked for the own head, while it is unproven.
    pub asking: Option<Asking>,
    /// The named witness.
    pub named: Option<DeviceNumber>,
    /// A sale waits until the named witness has stored it.
    pub waits_for_witness: bool,
}

impl Standing {
    /// How this replica stands now.
    pub fn of(replica: &Replica, named: Option<DeviceNumber>, now: Timestamp) -> Self {
        let heads = replica.heads();
        Self {
            own: heads.own,
            acked: heads.acked,
            kept: heads.own.seq.saturating_sub(replica.unwitnessed()),
            live: replica.link_state().0 == LinkState::Live,
            closed: heads.closed,
            asking: replica.asking(),
            named,
            waits_for_witness: replica.waits_for_witness(now),
        }
    }

    /// Own entries that a lost disk would lose; nothing while the link is live.
    pub fn unwitnessed(&self) -> Option<u64> {
        (!self.live).then(|| self.own.seq.saturating_sub(self.kept))
    }
}
