//! Payments, refunds and seen webhooks in the store.

use super::{PaymentState, Quote, RefundState};
use crate::bookings::store::currency;
use node::store::{Row, Sql, StoreError};
use node::values;
use shared::ids::BookingId;
use shared::money::Money;
use shared::time::Timestamp;
use std::time::Duration;

/// A payment. Its id is the idempotency key at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Our id.
    pub id: String,
    /// What it pays.
    pub booking: BookingId,
    /// The client's key that asked for it.
    pub request_key: String,
    /// The gateway's name.
    pub gateway: String,
    /// The gateway's id, once known.
    pub gateway_payment: Option<String>,
    /// How far it has come.
    pub state: PaymentState,
    /// The amount.
    pub amount: Money,
    /// Where the customer pays, once known.
    pub pay_url: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Not payable afterwards.
    pub expires_at: Timestamp,
    /// The seats were released without the gateway's word.
    pub given_up: bool,
    /// It has bought its booking's tickets.
    pub bought: bool,
    /// Calls since the state last changed.
    pub attempts: u32,
    /// When to ask the gateway again.
    pub next_look_at: Option<Timestamp>,
}

/// A refund. Its id is the idempotency key at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Our id.
    pub id: String,
    /// The payment it takes from.
    pub payment: String,
    /// The booking it is for.
    pub booking: BookingId,
    /// Why: `cancelled`, `late`, `mismatch` or `paid_twice`.
    pub reason: String,
    /// The gateway's id, once known.
    pub gateway_refund: Option<String>,
    /// How far it has come.
    pub state: RefundState,
    /// The amount.
    pub amount: Money,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Calls since the state last changed.
    pub attempts: u32,
    /// When to ask the gateway again.
    pub next_look_at: Option<Timestamp>,
}

impl Payment {
    /// What the gateway's reports are compared with.
    pub fn quote(&self) -> Quote {
        Quote { reference: self.booking.to_string(), amount: self.amount }
    }
}

fn money(row: &dyn Row) -> Result<Money, StoreError> {
    Ok(Money { minor: row.get("amount_minor")?, currency: currency(row)? })
}

fn payment_from(row: &dyn Row) -> Result<Payment, StoreError> {
    Ok(Payment {
        id: row.get("id")?,
        booking: BookingId(row.get("booking")?),
        request_key: row.get("request_key")?,
        gateway: row.get("gateway")?,
        gateway_payment: row.get("gateway_payment")?,
        state: row.get("state")?,
        amount: money(row)?,
        pay_url: row.get("pay_url")?,
        created_at: Timestamp(row.get("created_at")?),
        expires_at: Timestamp(row.get("expires_at")?),
        given_up: row.get("given_up")?,
        bought: row.get("bought")?,
        attempts: row.get("attempts")?,
        next_look_at: row.get::<Option<i64>>("next_look_at")?.map(Timestamp),
    })
}

fn refund_from(row: &dyn Row) -> Result<Refund, StoreError> {
    Ok(Refund {
        id: row.get("id")?,
        payment: row.get("payment")?,
        booking: BookingId(row.get("booking")?),
        reason: row.get("reason")?,
        gateway_refund: row.get("gateway_refund")?,
        state: row.get("state")?,
        amount: money(row)?,
        decided_at: Timestamp(row.get("decided_at")?),
        attempts: row.get("attempts")?,
        next_look_at: row.get::<Option<i64>>("next_look_at")?.map(Timestamp),
    })
}

/// Inserts or replaces a payment.
pub fn put_payment(conn: &dyn Sql, payment: &Payment) -> Result<(), StoreError> {
    conn.send(
        "INSERT INTO payment (id, booking, request_key, gateway, gateway_payment, state, amount_minor, currency,
             pay_url, created_at, expires_at, given_up, bought, attempts, next_look_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (id) DO UPDATE SET
             (gateway_payment, state, pay_url, expires_at, given_up, bought, attempts, next_look_at)
             = (excluded.gateway_payment, excluded.state, excluded.pay_url, excluded.expires_at, excluded.given_up,
                excluded.bought, excluded.attempts, excluded.next_look_at)",
        values![
            payment.id,
            payment.booking.0,
            payment.request_key,
            payment.gateway,
            payment.gateway_payment,
            payment.state,
            payment.amount.minor,
            payment.amount.currency.code(),
            payment.pay_url,
            payment.created_at.0,
            payment.expires_at.0,
            payment.given_up,
            payment.bought,
            payment.attempts,
            payment.next_look_at.map(|at| at.0),
        ],
    )
}

