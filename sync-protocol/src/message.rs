//! What the two sides say to each other. The table of who says what when is in `PROTOCOL.md`.

use serde::{Deserialize, Serialize};
use shared::entry::Head;
use shared::ids::{ClaimId, SeatId, ShowNumber, Side};
use shared::refusal::Refusal;
use shared::time::Timestamp;

/// The entry formats and kinds a program understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolRange {
    /// The oldest.
    pub from: u16,
    /// The newest.
    pub to: u16,
}

impl ProtocolRange {
    /// What this program speaks.
    pub const OURS: Self = Self { from: 1, to: 1 };

    /// Is there a version both speak?
    pub fn meets(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

/// The state's digest at a pair of log positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// How much of central's log is in it.
    pub central: u64,
    /// How much of the edge's log is in it.
    pub edge: u64,
    /// The digest there.
    pub digest: u128,
}

/// Opens a link session. Both sides say it; it resets the send cursor to the peer's stated head, backwards too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Random, new at each start of the program.
    pub boot: u64,
    /// "I have your Hello of this session": no Hello is wanted in return.
    pub heard: bool,
    /// The head of the sender's own log.
    pub own: Head,
    /// The head of the receiver's log as the sender has applied it.
    pub applied: Head,
    /// What the sender speaks.
    pub protocol: ProtocolRange,
    /// The sender's store time, for people.
    pub clock: Timestamp,
    /// May the sender sell?
    pub can_sell: bool,
    /// The sender is closed because this log has forked.
    pub forked: Option<Side>,
}

/// Says that the link works in both directions, and what the sender has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Counts the sender's heartbeats of this session.
    pub n: u32,
    /// The largest `n` heard from the receiver.
    pub echo: u32,
    /// An answer; it is not answered again.
    pub answer: bool,
    /// May the sender sell?
    pub can_sell: bool,
    /// The sender's state.
    pub cut: Cut,
}

/// Entries of a log, in order without gaps, verbatim: the sender's own, or the receiver's own that it has lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Whose log.
    pub log: Side,
    /// The log's head before the first entry.
    pub before: Head,
    /// The entries' bytes.
    pub entries: Vec<EntryBytes>,
}

/// How far a log is durably applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Whose log: the receiver's, or the sender's own that it takes back.
    pub log: Side,
    /// Up to here.
    pub head: Head,
}

/// Asks for the sender's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The last entry the sender has.
    pub after: u64,
}

/// An entry's bytes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryBytes(pub Vec<u8>);

impl Serialize for EntryBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for EntryBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = EntryBytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an entry's bytes")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<EntryBytes, E> {
                if bytes.len() > shared::entry::ENTRY_BYTES_MAX {
                    return Err(E::invalid_length(bytes.len(), &self));
                }
                Ok(EntryBytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// One claim of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Names the claim; the handover that grants it carries the same id.
    pub claim: ClaimId,
    /// The show.
    pub show: ShowNumber,
    /// The seats, all or none.
    pub seats: Vec<SeatId>,
}

/// A message. Variants are encoded by position: append new ones at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Opens a session.
    Hello(Hello),
    /// Keeps it.
    Heartbeat(Heartbeat),
    /// "I have durably applied this log up to here." Sent after the commit.
    Ack(Ack),
    /// Entries.
    Batch(Batch),
    /// Asks for seats. One such message is in flight per theatre.
    Claims(Vec<Want>),
    /// Refuses claims; a granted claim is answered by its `HandedOver`.
    ClaimsRefused(Vec<(ClaimId, Refusal)>),
    /// "I have lost entries of my own log: send me what you have of it."
    Return(Return),
}

impl Message {
    /// The names of all kinds, in the order in which they are encoded.
    pub const KINDS: [&'static str; 7] = ["Hello", "Heartbeat", "Ack", "Batch", "Claims", "ClaimsRefused", "Return"];

    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "Hello",
            Self::Heartbeat(_) => "Heartbeat",
            Self::Ack(_) => "Ack",
            Self::Batch(_) => "Batch",
            Self::Claims(_) => "Claims",
            Self::ClaimsRefused(_) => "ClaimsRefused",
            Self::Return(_) => "Return",
        }
    }

    /// Which topic it goes to: entries never hold up acks or claims.
    pub fn channel(&self) -> Channel {
        if matches!(self, Self::Batch(_)) { Channel::Log } else { Channel::Control }
    }
}

/// The two topics of each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// `usher/v1/{theatre}/up` and `/down`.
    Control,
    /// `usher/v1/{theatre}/up/log` and `/down/log`.
    Log,
}
