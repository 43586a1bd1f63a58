//! The simulator's book: payments, refunds, answers to repeat, and what has to be reported. Pure: time is an argument.

use super::payment::{Faults, Ledger, Order, Payment, PaymentState, Refund, RefundState};
use serde::{Deserialize, Serialize};
use shared::money::Money;
use shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a refund stays pending.
const REFUND_SETTLES_AFTER: Duration = Duration::from_millis(150);

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
        let expires =
            |payment: &Payment| payment.expires_at.as_deref().and_then(|at| node::zone::parse_rfc3339(at).ok());
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
        Ledger {
            payments: self.payments.values().cloned().collect(),
            refunds: self.refunds.values().cloned().collect(),
        }
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

    pub(super) fn give_back(
        &mut self,
        id: String,
        payment: &str,
        amount: Money,
        now: Timestamp,
    ) -> Result<&Refund, No> {
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
mod tests;
