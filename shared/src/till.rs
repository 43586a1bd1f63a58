//! A cashier's drawer: what a shift began with, took, gave back and was counted at, as a journal that only grows.
//!
//! Every row is chained to the one before it by its hash, like the entries of a log, so a row that was changed, dropped or put in
//! is found and named ([`journal`]). A shift's report is the fold of its rows ([`drawer`]): it can be made at any time, and once
//! the shift is closed it never changes again.

pub mod drawer;
pub mod journal;
pub mod signed;

use crate::ids::{BookingId, TicketId};
use crate::money::Currency;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Kinds of notes and coins that one count may name.
pub const PIECES_MAX: usize = 32;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 200;
/// The most that is counted, paid in or paid out at once, minor units.
pub const AMOUNT_MAX: i64 = 10_000_000_000;

/// A shift's number at its box. The first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShiftNumber(pub u32);

impl fmt::Display for ShiftNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a sale is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tender {
    /// Notes and coins.
    Cash,
    /// A card on the standalone terminal.
    Card,
    /// UPI, shown as paid on the customer's phone.
    Upi,
    /// Nothing is paid: the price is given away.
    Complimentary,
    /// Nobody knows: the sale, or that it was taken back, was got back from whoever remembered it. No request may name it.
    #[serde(skip_deserializing)]
    Recovered,
}

impl Tender {
    /// Every tender that is taken at a till.
    pub const TAKEN: [Self; 4] = [Self::Cash, Self::Card, Self::Upi, Self::Complimentary];
    /// Every tender.
    pub const ALL: [Self; 5] = [Self::Cash, Self::Card, Self::Upi, Self::Complimentary, Self::Recovered];

    /// The word in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Card => "card",
            Self::Upi => "upi",
            Self::Complimentary => "complimentary",
            Self::Recovered => "recovered",
        }
    }

    /// The tender of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tender| tender.word() == word)
    }

    /// Whether a price can go back this way.
    pub fn goes_back(self) -> bool {
        matches!(self, Self::Cash | Self::Card | Self::Upi)
    }

    /// What is paid of a price, in the same units: nothing of what is given away.
    pub fn charges(self, price: i64) -> i64 {
        if self == Self::Complimentary { 0 } else { price }
    }
}

/// Notes or coins of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pieces {
    /// What one is worth, minor units.
    pub face_minor: i64,
    /// How many.
    pub count: u32,
}

/// A reason without the space around it; nothing if there is none, or it is too long.
pub fn reason(text: &str) -> Option<String> {
    let text = text.trim();
    (1..=REASON_CHARS_MAX).contains(&text.chars().count()).then(|| text.to_owned())
}

/// What a count comes to, minor units; nothing if it names a kind twice, a worthless one, too many kinds, or too much.
pub fn total(pieces: &[Pieces]) -> Option<i64> {
    let mut faces: Vec<i64> = pieces.iter().map(|pieces| pieces.face_minor).collect();
    faces.sort_unstable();
    faces.dedup();
    if faces.len() != pieces.len() || pieces.len() > PIECES_MAX || faces.first().is_some_and(|face| *face <= 0) {
        return None;
    }
    let sum = pieces.iter().try_fold(0_i64, |sum, pieces| {
        pieces.face_minor.checked_mul(i64::from(pieces.count)).and_then(|worth| sum.checked_add(worth))
    });
    sum.filter(|sum| *sum <= AMOUNT_MAX)
}

/// What happened at a till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TillFact {
    /// A shift begins.
    Opened {
        /// What its drawer is counted in.
        currency: Currency,
        /// What is in the drawer. Nothing where the first sale opened the shift by itself.
        float: Vec<Pieces>,
    },
    /// A sale was paid.
    Sold {
        /// The sale.
        sale: BookingId,
        /// How.
        tender: Tender,
        /// How much, minor units.
        minor: i64,
    },
    /// A ticket's price went back, the way it came.
    Voided {
        /// The ticket.
        ticket: TicketId,
        /// How.
        tender: Tender,
        /// How much, minor units.
        minor: i64,
    },
    /// Cash was put into the drawer.
    PaidIn {
        /// How much, minor units.
        minor: i64,
        /// What for.
        reason: String,
    },
    /// Cash was taken from the drawer.
    PaidOut {
        /// How much, minor units.
        minor: i64,
        /// What for.
        reason: String,
    },
    /// The drawer was counted by somebody who had not been told what should be in it, and the shift is over.
    Closed {
        /// The number of its report. The first is 1, and none is left out.
        z: u32,
        /// What was in the drawer.
        counted: Vec<Pieces>,
    },
    /// The drawer was opened without a sale.
    DrawerOpened {
        /// What for.
        reason: String,
    },
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillEntry {
    /// When.
    pub at: Timestamp,
    /// In which shift.
    pub shift: ShiftNumber,
    /// By whom.
    pub staff: String,
    /// What happened.
    pub fact: TillFact,
}

impl TillEntry {
    /// The bytes that are kept and chained.
    ///
    /// # Errors
    /// Never for what the crate itself made.
    pub fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(self, Vec::new())
    }

    /// Reads a row's bytes, all of them.
    ///
    /// # Errors
    /// If they are no row.
    pub fn decode(bytes: &[u8]) -> Result<Self, postcard::Error> {
        match postcard::take_from_bytes(bytes)? {
            (entry, []) => Ok(entry),
            _ => Err(postcard::Error::DeserializeBadEncoding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_its_tender_and_nobody_can_ask_for_one_that_nobody_knows() {
        for tender in Tender::ALL {
            assert_eq!(Tender::parse(tender.word()), Some(tender));
            let asked = serde_json::from_value::<Tender>(tender.word().into()).ok();
            assert_eq!(asked, Tender::TAKEN.contains(&tender).then_some(tender), "{tender:?}");
        }
    }

    #[test]
    fn a_count_comes_to_what_lies_there_or_is_no_count() {
        let pieces = |kinds: &[(i64, u32)]| -> Vec<Pieces> {
            kinds.iter().map(|(face_minor, count)| Pieces { face_minor: *face_minor, count: *count }).collect()
        };
        let table = [
            (pieces(&[]), Some(0)),
            (pieces(&[(50_000, 2), (100, 7)]), Some(100_700)),
            (pieces(&[(100, 0)]), Some(0)),
            (pieces(&[(100, 1), (100, 2)]), None),
            (pieces(&[(0, 1)]), None),
            (pieces(&[(-100, 1)]), None),
            (pieces(&[(i64::MAX, 2)]), None),
        ];
        for (pieces, expected) in table {
            assert_eq!(total(&pieces), expected, "{pieces:?}");
        }
    }
}
