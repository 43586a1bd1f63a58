//! Payments, refunds and faults as the simulator and its readers know them.

use serde::{Deserialize, Serialize};
use shared::money::Money;
use shared::time::Timestamp;

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
    pub(super) expires: Option<Timestamp>,
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
    pub(super) asked: Timestamp,
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
