//! An entry: one numbered fact in a log. An entry *is* its bytes as first written; its first byte is its format.

use crate::ids::{
    BookingId, ClaimId, Incarnation, KeyId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TicketId,
};
use crate::money::Currency;
use crate::seating::Row;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most bytes an entry may have. Larger handovers and plans are several entries.
pub const ENTRY_BYTES_MAX: usize = 4096;
/// The first byte of an entry: postcard of [`Entry`].
const FORMAT: u8 = 1;

/// A BLAKE3 hash in a log's chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash after an entry: BLAKE3 over this hash and the entry's bytes.
    pub fn chain(self, entry: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(entry);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.8}", self.to_string())
    }
}

/// A log's last entry. Before the first entry it is all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Head {
    /// The version of the log.
    pub incarnation: Incarnation,
    /// The number of the last entry; the first is 1.
    pub seq: u64,
    /// The chain's hash after it.
    pub hash: Hash,
}

/// Neighbouring seats at one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeatsAtEpoch {
    /// The first seat.
    pub first: SeatId,
    /// How many, by id.
    pub count: u16,
    /// The epoch they all have.
    pub epoch: u32,
}

impl SeatsAtEpoch {
    /// The seats.
    pub fn seats(self) -> impl Iterator<Item = SeatId> {
        (0..u32::from(self.count)).map(move |i| SeatId(self.first.0.saturating_add(i)))
    }

    /// Packs sorted (seat, epoch) pairs into runs.
    pub fn pack(seats: impl IntoIterator<Item = (SeatId, u32)>) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        for (seat, epoch) in seats {
            match runs.last_mut() {
                Some(run)
                    if run.epoch == epoch
                        && run.first.0.checked_add(u32::from(run.count)) == Some(seat.0)
                        && run.count < u16::MAX =>
                {
                    run.count += 1;
                }
                _ => runs.push(Self { first: seat, count: 1, epoch }),
            }
        }
        runs
    }
}

/// What `ShowAdded` says of a show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowFacts {
    /// The number; its highest bit names the author.
    pub number: ShowNumber,
    /// Where.
    pub screen: ScreenId,
    /// The movie in central's catalogue, 0 for none.
    pub movie: MovieId,
    /// What the counter and the door show.
    pub title: String,
    /// Start, minutes since 1970-01-01 UTC.
    pub starts: u32,
    /// End, minutes since 1970-01-01 UTC.
    pub ends: u32,
    /// The seating plan's version.
    pub plan: u16,
    /// The currency of all prices.
    pub currency: Currency,
    /// Price by category, minor units.
    pub prices: Vec<u32>,
    /// The opening split: these seats begin under the edge's authority at epoch 1, all others under central's at 0.
    pub edge_seats: Vec<SeatsAtEpoch>,
}

impl ShowFacts {
    /// When it starts.
    pub fn starts_at(&self) -> Timestamp {
        Timestamp::from_minutes(self.starts)
    }

    /// When it ends.
    pub fn ends_at(&self) -> Timestamp {
        Timestamp::from_minutes(self.ends)
    }
}

/// One seat of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldSeat {
    /// The seat.
    pub seat: SeatId,
    /// Its epoch at the sale.
    pub epoch: u32,
    /// Its generation at the sale.
    pub generation: u16,
    /// The new ticket.
    pub ticket: TicketId,
    /// The price, minor units of the show's currency.
    pub price: u32,
}

/// Who opened an incarnation of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpenedBy {
    /// A first log: nothing came before.
    First,
    /// The peer issued it.
    Peer,
    /// Two persons.
    TwoPersons,
    /// A manager's PIN with nobody to ask.
    ManagerPin,
}

/// Names one ticket together with the seat it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// The show.
    pub show: ShowNumber,
    /// The seat.
    pub seat: SeatId,
    /// The seat's generation the ticket was sold at.
    pub generation: u16,
    /// The ticket.
    pub ticket: TicketId,
}

