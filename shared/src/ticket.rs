//! The ticket code: the signed text in the QR, one format for edge, central, scanner and the door page.
//!
//! Payload in fixed order: format, key id, ticket id, theatre, show, screen, row (length, bytes), seat number, generation,
//! valid from, valid until (minutes UTC); integers as varints. Then the signature. At most 108 bytes, 173 characters of Base32.
//! One ticket has exactly one text: what does not re-encode to itself is refused. Still, dedupe on the ticket id, never on text.

mod booking_code;

pub use booking_code::{booking_code, has_booking_code, read_booking_code};

use crate::ids::{KeyId, ScreenId, ShowNumber, Side, TheatreId, TicketId};
use crate::keys::{BadSigner, BadText, Domain, KeyRing, SIGNATURE_BYTES, SecretKey, Signature, Standing};
use crate::keys::{signed_text, wire};
use crate::time::Timestamp;
use std::fmt;

const FORMAT: u8 = 1;
/// Beyond this a first byte is no format but whatever happened to be read.
const LATER_FORMAT_MAX: u8 = 15;
const ROW_BYTES_MAX: usize = 3;
const PAYLOAD_BYTES_MAX: usize = 1 + 4 + 8 + 5 + 5 + 1 + (1 + ROW_BYTES_MAX) + 3 + 3 + 5 + 5;

/// The most bytes a ticket code decodes to.
pub const TICKET_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + SIGNATURE_BYTES;

/// A row's label: one to three ASCII letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowLabel(String);

impl RowLabel {
    /// Takes a label of one to three ASCII letters and digits.
    pub fn new(label: &str) -> Option<Self> {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (plain && (1..=ROW_BYTES_MAX).contains(&label.len())).then(|| Self(label.to_owned()))
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a ticket says; who says it is added by signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketBody {
    /// The ticket's random id.
    pub ticket: TicketId,
    /// The theatre.
    pub theatre: TheatreId,
    /// The show within the theatre.
    pub show: ShowNumber,
    /// The screen, so that a door that never synced can name it.
    pub screen: ScreenId,
    /// The row.
    pub row: RowLabel,
    /// The printed number of the seat.
    pub number: u16,
    /// The version of the seat's sale.
    pub generation: u16,
    /// Not before, whole minutes.
    pub valid_from: Timestamp,
    /// Not after, whole minutes.
    pub valid_until: Timestamp,
}

impl TicketBody {
    /// The seat's label, for example `C12`.
    pub fn seat(&self) -> String {
        format!("{}{}", self.row.0, self.number)
    }

    /// Signs the ticket with the issuing key, whose id goes into the code.
    pub fn sign(&self, key: &SecretKey) -> TicketCode {
        TicketCode(signed_text::write(&self.payload(key.key_id()), key, Domain::Ticket))
    }

    fn payload(&self, key: KeyId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PAYLOAD_BYTES_MAX);
        bytes.push(FORMAT);
        bytes.extend(key.0);
        bytes.extend(self.ticket.0);
        wire::put_varint(&mut bytes, self.theatre.0);
        wire::put_varint(&mut bytes, self.show.0);
        bytes.push(self.screen.0);
        bytes.push(self.row.0.len() as u8);
        bytes.extend(self.row.0.as_bytes());
        wire::put_varint(&mut bytes, u32::from(self.number));
        wire::put_varint(&mut bytes, u32::from(self.generation));
        wire::put_varint(&mut bytes, self.valid_from.minutes());
        wire::put_varint(&mut bytes, self.valid_until.minutes());
        bytes
    }

    fn read(payload: &[u8]) -> Option<(KeyId, Self)> {
        let mut reader = wire::Reader::new(payload);
        reader.byte()?;
        let key = KeyId(reader.array()?);
        let ticket = TicketId(reader.array()?);
        let theatre = TheatreId(reader.varint()?);
        let show = ShowNumber(reader.varint()?);
        let screen = ScreenId(reader.byte()?);
        let row_bytes = usize::from(reader.byte()?);
        let row = RowLabel::new(std::str::from_utf8(reader.take(row_bytes)?).ok()?)?;
        let number = reader.varint_u16()?;
        let generation = reader.varint_u16()?;
        let valid_from = Timestamp::from_minutes(reader.varint()?);
        let valid_until = Timestamp::from_minutes(reader.varint()?);
        let body = Self { ticket, theatre, show, screen, row, number, generation, valid_from, valid_until };
        reader.is_empty().then_some((key, body))
    }
}

/// Why a text is not a ticket code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// Not the form of a signed text.
    #[error("not a ticket code")]
    Text(#[from] BadText),
    /// A format this program does not know.
    #[error("a ticket code of format {0}, which this version cannot read")]
    Format(u8),
    /// Bytes that are not what a ticket consists of, or not in their one form.
    #[error("a damaged ticket code")]
    Malformed,
}

impl BadCode {
    /// Whether a later version of this program may be able to read it. Formats are numbered in their order.
    pub fn is_of_a_later_format(self) -> bool {
        matches!(self, Self::Format(format) if format > FORMAT && format <= LATER_FORMAT_MAX)
    }
}

/// The text form of a signed ticket: upper-case Base32 without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketCode(String);

impl TicketCode {
    /// Reads a text, in any case and with white space around it. The signature is not looked at yet.
    pub fn parse(text: &str) -> Result<UnverifiedTicket, BadCode> {
        let (payload, signature) = signed_text::read(text, TICKET_BYTES_MAX)?;
        match payload.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(BadCode::Format(other)),
            None => return Err(BadCode::Malformed),
        }
        let (key, body) = TicketBody::read(&payload).ok_or(BadCode::Malformed)?;
        if body.payload(key) != payload {
            return Err(BadCode::Malformed);
        }
        Ok(UnverifiedTicket { key, body, payload, signature })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A well-formed ticket that anybody may have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedTicket {
    key: KeyId,
    body: TicketBody,
    payload: Vec<u8>,
    signature: Signature,
}

impl UnverifiedTicket {
    /// The key that the ticket says signed it.
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// What the ticket claims; nothing of it is proven.
    pub fn body(&self) -> &TicketBody {
        &self.body
    }

    /// Checks the signature. A revoked or outdated key is not an error here: its standing is part of the answer.
    pub fn verify(&self, ring: &KeyRing, now: Timestamp) -> Result<VerifiedTicket, BadSigner> {
        let signer = ring.signer(Domain::Ticket, self.key, &self.payload, &self.signature, now)?;
        if signer.certificate.theatre != self.body.theatre {
            return Err(BadSigner::Signature(self.key));
        }
        Ok(VerifiedTicket { body: self.body.clone(), side: signer.certificate.side, standing: signer.standing })
    }
}

/// A ticket that a certified key of its theatre has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTicket {
    /// What the ticket says.
    pub body: TicketBody,
    /// Who signed it.
    pub side: Side,
    /// How the key stood at the moment asked for.
    pub standing: Standing,
}
