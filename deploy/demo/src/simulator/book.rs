//! The simulator's book: payments, refunds, answers to repeat, and what has to be reported. Pure: time is an argument.

use serde::{Deserialize, Serialize};
use shared::money::Money;
use shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a refund stays pending.
const REFUND_SETTLES_AFTER: Duration = Duration::from_millis(150);

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Waits for the customer.
    Created,
    /// Paid.
    Captured,
    /// The customer said no.
    Declined,
    /// Not payable any more.
    Expired,
    /// Paid and given back in full.
    Refunded,
}

/// How far a refund has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Under way.
    Pending,
    /// The customer has the money.
    Succeeded,
    /// The money stays here.
    Failed,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// `pay_…`.
    pub payment: String,
    /// The merchant's own id for it: central's booking.
    pub reference: String,
    /// What is to be paid.
    pub amount: Money,
    /// How far it has come.
    pub state: PaymentState,
    /// Given back so far, refunds that failed left out.
    pub refunded: Money,
    /// Where the customer pays.
    pub pay_url: String,
    /// Where the customer goes afterwards.
    pub return_url: String,
    /// Where changes are reported.
    pub webhook_url: String,
    /// RFC 3339: not payable afterwards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<String>,
    /// Milliseconds since 1970 at which it was paid, declined or expired.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_at_ms: Option<i64>,
    #[serde(skip)]
    expires: Option<Timestamp>,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// `re_…`.
    pub refund: String,
    /// The payment it gives back.
    pub payment: String,
    /// The payment's reference.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub state: RefundState,
    #[serde(skip)]
    asked: Timestamp,
}

/// Everything that happened to money, for checkers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// All payments, by id.
    pub payments: Vec<Payment>,
    /// All refunds, by id.
    pub refunds: Vec<Refund>,
}

/// What the simulator does wrong on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Webhooks get lost.
    pub drop_webhooks: bool,
    /// Answers and webhooks come this much later, milliseconds, at most 60,000.
    pub delay_ms: u64,
    /// Refunds asked for from now on fail.
    pub fail_refunds: bool,
}

/// A request that has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum No {
    #[error("there is no such payment")]
    UnknownPayment,
    #[error("there is no such refund")]
    UnknownRefund,
    #[error("this key was used for another request")]
    KeyReused,
    #[error("the payment is not captured")]
    NotCaptured,
    #[error("the refund is of another currency, not positive, or more than is left of the payment")]
    RefundAmount,
}

/// What somebody asks to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) reference: String,
    pub(super) amount: Money,
    pub(super) return_url: String,
    pub(super) webhook_url: String,
    #[serde(default)]
    pub(super) expires_at: Option<String>,
}

/// A webhook to send.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notice {
    pub(super) kind: &'static str,
    pub(super) url: String,
    pub(super) data: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    request: String,
    answer: serde_json::Value,
}

/// A book as it is kept in a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    ledger: Ledger,
    answers: BTreeMap<String, Remembered>,
}

#[derive(Default)]
pub(super) struct Book {
    /// Something changed since the book was last saved.
    changed: bool,
    payments: BTreeMap<String, Payment>,
    refunds: BTreeMap<String, Refund>,
    answers: BTreeMap<String, Remembered>,
    notices: VecDeque<Notice>,
    pub(super) faults: Faults,
}

impl Book {
    /// The book as it was saved. Notices not sent by then are lost, as with any gateway: who waits for one has to ask.
    pub(super) fn restore(saved: Saved) -> Self {
        let expires = |payment: &Payment| payment.expires_at.as_deref().and_then(|at| node::zone::parse_rfc3339(at).ok());
        let payment = |payment: Payment| (payment.payment.clone(), Payment { expires: expires(&payment), ..payment });
        Self {
            payments: saved.ledger.payments.into_iter().map(payment).collect(),
            refunds: saved.ledger.refunds.into_iter().map(|refund| (refund.refund.clone(), refund)).collect(),
            answers: saved.answers,
            ..Self::default()
        }
    }

    /// The book to be saved, if it changed since the last time.
    pub(super) fn take_changed(&mut self) -> Option<Saved> {
        std::mem::take(&mut self.changed).then(|| Saved { ledger: self.ledger(), answers: self.answers.clone() })
    }

