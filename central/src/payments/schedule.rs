//! When to ask the gateway again: often while somebody waits, then ever more rarely. Webhooks may all be lost.

use super::store::{Payment, Refund};
use super::{PaymentState, RefundState};
use shared::time::Timestamp;
use std::time::Duration;

/// How long seats wait for a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayingTimes {
    /// From asking for a payment to its end.
    pub payable: Duration,
    /// From there until the seats go without the gateway's word.
    pub grace: Duration,
}

impl PayingTimes {
    /// A payment that could be paid for less than this is not begun.
    pub fn payable_least(self) -> Duration {
        self.payable / 40
    }
}

impl Default for PayingTimes {
    fn default() -> Self {
        Self { payable: Duration::from_secs(15 * 60), grace: Duration::from_secs(2 * 60) }
    }
}

/// A gateway may report a success this long after a decline or an expiry.
const LATE_MONEY: Duration = Duration::from_secs(3 * 24 * 3600);
/// The longest pause while late money is still possible.
const LATE_PAUSE_MAX: Duration = Duration::from_secs(6 * 3600);
/// The longest pause between tries to send money back.
const REFUND_PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// A captured payment whose theatre is closed for sale is looked at again after this.
const CLOSED_PAUSE: Duration = Duration::from_secs(5);

/// When to look at a payment again; `poll` is the pause while the customer is paying.
pub fn payment_look(payment: &Payment, settled: bool, poll: Duration, now: Timestamp) -> Option<Timestamp> {
    let age = now.since(payment.created_at);
    match payment.state {
        PaymentState::Unknown => Some(now + doubled(poll / 4, payment.attempts, poll * 4)),
        PaymentState::Created if age < Duration::from_secs(60) => {
            Some((now + poll).min(payment.expires_at.max(now + poll / 4)))
        }
        PaymentState::Created => Some((now + poll * 3).min(payment.expires_at.max(now + poll))),
        PaymentState::Declined | PaymentState::Expired if age > LATE_MONEY => None,
        PaymentState::Declined | PaymentState::Expired => {
            Some(now + doubled(poll * 10, payment.attempts, LATE_PAUSE_MAX))
        }
        PaymentState::Captured if settled => None,
        PaymentState::Captured => Some(now + CLOSED_PAUSE),
    }
}

/// When to look at a refund again.
pub fn refund_look(refund: &Refund, poll: Duration, now: Timestamp) -> Option<Timestamp> {
    match refund.state {
        RefundState::Due => Some(now + doubled(poll / 4, refund.attempts, REFUND_PAUSE_MAX)),
        RefundState::Pending => Some(now + doubled(poll, refund.attempts, REFUND_PAUSE_MAX)),
        RefundState::Succeeded | RefundState::Failed => None,
    }
}

fn doubled(first: Duration, attempts: u32, max: Duration) -> Duration {
    first.saturating_mul(1u32.checked_shl(attempts.min(20)).unwrap_or(u32::MAX)).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::BookingId;
    use shared::money::Money;

    const POLL: Duration = Duration::from_secs(3);
    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn payment(state: PaymentState, age_s: u64, attempts: u32) -> Payment {
        let created_at = NOW - Duration::from_secs(age_s);
        Payment {
            id: "p1".into(),
            booking: BookingId([0; 16]),
            request_key: "k".into(),
            gateway: "simulator".into(),
            gateway_payment: None,
            state,
            amount: Money::inr(1),
            pay_url: None,
            created_at,
            expires_at: created_at + PayingTimes::default().payable,
            given_up: false,
            bought: false,
            attempts,
            next_look_at: None,
        }
    }

    fn pause_s(payment: &Payment, booked: bool) -> Option<f64> {
        payment_look(payment, booked, POLL, NOW).map(|at| at.since(NOW).as_secs_f64())
    }

    #[test]
    fn an_open_payment_is_asked_for_every_few_seconds() {
        assert_eq!(pause_s(&payment(PaymentState::Unknown, 0, 0), false), Some(0.75));
        assert_eq!(pause_s(&payment(PaymentState::Unknown, 9, 9), false), Some(12.0));
        assert_eq!(pause_s(&payment(PaymentState::Created, 10, 3), false), Some(3.0));
        assert_eq!(pause_s(&payment(PaymentState::Created, 300, 90), false), Some(9.0));
        assert_eq!(
            pause_s(&payment(PaymentState::Created, 15 * 60 - 5, 90), false),
            Some(5.0),
            "exactly at its deadline"
        );
    }

    #[test]
    fn late_money_is_looked_for_three_days_and_a_settled_payment_never() {
        assert_eq!(pause_s(&payment(PaymentState::Expired, 900, 0), false), Some(30.0));
        assert_eq!(pause_s(&payment(PaymentState::Declined, 90_000, 19), false), Some(21_600.0));
        assert_eq!(pause_s(&payment(PaymentState::Declined, 4 * 86_400, 30), false), None);
        assert_eq!(pause_s(&payment(PaymentState::Captured, 5, 0), true), None);
        assert_eq!(pause_s(&payment(PaymentState::Captured, 5, 0), false), Some(5.0));
    }
}