/// Inserts or replaces a refund.
pub fn put_refund(conn: &dyn Sql, refund: &Refund) -> Result<(), StoreError> {
    conn.send(
        "INSERT INTO refund (id, payment, booking, reason, gateway_refund, state, amount_minor, currency, decided_at,
             attempts, next_look_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET
             (gateway_refund, state, attempts, next_look_at)
             = (excluded.gateway_refund, excluded.state, excluded.attempts, excluded.next_look_at)",
        values![
            refund.id,
            refund.payment,
            refund.booking.0,
            refund.reason,
            refund.gateway_refund,
            refund.state,
            refund.amount.minor,
            refund.amount.currency.code(),
            refund.decided_at.0,
            refund.attempts,
            refund.next_look_at.map(|at| at.0),
        ],
    )
}

/// The payment with our id.
pub fn payment(conn: &dyn Sql, id: &str) -> Result<Option<Payment>, StoreError> {
    conn.first("SELECT * FROM payment WHERE id = ?1", values![id], payment_from)
}

/// The payment with the gateway's id.
pub fn payment_at_gateway(conn: &dyn Sql, id: &str) -> Result<Option<Payment>, StoreError> {
    conn.first("SELECT * FROM payment WHERE gateway_payment = ?1", values![id], payment_from)
}

/// A booking's payments, oldest first.
pub fn payments_of(conn: &dyn Sql, booking: BookingId) -> Result<Vec<Payment>, StoreError> {
    conn.all("SELECT * FROM payment WHERE booking = ?1 ORDER BY created_at, id", values![booking.0], payment_from)
}

/// The refund with the gateway's id.
pub fn refund_at_gateway(conn: &dyn Sql, id: &str) -> Result<Option<Refund>, StoreError> {
    conn.first("SELECT * FROM refund WHERE gateway_refund = ?1", values![id], refund_from)
}

/// The refund with our id.
pub fn refund(conn: &dyn Sql, id: &str) -> Result<Option<Refund>, StoreError> {
    conn.first("SELECT * FROM refund WHERE id = ?1", values![id], refund_from)
}

/// A booking's refunds, oldest first.
pub fn refunds_of(conn: &dyn Sql, booking: BookingId) -> Result<Vec<Refund>, StoreError> {
    conn.all("SELECT * FROM refund WHERE booking = ?1 ORDER BY decided_at, id", values![booking.0], refund_from)
}

/// The clock has jumped forward: open payments are waited for as long as they were.
pub fn follow_jump(tx: &dyn Sql, by: Duration) -> Result<(), StoreError> {
    tx.send(
        "UPDATE payment SET expires_at = expires_at + ?1 WHERE state IN ('unknown', 'created')",
        values![i64::try_from(by.as_millis()).unwrap_or(i64::MAX)],
    )
}

/// Payments to ask the gateway about, longest due first.
pub fn payments_due(conn: &dyn Sql, now: Timestamp, limit: u32) -> Result<Vec<Payment>, StoreError> {
    conn.all(
        "SELECT * FROM payment WHERE next_look_at <= ?1 ORDER BY next_look_at LIMIT ?2",
        values![now.0, limit],
        payment_from,
    )
}

/// Refunds to ask the gateway about, longest due first.
pub fn refunds_due(conn: &dyn Sql, now: Timestamp, limit: u32) -> Result<Vec<Refund>, StoreError> {
    conn.all(
        "SELECT * FROM refund WHERE next_look_at <= ?1 ORDER BY next_look_at LIMIT ?2",
        values![now.0, limit],
        refund_from,
    )
}

/// Remembers a webhook's event id; false where it was seen before.
pub fn see_webhook(conn: &dyn Sql, gateway: &str, event: &str, now: Timestamp) -> Result<bool, StoreError> {
    let inserted = conn.execute(
        "INSERT INTO webhook_seen (gateway, event, seen_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        values![gateway, event, now.0],
    )?;
    Ok(inserted == 1)
}

/// Forgets event ids that were seen before a moment.
pub fn forget_webhooks(conn: &dyn Sql, before: Timestamp) -> Result<usize, StoreError> {
    conn.execute("DELETE FROM webhook_seen WHERE seen_at < ?1", values![before.0])
}
