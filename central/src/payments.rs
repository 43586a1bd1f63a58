//! Payments: what a booking is paid with. Webhook, poll and reconciler all feed one forward-only transition.
//!
//! ```text
//! unknown ──> created ──> declined, expired ──> captured
//! ```
//! A payment is *unknown* from before the first call to the gateway until the gateway has said anything. It never moves
//! to the left. Money that arrives after a decline or an expiry still counts: gateways report late successes.

pub mod gateway;
pub mod notice;
pub mod reconciler;
pub mod request;
pub mod schedule;
pub mod settle;
pub mod simulator;
pub mod store;
pub mod webhook;

use crate::states::states;
use shared::money::Money;

states! {
    /// How far a payment has come. The order is the only direction it moves in.
    PaymentState {
        /// Asked for, and nobody knows whether the gateway has heard it.
        Unknown = "unknown",
        /// The gateway has it and waits for the customer.
        Created = "created",
        /// The customer or the bank said no.
        Declined = "declined",
        /// Ended unpaid.
        Expired = "expired",
        /// The money is here.
        Captured = "captured",
    }
}

states! {
    /// How far a refund has come. The order is the only direction it moves in.
    RefundState {
        /// Decided, and nobody knows whether the gateway has heard it.
        Due = "due",
        /// The gateway works on it.
        Pending = "pending",
        /// The money is back with the customer.
        Succeeded = "succeeded",
        /// The gateway gave up, possibly after it reported success; a person must settle it.
        Failed = "failed",
    }
}

impl PaymentState {
    /// The state after the gateway reported `reported`; nothing where that is old news.
    pub fn advance(self, reported: Self) -> Option<Self> {
        (reported > self).then_some(reported)
    }

    /// Waits for the customer or for the gateway.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Unknown | Self::Created)
    }
}

impl RefundState {
    /// The state after the gateway reported `reported`; nothing where that is old news.
    pub fn advance(self, reported: Self) -> Option<Self> {
        (reported > self).then_some(reported)
    }
}

/// What a payment was asked for: stored before the first call, compared with all that comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The booking's id as the gateway was told.
    pub reference: String,
    /// The amount.
    pub amount: Money,
}

/// In what a report differs from the quote. Such money buys no ticket; it goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// For another booking.
    #[error("the payment is for another booking")]
    Reference,
    /// Another currency.
    #[error("the payment is in another currency")]
    Currency,
    /// Another amount.
    #[error("the payment is of another amount")]
    Amount,
}

impl Quote {
    /// Compares a report with the quote.
    pub fn check(&self, reference: &str, amount: Money) -> Result<(), Mismatch> {
        if reference != self.reference {
            Err(Mismatch::Reference)
        } else if amount.currency != self.amount.currency {
            Err(Mismatch::Currency)
        } else if amount.minor != self.amount.minor {
            Err(Mismatch::Amount)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::money::Currency;

    fn check(table: &str, advance: impl Fn(&str, &str) -> Option<&'static str>) {
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [state, reported, "->", after] = words[..] else { panic!("not a row: {line}") };
            assert_eq!(advance(state, reported).unwrap_or("old"), after, "{line}");
        }
    }

    #[test]
    fn a_payment_only_moves_forward() {
        let table = "
            unknown  created  -> created
            unknown  captured -> captured
            unknown  declined -> declined
            unknown  expired  -> expired
            created  created  -> old
            created  unknown  -> old
            created  captured -> captured
            created  declined -> declined
            created  expired  -> expired
            declined created  -> old
            declined captured -> captured
            expired  declined -> old
            expired  captured -> captured
            captured declined -> old
            captured expired  -> old
            captured captured -> old
        ";
        let state = |word: &str| PaymentState::from_word(word).expect("a state");
        check(table, |from, to| state(from).advance(state(to)).map(PaymentState::word));
    }

    #[test]
    fn a_refund_only_moves_forward_and_may_fail_after_success() {
        let table = "
            due       pending   -> pending
            due       succeeded -> succeeded
            pending   pending   -> old
            pending   succeeded -> succeeded
            pending   failed    -> failed
            succeeded pending   -> old
            succeeded failed    -> failed
            failed    succeeded -> old
        ";
        let state = |word: &str| RefundState::from_word(word).expect("a state");
        check(table, |from, to| state(from).advance(state(to)).map(RefundState::word));
    }

    #[test]
    fn every_order_of_reports_ends_in_the_same_state() {
        use PaymentState::{Captured, Created, Declined, Unknown};
        for order in [[Created, Declined, Captured], [Captured, Created, Declined], [Declined, Captured, Created]] {
            let end = order.into_iter().fold(Unknown, |state, report| state.advance(report).unwrap_or(state));
            assert_eq!(end, Captured);
        }
    }

    #[test]
    fn money_that_is_not_what_was_asked_for_is_named() {
        let quote = Quote { reference: "b1".into(), amount: Money::inr(30_000) };
        assert_eq!(quote.check("b1", Money::inr(30_000)), Ok(()));
        assert_eq!(quote.check("b2", Money::inr(30_000)), Err(Mismatch::Reference));
        assert_eq!(quote.check("b1", Money::inr(29_999)), Err(Mismatch::Amount));
        assert_eq!(quote.check("b1", Money::inr(-30_000)), Err(Mismatch::Amount));
        let euro = Money { minor: 30_000, currency: Currency::parse("EUR").expect("code") };
        assert_eq!(quote.check("b1", euro), Err(Mismatch::Currency));
    }
}
