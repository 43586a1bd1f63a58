//! The key ring of one theatre: which keys the root has certified for it, and which of them are revoked.

use super::{BadCertificate, Certificate, Domain, PublicKey, Signature};
use crate::ids::{KeyId, TheatreId};
use crate::planted::{self, Plant};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How a certified key stands at a moment. The order is from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Certified now.
    Valid,
    /// Certified for another time.
    OutOfDate,
    /// Revoked: what it signed counts only where a synced list says the same.
    Revoked,
}

/// The key that made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer {
    /// What the root says about it.
    pub certificate: Certificate,
    /// How it stands at the moment asked for.
    pub standing: Standing,
}

/// Why no certified key made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSigner {
    /// No certificate for this key id and purpose: it may still be a good key, not yet known here.
    #[error("no certificate for key {0}")]
    UnknownKey(KeyId),
    /// The key is known and has not signed these bytes.
    #[error("key {0} has not signed this")]
    Signature(KeyId),
}

/// The keys of one theatre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    root: PublicKey,
    theatre: TheatreId,
    // Four bytes are not unique: two keys may share an id, and one key may have several certificates.
    certificates: BTreeMap<KeyId, Vec<Certificate>>,
    revoked: BTreeSet<KeyId>,
}

impl KeyRing {
    /// An empty ring: nothing verifies yet.
    pub fn new(root: PublicKey, theatre: TheatreId) -> Self {
        Self { root, theatre, certificates: BTreeMap::new(), revoked: BTreeSet::new() }
    }

    /// The theatre whose keys these are.
    pub fn theatre(&self) -> TheatreId {
        self.theatre
    }

    /// The root that certifies.
    pub fn root(&self) -> PublicKey {
        self.root
    }

    /// Takes a certificate in after checking the root's signature and the theatre; the same one twice is one.
    pub fn add(&mut self, certificate: &str) -> Result<KeyId, BadCertificate> {
        let certificate = Certificate::read(certificate, &self.root)?;
        if certificate.theatre != self.theatre {
            return Err(BadCertificate::Theatre(certificate.theatre));
        }
        let id = certificate.key_id();
        let same_id = self.certificates.entry(id).or_default();
        if !same_id.contains(&certificate) {
            same_id.push(certificate);
        }
        Ok(id)
    }

    /// Revokes a key id, known here or not; every key that shares the id with it is revoked.
    pub fn revoke(&mut self, key: KeyId) {
        self.revoked.insert(key);
    }

    /// The revoked key ids, in order.
    pub fn revoked(&self) -> impl Iterator<Item = KeyId> {
        self.revoked.iter().copied()
    }

