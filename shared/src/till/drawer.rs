//! What a shift comes to: the fold of its rows, and what may be done with it.

use super::{AMOUNT_MAX, Pieces, ShiftNumber, Tender, TillEntry, TillFact, total};
use crate::money::{Currency, Money};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Takings {
    /// How many.
    pub count: u32,
    /// How much, minor units.
    pub minor: i64,
}

impl Takings {
    fn add(&mut self, minor: i64) {
        self.count = self.count.saturating_add(1);
        self.minor = self.minor.saturating_add(minor);
    }
}

/// Which way cash goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the drawer.
    In,
    /// Out of it.
    Out,
}

/// A shift as its rows tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawer {
    /// Its number.
    pub shift: ShiftNumber,
    /// Whose.
    pub staff: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// What the drawer is counted in.
    pub currency: Currency,
    /// What it began with, minor units.
    pub float_minor: i64,
    /// Sales.
    pub sold: BTreeMap<Tender, Takings>,
    /// Tickets taken back.
    pub voided: BTreeMap<Tender, Takings>,
    /// Put into the drawer.
    pub paid_in: Takings,
    /// Taken from it.
    pub paid_out: Takings,
    /// How often it was opened without a sale.
    pub opened: u32,
    /// How it ended.
    pub closed: Option<Close>,
}

/// The end of a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The report's number.
    pub z: u32,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What was counted, minor units.
    pub counted_minor: i64,
    /// By kind.
    pub counted: Vec<Pieces>,
}

/// Why a shift does not take this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TillRefusal {
    /// `no_shift`: there is no such shift, or it is somebody else's.
    NoShift,
    /// `shift_closed`.
    ShiftClosed,
    /// `shift_open`: the cashier has one already.
    ShiftOpen,
    /// `bad_count`: a kind twice, a worthless kind, or more than fits into a drawer.
    BadCount,
    /// `bad_amount`: nothing, less than nothing, or too much.
    BadAmount,
    /// `wrong_currency`: the drawer is counted in another one.
    WrongCurrency,
    /// `bad_reason`: none, or a long one.
    BadReason,
}

impl TillRefusal {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoShift => "no_shift",
            Self::ShiftClosed => "shift_closed",
            Self::ShiftOpen => "shift_open",
            Self::BadCount => "bad_count",
            Self::BadAmount => "bad_amount",
            Self::WrongCurrency => "wrong_currency",
            Self::BadReason => "bad_reason",
        }
    }
}

impl Drawer {
    /// The shift that a row opens; nothing for any other row, or where what it says was in the drawer is no count.
    pub fn open(entry: &TillEntry) -> Option<Self> {
        let TillFact::Opened { currency, float } = &entry.fact else { return None };
        Some(Self {
            shift: entry.shift,
            staff: entry.staff.clone(),
            opened_at: entry.at,
            currency: *currency,
            float_minor: total(float)?,
            sold: BTreeMap::new(),
            voided: BTreeMap::new(),
            paid_in: Takings::default(),
            paid_out: Takings::default(),
            opened: 0,
            closed: None,
        })
    }

    /// Takes a later row of the same shift in. False if it does not belong there.
    pub fn apply(&mut self, entry: &TillEntry) -> bool {
        if entry.shift != self.shift || self.closed.is_some() {
            return false;
        }
        match &entry.fact {
            TillFact::Opened { .. } => return false,
            TillFact::Sold { tender, minor, .. } => self.sold.entry(*tender).or_default().add(*minor),
            TillFact::Voided { tender, minor, .. } => self.voided.entry(*tender).or_default().add(*minor),
            TillFact::PaidIn { minor, .. } => self.paid_in.add(*minor),
            TillFact::PaidOut { minor, .. } => self.paid_out.add(*minor),
            TillFact::DrawerOpened { .. } => self.opened += 1,
            TillFact::Closed { z, counted } => {
                let Some(counted_minor) = total(counted) else { return false };
                let (at, by) = (entry.at, entry.staff.clone());
                self.closed = Some(Close { z: *z, at, by, counted_minor, counted: counted.clone() });
            }
        }
        true
    }

    /// What was taken by a tender and not given back, minor units.
    pub fn net(&self, tender: Tender) -> i64 {
        let of = |takings: &BTreeMap<Tender, Takings>| takings.get(&tender).map_or(0, |takings| takings.minor);
        of(&self.sold) - of(&self.voided)
    }

    /// What should be in the drawer, minor units. Negative where more went back than ever came in.
    pub fn expected_cash(&self) -> i64 {
        self.float_minor + self.net(Tender::Cash) + self.paid_in.minor - self.paid_out.minor
    }

    /// What was counted beyond what should be there, minor units; negative if something is missing.
    pub fn difference(&self) -> Option<i64> {
        self.closed.as_ref().map(|close| close.counted_minor - self.expected_cash())
    }

    /// Cash goes into the drawer or out of it, for a reason. More may go out than should be there: a refusal would tell whoever must
    /// count without knowing how much that is, and the report shows it.
    ///
    /// # Errors
    /// `shift_closed`, `wrong_currency`, `bad_amount`, `bad_reason`.
    pub fn move_cash(&self, direction: Direction, amount: Money, reason: &str) -> Result<TillFact, TillRefusal> {
        self.must_be_open()?;
        if amount.currency != self.currency {
            return Err(TillRefusal::WrongCurrency);
        }
        let minor = amount.minor;
        if !(1..=AMOUNT_MAX).contains(&minor) {
            return Err(TillRefusal::BadAmount);
        }
        let reason = super::reason(reason).ok_or(TillRefusal::BadReason)?;
        Ok(match direction {
            Direction::In => TillFact::PaidIn { minor, reason },
            Direction::Out => TillFact::PaidOut { minor, reason },
        })
    }

