//! What a run explores: who there is, what may go wrong how often, and which rule is left out.

use super::invariants::{FORKS_ARE_CLONES, NO_SEAT_IS_SOLD_TWICE, ONLY_THE_WRITER_WRITES};
use std::fmt;

/// A rule of the protocol that a run may leave out, to show that the check would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A box that starts sells nothing before its head is confirmed.
    BootGate,
    /// An entry applies only at the epoch it states and from the seat's authority.
    EpochCheck,
    /// Nothing is sent, acknowledged or handed to a customer before its commit.
    DurableBeforeSend,
    /// Where a witness is named, nothing is sent or handed to a customer before the witness has stored it. Without the rule that
    /// is so only while the link is not live.
    WitnessFirst,
    /// Entries sent in an earlier link session are dropped.
    SessionFence,
    /// A gate believes only what is stated in a session that both sides have confirmed.
    ConfirmedSession,
    /// A node that may have forgotten goes on in a new incarnation, which makes its unsold seats unknown.
    Incarnation,
}

impl Rule {
    /// Every rule that may be left out.
    pub const ALL: [Self; 7] = [
        Self::BootGate,
        Self::EpochCheck,
        Self::DurableBeforeSend,
        Self::WitnessFirst,
        Self::SessionFence,
        Self::ConfirmedSession,
        Self::Incarnation,
    ];

    /// What fails without the rule.
    pub fn claim(self) -> &'static str {
        match self {
            Self::EpochCheck => ONLY_THE_WRITER_WRITES,
            Self::ConfirmedSession => FORKS_ARE_CLONES,
            Self::BootGate | Self::DurableBeforeSend | Self::WitnessFirst | Self::SessionFence | Self::Incarnation => {
                NO_SEAT_IS_SOLD_TWICE
            }
        }
    }

    /// Bounds in which that shows.
    pub fn setting(self) -> Setting {
        let forgets = Setting { edge_restores: 1, removed: Some(self), ..Setting::CALM };
        match self {
            Self::BootGate | Self::SessionFence => forgets,
            Self::EpochCheck => Setting { pins: 1, settled: 1, ..forgets },
            Self::DurableBeforeSend => Setting { crashes: 1, edge_restores: 0, ..forgets },
            Self::WitnessFirst => Setting { witness: true, ..forgets },
            Self::ConfirmedSession => Setting { central_restores: 1, edge_restores: 0, ..forgets },
            Self::Incarnation => Setting { pins: 1, ..forgets },
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BootGate => "boot gate",
            Self::EpochCheck => "epoch check",
            Self::DurableBeforeSend => "durable before send",
            Self::WitnessFirst => "witness first",
            Self::SessionFence => "session fence",
            Self::ConfirmedSession => "confirmed session",
            Self::Incarnation => "new incarnation",
        })
    }
}

/// The bounds of an exploration.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Names it in the output.
    pub name: &'static str,
    /// The box has a named witness.
    pub witness: bool,
    /// Entries that central and box may each write of their own accord.
    pub entries: [u64; 2],
    /// Crashes that lose what is not durable.
    pub crashes: u8,
    /// Crashes of the box that also lose its last transaction.
    pub lost_tails: u8,
    /// Times the box's disk is replaced by an older image of it.
    pub edge_restores: u8,
    /// Times central's database is replaced by an older image of it, which central knows.
    pub central_restores: u8,
    /// Second processes started from an image of the box's disk.
    pub clones: u8,
    /// Times a manager's PIN opens the box with nobody to ask.
    pub pins: u8,
    /// Unknown seats that two persons put on sale again.
    pub settled: u8,
    /// Times the box hands out tickets although its named witness cannot be reached.
    pub alone: u8,
    /// The rule that is left out.
    pub removed: Option<Rule>,
}

impl Setting {
    /// Nothing goes wrong but the pipe.
    pub const CALM: Self = Self {
        name: "calm",
        witness: false,
        entries: [2, 2],
        crashes: 0,
        lost_tails: 0,
        edge_restores: 0,
        central_restores: 0,
        clones: 0,
        pins: 0,
        settled: 0,
        alone: 0,
        removed: None,
    };

    /// What is explored whole.
    pub const ALL: [Self; 9] = [
        Self { entries: [4, 4], ..Self::CALM },
        Self { name: "crashes", crashes: 2, entries: [3, 3], ..Self::CALM },
        Self { name: "old image of the box, named witness", witness: true, entries: [2, 3], ..Self::FORGETFUL },
        Self { name: "old image of the box, witness out of reach", witness: true, alone: 1, ..Self::FORGETFUL },
        Self { name: "old image of the box, no witness", entries: [2, 3], ..Self::FORGETFUL },
        Self { name: "lost tail and old image of the box, no witness", lost_tails: 1, settled: 0, ..Self::FORGETFUL },
        Self {
            name: "old image of central",
            entries: [3, 3],
            crashes: 1,
            central_restores: 1,
            settled: 1,
            ..Self::CALM
        },
        Self { name: "clone of the box, no witness", clones: 1, ..Self::CALM },
        Self { name: "clone of the box, named witness", witness: true, clones: 1, ..Self::CALM },
    ];

    const FORGETFUL: Self = Self { crashes: 1, edge_restores: 1, pins: 1, settled: 1, ..Self::CALM };

    /// Is this rule in force?
    pub fn keeps(&self, rule: Rule) -> bool {
        self.removed != Some(rule)
    }
}
