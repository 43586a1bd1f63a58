//! The state digest: a sum of record hashes, so that it depends on the set of records and not on the order they came in.

use serde::Serialize;

/// The hash of one record, to be added to or taken from a digest with wrapping arithmetic. It finds faults, not forgers.
pub fn record_hash(kind: &str, record: &impl Serialize) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    let bytes = postcard::to_extend(record, Vec::new()).unwrap_or_default();
    hasher.update(&bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(first)
}
