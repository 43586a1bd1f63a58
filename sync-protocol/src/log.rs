//! The logs as a store keeps them.

use shared::entry::{Hash, Head};
use shared::ids::{Incarnation, Side};
use shared::time::Timestamp;

/// An entry with its place in a log's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Whose log.
    pub log: Side,
    /// The log's incarnation.
    pub incarnation: Incarnation,
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// The chain's hash after it.
    pub hash: Hash,
    /// Its bytes as first written.
    pub bytes: Vec<u8>,
    /// When it was stored here.
    pub at: Timestamp,
}

impl StoredEntry {
    /// The log's head after it.
    pub fn head(&self) -> Head {
        Head { incarnation: self.incarnation, seq: self.seq, hash: self.hash }
    }
}

/// A store that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the {log} log at {seq}: {cause}")]
pub struct UnreadableLog {
    /// Whose log.
    pub log: Side,
    /// Where.
    pub seq: u64,
    /// What the store said.
    pub cause: String,
}

/// Reads entries back, those of the transaction under way included.
pub trait EntrySource {
    /// Entries from number `from` on, in order without gaps, at least one if there is one, and at most `bytes_max` bytes beyond it.
    fn entries(&self, log: Side, from: u64, bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog>;
    /// The head after an entry; of number 0 it is all zero; nothing where the log is not that long.
    fn head_at(&self, log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog>;
}
