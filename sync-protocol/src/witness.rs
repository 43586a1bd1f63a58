//! What a paired device keeps for the box: its highest signed head and, at the named witness, every entry that central has not
//! acknowledged. The device gives both back to a box that is behind.

use serde::{Deserialize, Serialize};
use shared::entry::Head;
use shared::ids::{Side, TheatreId};
use shared::keys::{Domain, PublicKey, SIGNATURE_BYTES, SecretKey};

/// The most bytes of entries a witness keeps.
pub const WITNESS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A log's head as its node signed it after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// The theatre.
    pub theatre: TheatreId,
    /// Whose log.
    pub log: Side,
    /// The head.
    pub head: Head,
    /// The node's signature in the head domain.
    pub signature: Vec<u8>,
}

impl SignedHead {
    /// Signs a head that is committed.
    pub fn sign(theatre: TheatreId, log: Side, head: Head, key: &SecretKey) -> Self {
        let signature = key.sign(Domain::Head, &signed_bytes(theatre, log, head)).to_vec();
        Self { theatre, log, head, signature }
    }

    /// Did one of these keys sign it?
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let Ok(signature) = <[u8; SIGNATURE_BYTES]>::try_from(self.signature.as_slice()) else { return false };
        let bytes = signed_bytes(self.theatre, self.log, self.head);
        keys.iter().any(|key| key.verifies(Domain::Head, &bytes, &signature))
    }

    /// Does this head replace one kept before? A later one of the same line does; so does another incarnation's.
    pub fn replaces(&self, kept: &Self) -> bool {
        self.head.incarnation != kept.head.incarnation || self.head.seq >= kept.head.seq
    }
}

fn signed_bytes(theatre: TheatreId, log: Side, head: Head) -> Vec<u8> {
    let mut bytes = theatre.0.to_be_bytes().to_vec();
    bytes.push(u8::from(log == Side::Edge));
    bytes.extend_from_slice(&head.incarnation.0.to_be_bytes());
    bytes.extend_from_slice(&head.seq.to_be_bytes());
    bytes.extend_from_slice(&head.hash.0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::entry::Hash;
    use shared::ids::Incarnation;

    #[test]
    fn a_signed_head_is_good_only_as_it_was_signed() {
        let (key, other) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let head = Head { incarnation: Incarnation(7), seq: 9, hash: Hash([3; 32]) };
        let signed = SignedHead::sign(TheatreId(4), Side::Edge, head, &key);
        assert!(signed.is_signed_by(&[other.public(), key.public()]));
        assert!(!signed.is_signed_by(&[other.public()]));
        let bent = SignedHead { head: Head { seq: 10, ..head }, ..signed.clone() };
        assert!(!bent.is_signed_by(&[key.public()]));
        assert!(bent.replaces(&signed) && !signed.replaces(&bent));
    }
}