    /// The answer that was given to `key`, if it was used; a key names one request for ever.
    pub(super) fn remembered(&self, key: &str, request: &str) -> Result<Option<serde_json::Value>, No> {
        match self.answers.get(key) {
            None => Ok(None),
            Some(known) if known.request == request => Ok(Some(known.answer.clone())),
            Some(_) => Err(No::KeyReused),
        }
    }

    /// Keeps the answer that `key` gets from now on.
    pub(super) fn remember(&mut self, key: String, request: String, answer: serde_json::Value) {
        self.changed = true;
        self.answers.insert(key, Remembered { request, answer });
    }

    pub(super) fn create(&mut self, id: String, order: Order, expires: Option<Timestamp>, pay_url: String) -> &Payment {
        let payment = Payment {
            payment: id.clone(),
            reference: order.reference,
            amount: order.amount,
            state: PaymentState::Created,
            refunded: Money { minor: 0, ..order.amount },
            pay_url,
            return_url: order.return_url,
            webhook_url: order.webhook_url,
            expires_at: order.expires_at,
            decided_at_ms: None,
            expires,
        };
        self.payments.entry(id).insert_entry(payment).into_mut()
    }

    pub(super) fn payment(&self, id: &str) -> Result<&Payment, No> {
        self.payments.get(id).ok_or(No::UnknownPayment)
    }

    pub(super) fn refund(&self, id: &str) -> Result<&Refund, No> {
        self.refunds.get(id).ok_or(No::UnknownRefund)
    }

    pub(super) fn payments_of(&self, reference: &str) -> Vec<&Payment> {
        self.payments.values().filter(|payment| payment.reference == reference).collect()
    }

    pub(super) fn ledger(&self) -> Ledger {
        Ledger { payments: self.payments.values().cloned().collect(), refunds: self.refunds.values().cloned().collect() }
    }

    /// Ends a payment that waits for the customer; one that waits no longer stays as it is.
    pub(super) fn settle(&mut self, id: &str, state: PaymentState, now: Timestamp) -> Result<&Payment, No> {
        let payment = self.payments.get_mut(id).ok_or(No::UnknownPayment)?;
        if payment.state == PaymentState::Created {
            let over = payment.expires.is_some_and(|expires| expires <= now);
            payment.state = if over { PaymentState::Expired } else { state };
            payment.decided_at_ms = Some(now.0);
            self.changed = true;
            let kind = match payment.state {
                PaymentState::Captured => "payment.captured",
                PaymentState::Declined => "payment.declined",
                PaymentState::Expired | PaymentState::Created | PaymentState::Refunded => "payment.expired",
            };
            self.notices.push_back(notice(kind, &payment.webhook_url, &*payment));
        }
        Ok(payment)
    }

    pub(super) fn give_back(&mut self, id: String, payment: &str, amount: Money, now: Timestamp) -> Result<&Refund, No> {
        let payment = self.payments.get_mut(payment).ok_or(No::UnknownPayment)?;
        if !matches!(payment.state, PaymentState::Captured | PaymentState::Refunded) {
            return Err(No::NotCaptured);
        }
        let refunded = payment.refunded.checked_add(amount).filter(|sum| sum.minor <= payment.amount.minor);
        let (Some(refunded), true) = (refunded, amount.minor > 0) else { return Err(No::RefundAmount) };
        payment.refunded = refunded;
        let refund = Refund {
            refund: id.clone(),
            payment: payment.payment.clone(),
            reference: payment.reference.clone(),
            amount,
            state: RefundState::Pending,
            asked: now,
        };
        Ok(self.refunds.entry(id).insert_entry(refund).into_mut())
    }