/// A fact. Variants are encoded by position: append new ones at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The first entry of an incarnation. Either side.
    LogOpened {
        /// The new incarnation.
        incarnation: Incarnation,
        /// The head it continues, nothing for a first log.
        parent: Option<Head>,
        /// Who opened it.
        by: OpenedBy,
    },
    /// A part of a screen's seating plan; it counts once `complete`. Central.
    PlanPublished {
        /// The screen.
        screen: ScreenId,
        /// The plan's version.
        version: u16,
        /// Category names, in the first part.
        categories: Vec<String>,
        /// Rows to append.
        rows: Vec<Row>,
        /// The last part.
        complete: bool,
    },
    /// A show is born. Either side.
    ShowAdded(ShowFacts),
    /// A category's price changes for sales to come. Central.
    PriceSet {
        /// The show.
        show: ShowNumber,
        /// The category.
        category: u8,
        /// Minor units.
        price: u32,
    },
    /// A show is cancelled, for ever. Either side.
    ShowCancelled {
        /// The show.
        show: ShowNumber,
    },
    /// A show leaves state and digest, long after it was. Central.
    ShowClosed {
        /// The show.
        show: ShowNumber,
        /// The show's digest as it leaves.
        digest: u128,
    },
    /// A root-signed certificate of an issuing key. Central.
    KeyCertified {
        /// The certificate's bytes.
        certificate: Vec<u8>,
    },
    /// A key is revoked. Central.
    KeyRevoked {
        /// The key.
        key: KeyId,
    },
    /// Authority moves to the other side; each epoch grows by one. Only the giver.
    HandedOver {
        /// The show.
        show: ShowNumber,
        /// The seats with the epochs they had.
        runs: Vec<SeatsAtEpoch>,
        /// The claim this answers.
        claim: Option<ClaimId>,
    },
    /// Seats are sold. Only their authority.
    Sold {
        /// The show.
        show: ShowNumber,
        /// The booking, opaque.
        booking: BookingId,
        /// The request, so that a retry is known after recovery.
        request: RequestId,
        /// The seats.
        seats: Vec<SoldSeat>,
    },
    /// The edge ends a ticket it sold. Edge.
    Voided(TicketRef),
    /// Central asks to end a ticket it sold. Central.
    VoidRequested(TicketRef),
    /// The door blocks the ticket for good. Edge.
    VoidAccepted(TicketRef),
    /// The ticket was used already. Edge.
    VoidRefused(TicketRef),
    /// A seat whose ticket is void is free again, at the next generation. Only its authority.
    SeatReleased {
        /// The show.
        show: ShowNumber,
        /// The seat.
        seat: SeatId,
        /// Its epoch.
        epoch: u32,
        /// The generation that ended.
        generation: u16,
    },
    /// Seats are kept off sale, or given back to it. Only their authority.
    SeatWithheld {
        /// The show.
        show: ShowNumber,
        /// The seats.
        runs: Vec<SeatsAtEpoch>,
        /// False gives them back.
        withheld: bool,
    },
    /// An accepted entry. Edge.
    Admitted {
        /// The ticket and its seat.
        ticket: TicketRef,
        /// When, as the door says.
        at: Timestamp,
        /// The door's name.
        door: String,
    },
    /// Unknown seats are for sale again: two persons answer for it. Only their authority.
    UnknownSettled {
        /// The show.
        show: ShowNumber,
        /// The seats.
        runs: Vec<SeatsAtEpoch>,
    },
    /// A ticket that was sold before its entry was lost has turned up: its unknown seat is sold. Only the seat's authority.
    TicketFound {
        /// The show.
        show: ShowNumber,
        /// The booking, opaque.
        booking: BookingId,
        /// The seat with its ticket, as they were sold.
        seat: SoldSeat,
    },
    /// Two persons attest that the box is off for good: its log ends here. Central.
    BoxRetired {
        /// The box's key.
        key: KeyId,
        /// The last entry of its log that counts.
        head: Head,
    },
    /// Unknown seats of a retired box move to central and are for sale. Central, until the box is replaced.
    SeatsTaken {
        /// The show.
        show: ShowNumber,
        /// The seats with the epochs they had.
        runs: Vec<SeatsAtEpoch>,
    },
    /// A new box may go on with the log of the retired one. Central.
    BoxReplaced {
        /// The new box's key.
        key: KeyId,
    },
}

impl Fact {
    /// May this side write such a fact at all? Who may write it for a given seat is the ledger's question.
    pub fn may_be_written_by(&self, side: Side) -> bool {
        match self {
            Self::LogOpened { .. }
            | Self::ShowCancelled { .. }
            | Self::HandedOver { .. }
            | Self::Sold { .. }
            | Self::SeatReleased { .. }
            | Self::SeatWithheld { .. }
            | Self::UnknownSettled { .. }
            | Self::TicketFound { .. } => true,
            Self::ShowAdded(facts) => facts.number.author() == side,
            Self::PlanPublished { .. }
            | Self::PriceSet { .. }
            | Self::ShowClosed { .. }
            | Self::KeyCertified { .. }
            | Self::KeyRevoked { .. }
            | Self::VoidRequested(_)
            | Self::BoxRetired { .. }
            | Self::SeatsTaken { .. }
            | Self::BoxReplaced { .. } => side == Side::Central,
            Self::Voided(_) | Self::VoidAccepted(_) | Self::VoidRefused(_) | Self::Admitted { .. } => {
                side == Side::Edge
            }
        }
    }

    /// The names of all kinds, in the order in which they are encoded.
    pub const KINDS: [&'static str; 22] = [
        "LogOpened",
        "PlanPublished",
        "ShowAdded",
        "PriceSet",
        "ShowCancelled",
        "ShowClosed",
        "KeyCertified",
        "KeyRevoked",
        "HandedOver",
        "Sold",
        "Voided",
        "VoidRequested",
        "VoidAccepted",
        "VoidRefused",
        "SeatReleased",
        "SeatWithheld",
        "Admitted",
        "UnknownSettled",
        "TicketFound",
        "BoxRetired",
        "SeatsTaken",
        "BoxReplaced",
    ];

