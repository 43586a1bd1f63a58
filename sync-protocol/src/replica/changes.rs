//! What a replica gives to be stored: entries, state, and what a person must settle.

use super::{Heads, StandingChange};
use crate::gate::Memory;
use crate::log::StoredEntry;
use crate::message::Cut;
use serde::{Deserialize, Serialize};
use shared::entry::{Fact, Head, OpenedBy, TicketRef};
use shared::ids::{ShowNumber, Side};
use shared::ledger::{Conflict, LedgerChanges};
use shared::time::Timestamp;

/// What a person must settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// The log the entry is in, if it is about one.
    pub log: Side,
    /// Its number.
    pub seq: u64,
    /// What is wrong.
    pub kind: DiscrepancyKind,
    /// When it was found.
    pub at: Timestamp,
}

/// The kinds of discrepancy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscrepancyKind {
    /// An entry that was not applied.
    NotApplied(Conflict),
    /// Two chains at one number.
    Fork,
    /// Two digests at one cut.
    Digest {
        /// The cut and the peer's digest.
        cut: Cut,
        /// The own digest.
        own: u128,
    },
    /// Two shows on one screen at one time.
    ShowsOverlap(ShowNumber),
    /// The peer's entry says it had seen more of the own log than there is.
    SeenTooMuch {
        /// What it says.
        seen: u64,
    },
    /// Somebody remembers more of the own log than this node: it has forgotten, and takes it back.
    Forgot {
        /// Who remembers.
        memory: Memory,
        /// Up to here.
        head: Head,
    },
    /// A log goes on as a new incarnation that its node opened without proof.
    OpenedUnproven {
        /// Who answered for it.
        by: OpenedBy,
    },
    /// An entry of an incarnation that was cut before it, or of the other branch of a forked log: it is not applied.
    BeyondCut {
        /// What it says, if it can be read.
        fact: Option<Fact>,
    },
    /// An own entry that was set aside when the log was taken back, and does not apply any more.
    SetAside {
        /// What it says, if it can be read.
        fact: Option<Fact>,
    },
    /// Two live boxes with one identity.
    Clone {
        /// The start of the program that came back.
        boot: u64,
    },
    /// A genuine ticket without a sale turned up, and its seat is another's or was put on sale again.
    TicketFoundLate {
        /// The ticket.
        ticket: TicketRef,
    },
}

/// Bytes that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it came.
    pub at: Timestamp,
    /// Why.
    pub why: String,
    /// The bytes, at most 24 KiB.
    pub bytes: Vec<u8>,
}

/// The store's logs are cut back: entries beyond these numbers go, and all materialised state with them; what follows in the
/// same changes is the state as it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewound {
    /// Whose store it is.
    pub me: Side,
    /// The last own entry that stays.
    pub own: u64,
    /// The last entry of the peer that stays.
    pub peer: u64,
}

/// What must be stored, in one transaction.
#[derive(Debug, Default)]
pub struct Changes {
    /// The logs are cut back before anything else is stored.
    pub rewound: Option<Rewound>,
    /// All entries set aside, if that list changed.
    pub aside: Option<Vec<StoredEntry>>,
    /// Entries of either log, in order.
    pub entries: Vec<StoredEntry>,
    /// Materialised state.
    pub ledger: LedgerChanges,
    /// The heads, if they changed.
    pub heads: Option<Heads>,
    /// New discrepancies.
    pub discrepancies: Vec<Discrepancy>,
    /// New dead letters.
    pub dead_letters: Vec<DeadLetter>,
    /// Each closing and opening, with its reason or proof.
    pub standings: Vec<StandingChange>,
}
