//! What central asks of a payment gateway, and what a gateway reports. Each gateway is a variant with its own file.

use super::simulator::Simulator;
use super::webhook::{BadWebhook, Notice, SignedNotice, WebhookSecret};
use super::{PaymentState, RefundState};
use anyhow::{Context, bail};
use shared::money::Money;
use shared::time::Timestamp;

/// A payment to be made, asked for under one idempotency key until the gateway has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentOrder {
    /// The idempotency key, persisted before the first call.
    pub key: String,
    /// The booking's id.
    pub reference: String,
    /// The amount.
    pub amount: Money,
    /// Where the customer goes afterwards.
    pub return_url: String,
    /// Where the gateway reports to.
    pub webhook_url: String,
    /// RFC 3339: not payable afterwards.
    pub expires_at: String,
}

/// A payment as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReport {
    /// The gateway's id.
    pub id: String,
    /// The reference it was made with.
    pub reference: String,
    /// The amount.
    pub amount: Money,
    /// How far it has come.
    pub state: PaymentState,
    /// Where the customer pays.
    pub pay_url: Option<String>,
}

/// A refund as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReport {
    /// The gateway's id.
    pub id: String,
    /// How far it has come.
    pub state: RefundState,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No answer, or one that says nothing: the call may have had its effect. Ask again under the same key.
    #[error("the gateway's answer to {call} is unknown")]
    Unknown {
        /// What was asked.
        call: &'static str,
        /// Why there is no answer.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A definite no: the call had no effect.
    #[error("the gateway refused {call} with status {status}: {text}")]
    Refused {
        /// What was asked.
        call: &'static str,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        text: String,
    },
}

/// The gateway that takes the money.
#[derive(Debug, Clone)]
pub enum Gateway {
    /// The payment simulator, a program of its own spoken to over HTTP.
    Simulator(Simulator),
}

impl Gateway {
    /// The gateway of `simulator:URL`, with the secrets its webhooks may be signed with.
    ///
    /// # Errors
    /// If it is of another kind, or its HTTP client cannot be built.
    pub fn parse(text: &str, secrets: &[String]) -> anyhow::Result<Self> {
        let secrets = secrets.iter().map(|secret| WebhookSecret::parse(secret)).collect();
        match text.split_once(':') {
            Some(("simulator", url)) if url.starts_with("http") => {
                Ok(Self::Simulator(Simulator::new(url, secrets).context("build the gateway's HTTP client")?))
            }
            _ => bail!("the gateway {text:?} is not simulator:URL"),
        }
    }

    /// The name in routes and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulator(_) => "simulator",
        }
    }

    /// Makes a payment; the same order again gives the same payment.
    pub async fn create_payment(&self, order: &PaymentOrder) -> Result<PaymentReport, GatewayError> {
        match self {
            Self::Simulator(simulator) => simulator.create_payment(order).await,
        }
    }

    /// Fetches a payment by the gateway's id.
    pub async fn fetch(&self, id: &str) -> Result<PaymentReport, GatewayError> {
        match self {
            Self::Simulator(simulator) => simulator.fetch(id).await,
        }
    }

    /// Finds all payments made for a reference.
    pub async fn find(&self, reference: &str) -> Result<Vec<PaymentReport>, GatewayError> {
        match self {
            Self::Simulator(simulator) => simulator.find(reference).await,
        }
    }

    /// Ends a payment that nobody has paid; tells what it is now.
    pub async fn expire(&self, id: &str) -> Result<PaymentReport, GatewayError> {
        match self {
            Self::Simulator(simulator) => simulator.expire(id).await,
        }
    }

    /// Sends money back; the same key again gives the same refund.
    pub async fn refund(&self, payment: &str, key: &str, amount: Money) -> Result<RefundReport, GatewayError> {
        match self {
            Self::Simulator(simulator) => simulator.refund(payment, key, amount).await,
        }
    }

    /// Fetches a refund by the gateway's id.
    pub async fn fetch_refund(&self, id: &str) -> Result<RefundReport, GatewayError> {
        match self {
            Self::Simulator(simulator) => simulator.fetch_refund(id).await,
        }
    }

    /// Checks a webhook's signature and age over its raw body and reads it.
    pub fn verify_webhook(&self, signed: &SignedNotice<'_>, now: Timestamp) -> Result<Notice, BadWebhook> {
        match self {
            Self::Simulator(simulator) => simulator.verify_webhook(signed, now),
        }
    }
}