    /// The kind's name, as DESIGN and the operator tape call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LogOpened { .. } => "LogOpened",
            Self::PlanPublished { .. } => "PlanPublished",
            Self::ShowAdded(_) => "ShowAdded",
            Self::PriceSet { .. } => "PriceSet",
            Self::ShowCancelled { .. } => "ShowCancelled",
            Self::ShowClosed { .. } => "ShowClosed",
            Self::KeyCertified { .. } => "KeyCertified",
            Self::KeyRevoked { .. } => "KeyRevoked",
            Self::HandedOver { .. } => "HandedOver",
            Self::Sold { .. } => "Sold",
            Self::Voided(_) => "Voided",
            Self::VoidRequested(_) => "VoidRequested",
            Self::VoidAccepted(_) => "VoidAccepted",
            Self::VoidRefused(_) => "VoidRefused",
            Self::SeatReleased { .. } => "SeatReleased",
            Self::SeatWithheld { .. } => "SeatWithheld",
            Self::Admitted { .. } => "Admitted",
            Self::UnknownSettled { .. } => "UnknownSettled",
            Self::TicketFound { .. } => "TicketFound",
            Self::BoxRetired { .. } => "BoxRetired",
            Self::SeatsTaken { .. } => "SeatsTaken",
            Self::BoxReplaced { .. } => "BoxReplaced",
        }
    }
}

/// A fact with what its writer knew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written, by the writer's store time. For people; nothing is ordered by it.
    pub at: Timestamp,
    /// How many entries of the other log the writer had applied.
    pub seen: u64,
    /// The fact.
    pub fact: Fact,
}

/// Why bytes are not an entry, or an entry cannot be bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// More than [`ENTRY_BYTES_MAX`].
    #[error("an entry of {0} bytes is over the limit of {ENTRY_BYTES_MAX}")]
    TooLong(usize),
    /// A format byte this program does not know.
    #[error("entry format {0} is not known to this program")]
    Format(u8),
    /// Bytes that do not decode, or do so with a rest.
    #[error("the entry's bytes do not decode")]
    Malformed,
}

impl Entry {
    /// The entry as bytes, made once by its writer.
    pub fn encode(&self) -> Result<Vec<u8>, BadEntry> {
        let mut bytes = vec![FORMAT];
        bytes = postcard::to_extend(self, bytes).map_err(|_| BadEntry::Malformed)?;
        if bytes.len() > ENTRY_BYTES_MAX { Err(BadEntry::TooLong(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEntry> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(BadEntry::TooLong(bytes.len()));
        }
        match bytes.split_first() {
            Some((&FORMAT, rest)) => match postcard::take_from_bytes(rest) {
                Ok((entry, [])) => Ok(entry),
                Ok(_) | Err(_) => Err(BadEntry::Malformed),
            },
            Some((&format, _)) => Err(BadEntry::Format(format)),
            None => Err(BadEntry::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_pack_into_runs_and_unpack_again() {
        let seats: Vec<_> = [(1, 0), (2, 0), (3, 1), (4, 1), (7, 1)].map(|(s, e)| (SeatId(s), e)).to_vec();
        let runs = SeatsAtEpoch::pack(seats.clone());
        assert_eq!(runs.len(), 3);
        let again: Vec<_> = runs.iter().flat_map(|run| run.seats().map(move |s| (s, run.epoch))).collect();
        assert_eq!(again, seats);
    }

    #[test]
    fn an_entry_with_a_rest_or_an_unknown_format_is_refused() {
        let entry = Entry { at: Timestamp(5), seen: 3, fact: Fact::ShowCancelled { show: ShowNumber(9) } };
        let bytes = entry.encode().expect("encodes");
        assert_eq!(Entry::decode(&bytes), Ok(entry));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Entry::decode(&longer), Err(BadEntry::Malformed));
        let mut other = bytes;
        other[0] = 9;
        assert_eq!(Entry::decode(&other), Err(BadEntry::Format(9)));
        assert_eq!(Entry::decode(&[]), Err(BadEntry::Malformed));
        assert_eq!(Entry::decode(&[1; ENTRY_BYTES_MAX + 1]), Err(BadEntry::TooLong(ENTRY_BYTES_MAX + 1)));
    }

    #[test]
    fn a_counter_sale_of_two_seats_is_small() {
        let seat =
            |n| SoldSeat { seat: SeatId(n), epoch: 1, generation: 0, ticket: TicketId([n as u8; 8]), price: 15_000 };
        let fact = Fact::Sold {
            show: ShowNumber(345),
            booking: BookingId([7; 16]),
            request: RequestId([3; 8]),
            seats: vec![seat(200), seat(201)],
        };
        let entry = Entry { at: Timestamp(1_800_000_000_000), seen: 4000, fact };
        assert!(entry.encode().expect("encodes").len() <= 72);
    }
}
