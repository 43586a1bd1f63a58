//! A certificate: the root's word that a key issues for one theatre, from when until when, and what it may sign.

use super::{BadKey, BadText, Domain, PublicKey, SIGNATURE_BYTES, SecretKey, signed_text, wire};
use crate::ids::{KeyId, Side, TheatreId};
use crate::time::Timestamp;

/// What a certified key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Ticket codes only.
    Tickets,
    /// Link envelopes, heads and till reports only.
    Link,
    /// Both.
    TicketsAndLink,
}

impl Purpose {
    /// Whether a key of this purpose may sign in `domain`. Certificates are the root's alone.
    pub fn covers(self, domain: Domain) -> bool {
        match domain {
            Domain::Ticket => self != Self::Link,
            Domain::Envelope | Domain::Head | Domain::Till => self != Self::Tickets,
            Domain::Certificate => false,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Tickets => 1,
            Self::Link => 2,
            Self::TicketsAndLink => 3,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Tickets),
            2 => Some(Self::Link),
            3 => Some(Self::TicketsAndLink),
            _ => None,
        }
    }
}

/// What the root says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// The certified key.
    pub public_key: PublicKey,
    /// The only theatre it issues for.
    pub theatre: TheatreId,
    /// Who holds the secret half.
    pub side: Side,
    /// Valid from, whole minutes.
    pub valid_from: Timestamp,
    /// Valid until, whole minutes.
    pub valid_until: Timestamp,
    /// What it may sign.
    pub purpose: Purpose,
}

/// Why a certificate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// Not the text of a certificate.
    #[error("not a certificate")]
    Text(#[from] BadText),
    /// A format this program does not know.
    #[error("a certificate of format {0}, which this version cannot read")]
    Format(u8),
    /// Bytes that are not what a certificate consists of.
    #[error("a damaged certificate")]
    Malformed,
    /// The certified key itself is not usable.
    #[error("a certificate of an unusable key")]
    Key(#[from] BadKey),
    /// Not signed by this root.
    #[error("a certificate that the root has not signed")]
    Signature,
    /// For another theatre.
    #[error("a certificate for theatre {0}")]
    Theatre(TheatreId),
}

const FORMAT: u8 = 1;
/// Format, key id, key, theatre, side, two times, purpose, signature.
const BYTES_MAX: usize = 1 + 4 + 32 + 5 + 1 + 5 + 5 + 1 + SIGNATURE_BYTES;

impl Certificate {
    /// The id of the certified key.
    pub fn key_id(&self) -> KeyId {
        self.public_key.key_id()
    }

    /// The certificate's text, signed by the root.
    pub fn sign(&self, root: &SecretKey) -> String {
        signed_text::write(&self.payload(), root, Domain::Certificate)
    }

    /// Reads a certificate and checks the root's signature.
    pub fn read(text: &str, root: &PublicKey) -> Result<Self, BadCertificate> {
        let (payload, signature) = signed_text::read(text, BYTES_MAX)?;
        match payload.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(BadCertificate::Format(other)),
            None => return Err(BadCertificate::Malformed),
        }
        if !root.verifies(Domain::Certificate, &payload, &signature) {
            return Err(BadCertificate::Signature);
        }
        let certificate = Self::from_payload(&payload)?;
        if certificate.payload() == payload { Ok(certificate) } else { Err(BadCertificate::Malformed) }
    }

    fn payload(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.key_id().0);
        bytes.extend(self.public_key.to_bytes());
        wire::put_varint(&mut bytes, self.theatre.0);
        bytes.push(match self.side {
            Side::Central => 0,
            Side::Edge => 1,
        });
        wire::put_varint(&mut bytes, self.valid_from.minutes());
        wire::put_varint(&mut bytes, self.valid_until.minutes());
        bytes.push(self.purpose.byte());
        bytes
    }

    fn from_payload(payload: &[u8]) -> Result<Self, BadCertificate> {
        let bad = || BadCertificate::Malformed;
        let mut reader = wire::Reader::new(payload);
        reader.byte().ok_or_else(bad)?;
        reader.array::<4>().ok_or_else(bad)?;
        let public_key = PublicKey::from_bytes(&reader.array().ok_or_else(bad)?)?;
        let theatre = TheatreId(reader.varint().ok_or_else(bad)?);
        let side = match reader.byte() {
            Some(0) => Side::Central,
            Some(1) => Side::Edge,
            _ => return Err(bad()),
        };
        let valid_from = Timestamp::from_minutes(reader.varint().ok_or_else(bad)?);
        let valid_until = Timestamp::from_minutes(reader.varint().ok_or_else(bad)?);
        let purpose = reader.byte().and_then(Purpose::from_byte).ok_or_else(bad)?;
        Ok(Self { public_key, theatre, side, valid_from, valid_until, purpose })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        Certificate {
            public_key: SecretKey::from_seed(&[2; 32]).public(),
            theatre: TheatreId(12),
            side: Side::Edge,
            valid_from: Timestamp::from_minutes(29_000_000),
            valid_until: Timestamp::from_minutes(29_100_000),
            purpose: Purpose::TicketsAndLink,
        }
    }

    #[test]
    fn a_certificate_reads_back_under_its_root_only() {
        let root = SecretKey::from_seed(&[1; 32]);
        let text = certificate().sign(&root);
        assert_eq!(Certificate::read(&format!(" {}\n", text.to_lowercase()), &root.public()), Ok(certificate()));
        let other = SecretKey::from_seed(&[3; 32]).public();
        assert_eq!(Certificate::read(&text, &other), Err(BadCertificate::Signature));
        assert_eq!(Certificate::read("", &root.public()), Err(BadText::TooShort.into()));
        assert_eq!(Certificate::read(&text.repeat(9), &root.public()), Err(BadText::TooLong.into()));
    }

    #[test]
    fn a_weak_key_and_trailing_bytes_are_refused_even_when_the_root_signed_them() {
        let root = SecretKey::from_seed(&[1; 32]);
        let payload = certificate().payload();
        let mut weak = payload.clone();
        weak[5..37].fill(0);
        let text = signed_text::write(&weak, &root, Domain::Certificate);
        assert_eq!(Certificate::read(&text, &root.public()), Err(BadKey.into()));
        let long = [&payload[..], &[0]].concat();
        let text = signed_text::write(&long, &root, Domain::Certificate);
        assert_eq!(Certificate::read(&text, &root.public()), Err(BadCertificate::Malformed));
        let mut foreign_id = payload.clone();
        foreign_id[1] ^= 1;
        let text = signed_text::write(&foreign_id, &root, Domain::Certificate);
        assert_eq!(Certificate::read(&text, &root.public()), Err(BadCertificate::Malformed));
    }
}
