//! Identifiers. Each is a newtype, so that a seat is never passed where a show is meant.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which of the two writers of a theatre's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The booking and payment cluster.
    Central,
    /// The box in the theatre.
    Edge,
}

impl Side {
    /// The other side.
    pub fn peer(self) -> Self {
        match self {
            Self::Central => Self::Edge,
            Self::Edge => Self::Central,
        }
    }

    /// `central` or `edge`: the word in topics, tables and screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Central => "central",
            Self::Edge => "edge",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: {text:?}")]
pub struct BadId {
    /// What was expected.
    pub what: &'static str,
    /// What was given, at most 64 characters of it.
    pub text: String,
}

impl BadId {
    fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.chars().take(64).collect() }
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $int:ty, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.parse().map(Self).map_err(|_| BadId::new($what, text))
            }
        }
    };
}

number_id!(
    /// A theatre: one site, one edge.
    TheatreId, u32, "theatre id"
);
number_id!(
    /// A screen (auditorium) of a theatre, from 1.
    ScreenId, u8, "screen id"
);
number_id!(
    /// A movie of central's catalogue.
    MovieId, u32, "movie id"
);
number_id!(
    /// A seat of a seating plan: stable, never reused within its screen.
    SeatId, u32, "seat id"
);
number_id!(
    /// A show within its theatre. The highest bit says that the edge authored it.
    ShowNumber, u32, "show number"
);

impl ShowNumber {
    /// The bit that marks a show authored by the edge.
    pub const EDGE_BIT: u32 = 1 << 31;

    /// The side that wrote the show's `ShowAdded`.
    pub fn author(self) -> Side {
        if self.0 & Self::EDGE_BIT == 0 { Side::Central } else { Side::Edge }
    }
}

/// A show anywhere: the theatre and its show number, `12-345` in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShowId {
    /// The theatre.
    pub theatre: TheatreId,
    /// The show within it.
    pub number: ShowNumber,
}

impl fmt::Display for ShowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.theatre, self.number)
    }
}

impl FromStr for ShowId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId::new("show id", text);
        let (theatre, number) = text.split_once('-').ok_or_else(bad)?;
        Ok(Self { theatre: theatre.parse().map_err(|_| bad())?, number: number.parse().map_err(|_| bad())? })
    }
}

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let bad = || BadId::new($what, text);
                let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| bad())?;
                bytes.try_into().map(Self).map_err(|_| bad())
            }
        }
    };
}

bytes_id!(
    /// The right of entry to one seat, random.
    TicketId, 8, "ticket id"
);
bytes_id!(
    /// A temporary claim on seats: the time, so that what is stored together lies together, and 80 random bits, so that nobody
    /// guesses it.
    HoldId, 16, "hold id"
);
bytes_id!(
    /// A confirmed sale; opaque in entries, random and unguessable.
    BookingId, 16, "booking id"
);
bytes_id!(
    /// The first 8 bytes of the BLAKE3 hash of the client's request id: in entries, so that a retry is known after recovery.
    RequestId, 8, "request id"
);
bytes_id!(
    /// A request for a handover.
    ClaimId, 8, "claim id"
);
bytes_id!(
    /// One reading of a ticket code at a door, made by the device: the time and random bytes, so that what is stored together lies
    /// together.
    ScanId, 16, "scan id"
);
bytes_id!(
    /// The first four bytes of the BLAKE3 hash of a public key.
    KeyId, 4, "key id"
);

/// The version of a node's log, random, opened by `LogOpened`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        u64::from_str_radix(text, 16).map(Self).map_err(|_| BadId::new("incarnation", text))
    }
}

impl ScanId {
    /// The id of a scan at this time.
    pub fn at(time: Timestamp, random: [u8; 10]) -> Self {
        Self(in_order(time, random))
    }

    /// Another id for what a device has given an id that it had used already, always the same.
    #[must_use]
    pub fn of_code(self, code: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(code.as_bytes());
        let mut id = self.0;
        id[6..].copy_from_slice(&hasher.finalize().as_bytes()[..10]);
        Self(id)
    }
}

impl HoldId {
    /// The id of a hold placed at this time.
    pub fn at(time: Timestamp, random: [u8; 10]) -> Self {
        Self(in_order(time, random))
    }
}

/// Milliseconds first, as in version 7 of RFC 9562's identifiers.
fn in_order(time: Timestamp, random: [u8; 10]) -> [u8; 16] {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&time.0.to_be_bytes()[2..]);
    id[6..].copy_from_slice(&random);
    id
}

impl RequestId {
    /// The request id of a client's idempotency key.
    pub fn of_key(key: &str) -> Self {
        let hash = blake3::hash(key.as_bytes());
        let mut id = [0; 8];
        id.copy_from_slice(&hash.as_bytes()[..8]);
        Self(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_show_id_reads_back_as_it_was_written() {
        let id = ShowId { theatre: TheatreId(12), number: ShowNumber(345) };
        assert_eq!(id.to_string(), "12-345");
        assert_eq!("12-345".parse(), Ok(id));
        for bad in ["", "12", "12-", "-3", "12-3-4", "a-b"] {
            assert!(bad.parse::<ShowId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_highest_bit_of_a_show_number_names_its_author() {
        assert_eq!(ShowNumber(7).author(), Side::Central);
        assert_eq!(ShowNumber(7 | ShowNumber::EDGE_BIT).author(), Side::Edge);
    }
}
