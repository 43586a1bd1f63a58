//! The JSON of the edge's witness route.

use serde::{Deserialize, Serialize};
use sync_protocol::witness::SignedHead;

/// What this device keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WitnessCall {
    /// The highest head.
    pub(crate) kept: Option<SignedHead>,
    /// All entries after this number are kept, up to that head.
    pub(crate) after: Option<u64>,
    /// Entries that the edge wants back, Base64.
    pub(crate) entries: Option<String>,
    /// How long to wait for news, seconds.
    pub(crate) wait_s: u64,
}

/// What the edge answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct WitnessAnswer {
    /// This device is the named witness.
    pub(crate) named: bool,
    /// The edge has its own log up to here.
    pub(crate) own: u64,
    /// Central has it up to here.
    pub(crate) acked: u64,
    /// A head to keep.
    pub(crate) head: Option<SignedHead>,
    /// The entries up to it, Base64.
    pub(crate) entries: Option<String>,
    /// The edge asks for what is kept here after `after`.
    pub(crate) wanted: bool,
    pub(crate) after: u64,
}
