//! Envelopes: every message is signed end to end, so that the broker can delay but not forge.
//!
//! Bytes: version (1), then postcard of theatre, side, both Hello nonces and the message, then the Ed25519 signature (64) over all
//! before it in the envelope domain.

use crate::message::Message;
use serde::{Deserialize, Serialize};
use shared::ids::{Side, TheatreId};
use shared::keys::{Domain, PublicKey, SIGNATURE_BYTES, SecretKey};

/// The most bytes of an envelope: a full batch and its frame.
pub const ENVELOPE_BYTES_MAX: usize = 24 * 1024;
const VERSION: u8 = 1;

/// An envelope's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The theatre it is about.
    pub theatre: TheatreId,
    /// The sender.
    pub from: Side,
    /// The sender's nonce of this session.
    pub from_nonce: u64,
    /// The receiver's nonce as the sender heard it, 0 if it has not.
    pub to_nonce: u64,
    /// The message.
    pub message: Message,
}

/// Why bytes are no envelope. They go to the dead letters; the next message is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEnvelope {
    /// Too short or longer than [`ENVELOPE_BYTES_MAX`].
    #[error("an envelope of {0} bytes")]
    Length(usize),
    /// A version this program does not know.
    #[error("envelope version {0}")]
    Version(u8),
    /// Not signed by the peer.
    #[error("the signature is not the peer's")]
    Signature,
    /// Signed, but it does not decode.
    #[error("the content does not decode")]
    Malformed,
    /// Another theatre, or the sender's own side.
    #[error("addressed to somebody else")]
    Address,
}

impl Envelope {
    /// The envelope's bytes.
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        let mut bytes = postcard::to_extend(self, vec![VERSION]).unwrap_or_default();
        bytes.extend_from_slice(&key.sign(Domain::Envelope, &bytes));
        bytes
    }

    /// Reads an envelope of the peer. The signature is checked before anything is decoded.
    pub fn open(bytes: &[u8], theatre: TheatreId, peer_side: Side, peer: &[PublicKey]) -> Result<Self, BadEnvelope> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(BadEnvelope::Length(bytes.len()));
        }
        let (signed, signature) =
            bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(BadEnvelope::Length(bytes.len()))?;
        let (version, body) = signed.split_first().ok_or(BadEnvelope::Length(bytes.len()))?;
        if *version != VERSION {
            return Err(BadEnvelope::Version(*version));
        }
        if !peer.iter().any(|key| key.verifies(Domain::Envelope, signed, signature)) {
            return Err(BadEnvelope::Signature);
        }
        let Ok((envelope, [])) = postcard::take_from_bytes::<Self>(body) else { return Err(BadEnvelope::Malformed) };
        if envelope.theatre != theatre || envelope.from != peer_side {
            return Err(BadEnvelope::Address);
        }
        Ok(envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::EntryBytes;

    #[test]
    fn only_the_peers_untouched_envelope_for_this_theatre_opens() {
        let (key, other) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let batch = crate::message::Batch {
            log: Side::Edge,
            before: shared::entry::Head::default(),
            entries: vec![EntryBytes(vec![1, 2, 3])],
        };
        let envelope = Envelope {
            theatre: TheatreId(7),
            from: Side::Edge,
            from_nonce: 5,
            to_nonce: 6,
            message: Message::Batch(batch),
        };
        let bytes = envelope.seal(&key);
        let open = |bytes: &[u8], theatre, key: &SecretKey| {
            Envelope::open(bytes, TheatreId(theatre), Side::Edge, &[key.public()])
        };
        assert_eq!(open(&bytes, 7, &key), Ok(envelope));
        assert_eq!(open(&bytes, 8, &key), Err(BadEnvelope::Address));
        assert_eq!(open(&bytes, 7, &other), Err(BadEnvelope::Signature));
        for i in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[i] ^= 1;
            assert!(open(&bent, 7, &key).is_err(), "byte {i}");
        }
        assert!(open(&bytes[..bytes.len() - 1], 7, &key).is_err());
        assert_eq!(open(&[0; 10], 7, &key), Err(BadEnvelope::Length(10)));
    }
}