    /// The drawer is opened without a sale, for a reason.
    ///
    /// # Errors
    /// `shift_closed`, `bad_reason`.
    pub fn open_drawer(&self, reason: &str) -> Result<TillFact, TillRefusal> {
        self.must_be_open()?;
        let reason = super::reason(reason).ok_or(TillRefusal::BadReason)?;
        Ok(TillFact::DrawerOpened { reason })
    }

    /// The drawer was counted; the shift ends with report `z`.
    ///
    /// # Errors
    /// `shift_closed`, `bad_count`.
    pub fn close(&self, z: u32, counted: Vec<Pieces>) -> Result<TillFact, TillRefusal> {
        self.must_be_open()?;
        total(&counted).ok_or(TillRefusal::BadCount)?;
        Ok(TillFact::Closed { z, counted })
    }

    fn must_be_open(&self) -> Result<(), TillRefusal> {
        if self.closed.is_some() { Err(TillRefusal::ShiftClosed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BookingId, TicketId};
    use crate::till::REASON_CHARS_MAX;

    fn entry(fact: TillFact) -> TillEntry {
        TillEntry { at: Timestamp(5), shift: ShiftNumber(1), staff: "asha".into(), fact }
    }

    fn open() -> Drawer {
        let float = vec![Pieces { face_minor: 10_000, count: 5 }];
        Drawer::open(&entry(TillFact::Opened { currency: Currency::INR, float })).expect("opens")
    }

    fn sold(tender: Tender, minor: i64) -> TillFact {
        TillFact::Sold { sale: BookingId([1; 16]), tender, minor }
    }

    #[test]
    fn the_drawer_holds_the_float_the_cash_and_what_was_paid_in_and_nothing_of_cards() {
        let mut drawer = open();
        let voided = TillFact::Voided { ticket: TicketId([1; 8]), tender: Tender::Cash, minor: 15_000 };
        let facts = [sold(Tender::Cash, 45_000), sold(Tender::Card, 30_000), sold(Tender::Upi, 15_000), voided];
        assert!(facts.into_iter().all(|fact| drawer.apply(&entry(fact))));
        for (direction, minor, reason) in
            [(Direction::In, 20_000, "change from the bank"), (Direction::Out, 5_000, "milk")]
        {
            let fact = drawer.move_cash(direction, Money::inr(minor), reason).expect("moves");
            assert!(drawer.apply(&entry(fact)));
        }
        assert_eq!(drawer.expected_cash(), 50_000 + 45_000 - 15_000 + 20_000 - 5_000);
        assert_eq!((drawer.net(Tender::Card), drawer.difference()), (30_000, None));
        let opened = drawer.open_drawer(" change ").expect("opens");
        assert_eq!(opened, TillFact::DrawerOpened { reason: "change".into() });
        assert!(drawer.apply(&entry(opened)));
        assert_eq!((drawer.opened, drawer.open_drawer(" ")), (1, Err(TillRefusal::BadReason)));
        let counted = vec![Pieces { face_minor: 100, count: 949 }];
        let fact = drawer.close(1, counted).expect("closes");
        assert!(drawer.apply(&entry(fact)));
        assert_eq!(drawer.difference(), Some(-100));
        assert!(!drawer.apply(&entry(sold(Tender::Cash, 1))), "nothing comes after the end");
        assert_eq!(drawer.close(2, Vec::new()), Err(TillRefusal::ShiftClosed));
        assert_eq!(drawer.move_cash(Direction::In, Money::inr(1), "late"), Err(TillRefusal::ShiftClosed));
    }

    #[test]
    fn every_bad_move_is_refused_with_its_code() {
        let mut drawer = open();
        let long = "x".repeat(REASON_CHARS_MAX + 1);
        let euro = Money { minor: 1, currency: Currency::parse("EUR").expect("code") };
        let table = [
            (euro, "milk", "wrong_currency"),
            (Money::inr(0), "milk", "bad_amount"),
            (Money::inr(-1), "milk", "bad_amount"),
            (Money::inr(AMOUNT_MAX + 1), "milk", "bad_amount"),
            (Money::inr(i64::MIN), "milk", "bad_amount"),
            (Money::inr(1), "  ", "bad_reason"),
            (Money::inr(1), long.as_str(), "bad_reason"),
        ];
        for (amount, reason, code) in table {
            let moved = drawer.move_cash(Direction::Out, amount, reason);
            assert_eq!(moved.map_err(TillRefusal::code), Err(code), "{amount}");
        }
        // A refusal would tell how much should be there.
        let more = drawer.move_cash(Direction::Out, Money::inr(50_001), "milk").expect("moves");
        assert!(drawer.apply(&entry(more)));
        assert_eq!(drawer.expected_cash(), -1);
        let twice = vec![Pieces { face_minor: 100, count: 1 }; 2];
        assert_eq!(drawer.close(1, twice), Err(TillRefusal::BadCount));
    }

    #[test]
    fn a_row_of_another_shift_or_a_second_opening_does_not_belong() {
        let mut drawer = open();
        let other = TillEntry { shift: ShiftNumber(2), ..entry(sold(Tender::Cash, 1)) };
        let again = entry(TillFact::Opened { currency: Currency::INR, float: Vec::new() });
        assert!(!drawer.apply(&other) && !drawer.apply(&again));
    }
}