    /// All certificates, by key id.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values().flatten()
    }

    /// The certificates of a key id, each with its standing now.
    pub fn lookup(&self, key: KeyId, now: Timestamp) -> impl Iterator<Item = (&Certificate, Standing)> {
        self.certificates.get(&key).into_iter().flatten().map(move |certificate| {
            let standing = if self.revoked.contains(&key) {
                Standing::Revoked
            } else if now < certificate.valid_from || certificate.valid_until < now {
                Standing::OutOfDate
            } else {
                Standing::Valid
            };
            (certificate, standing)
        })
    }

    /// Finds the certified key with this id that signed these bytes; of several certificates the one that stands best.
    /// The caller decides what a standing other than [`Standing::Valid`] means.
    pub fn signer(
        &self,
        domain: Domain,
        key: KeyId,
        bytes: &[u8],
        signature: &Signature,
        now: Timestamp,
    ) -> Result<Signer, BadSigner> {
        let mut candidates: Vec<_> =
            self.lookup(key, now).filter(|(certificate, _)| certificate.purpose.covers(domain)).collect();
        if candidates.is_empty() {
            return Err(BadSigner::UnknownKey(key));
        }
        candidates.sort_by_key(|(_, standing)| *standing);
        candidates
            .into_iter()
            .find(|(certificate, _)| {
                certificate.public_key.verifies(domain, bytes, signature) || planted::is(Plant::ForgedTicketAdmitted)
            })
            .map(|(certificate, standing)| Signer { certificate: *certificate, standing })
            .ok_or(BadSigner::Signature(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Side;
    use crate::keys::{Purpose, SecretKey};

    const NOW: Timestamp = Timestamp(29_050_000 * 60_000);

    fn certificate(key: &SecretKey, from: u32, until: u32, purpose: Purpose) -> Certificate {
        Certificate {
            public_key: key.public(),
            theatre: TheatreId(12),
            side: Side::Central,
            valid_from: Timestamp::from_minutes(from),
            valid_until: Timestamp::from_minutes(until),
            purpose,
        }
    }

    fn root_and_ring() -> (SecretKey, KeyRing) {
        let root = SecretKey::from_seed(&[1; 32]);
        let ring = KeyRing::new(root.public(), TheatreId(12));
        (root, ring)
    }

    #[test]
    fn of_several_certificates_of_a_key_the_valid_one_counts() {
        let (root, mut ring) = root_and_ring();
        let key = SecretKey::from_seed(&[2; 32]);
        for (from, until) in [(28_000_000, 28_900_000), (29_000_000, 29_100_000)] {
            ring.add(&certificate(&key, from, until, Purpose::TicketsAndLink).sign(&root)).expect("certificate");
        }
        let signature = key.sign(Domain::Ticket, b"x");
        let standing = |ring: &KeyRing, now| {
            ring.signer(Domain::Ticket, key.key_id(), b"x", &signature, now).map(|signer| signer.standing)
        };
        assert_eq!(standing(&ring, NOW), Ok(Standing::Valid));
        assert_eq!(standing(&ring, Timestamp::from_minutes(28_950_000)), Ok(Standing::OutOfDate));
        ring.revoke(key.key_id());
        assert_eq!(standing(&ring, NOW), Ok(Standing::Revoked));
    }

    #[test]
    fn two_keys_with_one_id_both_verify() {
        let (root, mut ring) = root_and_ring();
        let (a, b) = (SecretKey::from_seed(&[2; 32]), SecretKey::from_seed(&[3; 32]));
        for key in [&a, &b] {
            ring.add(&certificate(key, 29_000_000, 29_100_000, Purpose::Tickets).sign(&root)).expect("certificate");
        }
        // A real collision needs 2^16 keys, so the ring is made to believe in one.
        let moved = ring.certificates.remove(&b.key_id()).expect("b");
        ring.certificates.entry(a.key_id()).or_default().extend(moved);
        for key in [&a, &b] {
            let signature = key.sign(Domain::Ticket, b"x");
            let signer = ring.signer(Domain::Ticket, a.key_id(), b"x", &signature, NOW).expect("signer");
            assert_eq!(signer.certificate.public_key, key.public());
        }
    }

    #[test]
    fn a_key_signs_only_for_its_theatre_and_purpose() {
        let (root, mut ring) = root_and_ring();
        let key = SecretKey::from_seed(&[2; 32]);
        let foreign = Certificate { theatre: TheatreId(13), ..certificate(&key, 1, 2, Purpose::Tickets) };
        assert_eq!(ring.add(&foreign.sign(&root)), Err(BadCertificate::Theatre(TheatreId(13))));
        ring.add(&certificate(&key, 29_000_000, 29_100_000, Purpose::Link).sign(&root)).expect("certificate");
        let signature = key.sign(Domain::Ticket, b"x");
        assert_eq!(
            ring.signer(Domain::Ticket, key.key_id(), b"x", &signature, NOW),
            Err(BadSigner::UnknownKey(key.key_id()))
        );
        assert_eq!(
            ring.signer(Domain::Envelope, key.key_id(), b"x", &signature, NOW),
            Err(BadSigner::Signature(key.key_id()))
        );
    }
}