    /// What time alone changes: payments expire, refunds arrive or fail.
    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        let due: Vec<String> = self
            .payments
            .values()
            .filter(|payment| payment.state == PaymentState::Created && payment.expires.is_some_and(|at| at <= now))
            .map(|payment| payment.payment.clone())
            .collect();
        for id in due {
            // Known a moment ago, and nothing is ever removed.
            let _ = self.settle(&id, PaymentState::Expired, now);
        }
        for refund in self.refunds.values_mut() {
            if refund.state != RefundState::Pending || now.since(refund.asked) < REFUND_SETTLES_AFTER {
                continue;
            }
            let Some(payment) = self.payments.get_mut(&refund.payment) else { continue };
            self.changed = true;
            let kind = if self.faults.fail_refunds {
                refund.state = RefundState::Failed;
                payment.refunded.minor -= refund.amount.minor;
                "refund.failed"
            } else {
                refund.state = RefundState::Succeeded;
                if payment.refunded == payment.amount {
                    payment.state = PaymentState::Refunded;
                }
                "refund.succeeded"
            };
            self.notices.push_back(notice(kind, &payment.webhook_url, &*refund));
        }
    }

    /// What has to be reported, oldest first.
    pub(super) fn take_notices(&mut self) -> VecDeque<Notice> {
        std::mem::take(&mut self.notices)
    }
}

fn notice(kind: &'static str, url: &str, data: &impl Serialize) -> Notice {
    // Payments and refunds are plain data: they always serialise.
    Notice { kind, url: url.to_owned(), data: serde_json::to_value(data).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn book() -> Book {
        let mut book = Book::default();
        let order = Order {
            reference: "b1".into(),
            amount: Money::inr(30_000),
            return_url: "http://shop/".into(),
            webhook_url: "http://shop/hook".into(),
            expires_at: None,
        };
        book.create("pay_1".into(), order, Some(NOW + Duration::from_secs(60)), "http://sim/pay/pay_1".into());
        book
    }

    fn kinds(book: &mut Book) -> Vec<&'static str> {
        book.take_notices().into_iter().map(|notice| notice.kind).collect()
    }

    #[test]
    fn a_payment_is_decided_once_and_reported_once() {
        let mut book = book();
        assert_eq!(book.settle("pay_1", PaymentState::Captured, NOW).map(|payment| payment.state), Ok(PaymentState::Captured));
        assert_eq!(book.settle("pay_1", PaymentState::Declined, NOW).map(|payment| payment.state), Ok(PaymentState::Captured));
        assert_eq!(book.settle("pay_1", PaymentState::Expired, NOW).map(|payment| payment.state), Ok(PaymentState::Captured));
        assert_eq!(kinds(&mut book), ["payment.captured"]);
    }

    #[test]
    fn a_payment_cannot_be_paid_after_its_time() {
        let mut book = book();
        let late = NOW + Duration::from_secs(60);
        assert_eq!(book.settle("pay_1", PaymentState::Captured, late).map(|payment| payment.state), Ok(PaymentState::Expired));
        book.handle_timeout(late);
        assert_eq!(kinds(&mut book), ["payment.expired"]);
    }

    #[test]
    fn refunds_never_exceed_the_payment() {
        let mut book = book();
        let refused = |book: &mut Book, minor| book.give_back("re_x".into(), "pay_1", Money::inr(minor), NOW).err();
        assert_eq!(refused(&mut book, 1), Some(No::NotCaptured));
        book.settle("pay_1", PaymentState::Captured, NOW).expect("captured");
        book.give_back("re_1".into(), "pay_1", Money::inr(20_000), NOW).expect("refund");
        assert_eq!(refused(&mut book, 10_001), Some(No::RefundAmount));
        assert_eq!(refused(&mut book, 0), Some(No::RefundAmount));
        book.give_back("re_2".into(), "pay_1", Money::inr(10_000), NOW).expect("refund");
        book.handle_timeout(NOW + Duration::from_secs(1));
        assert_eq!(book.payment("pay_1").expect("payment").state, PaymentState::Refunded);
        assert_eq!(kinds(&mut book), ["payment.captured", "refund.succeeded", "refund.succeeded"]);
    }

    #[test]
    fn a_refund_that_fails_can_be_asked_for_again() {
        let mut book = book();
        book.settle("pay_1", PaymentState::Captured, NOW).expect("captured");
        book.faults.fail_refunds = true;
        book.give_back("re_1".into(), "pay_1", Money::inr(30_000), NOW).expect("refund");
        book.handle_timeout(NOW + Duration::from_secs(1));
        assert_eq!(book.refund("re_1").expect("refund").state, RefundState::Failed);
        assert_eq!(kinds(&mut book), ["payment.captured", "refund.failed"]);
        book.faults.fail_refunds = false;
        book.give_back("re_2".into(), "pay_1", Money::inr(30_000), NOW).expect("refund");
    }
}
