//! The payment simulator as a gateway: HTTP and JSON, with the failures of a real one.

use super::gateway::{GatewayError, PaymentOrder, PaymentReport, RefundReport};
use super::webhook::{self, BadWebhook, Notice, SignedNotice, WebhookSecret};
use super::{PaymentState, RefundState};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use shared::money::Money;
use shared::time::Timestamp;
use std::time::Duration;

/// A call without an answer by then is *unknown*; the reconciler asks again.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a refusal's text is kept.
const REFUSAL_CHARS_MAX: usize = 200;

/// The simulator at one address.
#[derive(Debug, Clone)]
pub struct Simulator {
    url: String,
    secrets: Vec<WebhookSecret>,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct PaymentBody {
    payment: String,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    amount: Option<Money>,
    state: String,
    #[serde(default)]
    pay_url: Option<String>,
}

#[derive(Deserialize)]
struct PaymentList {
    payments: Vec<PaymentBody>,
}

#[derive(Deserialize)]
struct RefundBody {
    refund: String,
    state: String,
}

#[derive(Deserialize)]
struct NoticeBody {
    #[serde(rename = "type")]
    kind: String,
    data: serde_json::Value,
}

impl Simulator {
    /// The simulator at `url`, with the secrets its webhooks may be signed with.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn new(url: &str, secrets: Vec<WebhookSecret>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(CALL_TIMEOUT).no_proxy().build()?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), secrets, client })
    }

    pub(super) async fn create_payment(&self, order: &PaymentOrder) -> Result<PaymentReport, GatewayError> {
        let body = json!({
            "reference": order.reference, "amount": order.amount, "return_url": order.return_url,
            "webhook_url": order.webhook_url, "expires_at": order.expires_at,
        });
        let request = self.client.post(format!("{}/v1/payments", self.url)).header("Idempotency-Key", &order.key);
        let answer: PaymentBody = call("create payment", request.json(&body)).await?;
        // The answer to a creation need not repeat what was asked for.
        let asked = PaymentBody {
            reference: answer.reference.or_else(|| Some(order.reference.clone())),
            amount: answer.amount.or(Some(order.amount)),
            ..answer
        };
        report("create payment", asked)
    }

    pub(super) async fn fetch(&self, id: &str) -> Result<PaymentReport, GatewayError> {
        let request = self.client.get(format!("{}/v1/payments/{id}", self.url));
        report("fetch payment", call("fetch payment", request).await?)
    }

    pub(super) async fn find(&self, reference: &str) -> Result<Vec<PaymentReport>, GatewayError> {
        let request = self.client.get(format!("{}/v1/payments", self.url)).query(&[("reference", reference)]);
        let list: PaymentList = call("find payment", request).await?;
        list.payments.into_iter().map(|body| report("find payment", body)).collect()
    }

    pub(super) async fn expire(&self, id: &str) -> Result<PaymentReport, GatewayError> {
        let request = self.client.post(format!("{}/v1/payments/{id}/expire", self.url));
        match call::<serde_json::Value>("expire payment", request).await {
            // Whatever became of it, the payment itself says so.
            Ok(_) | Err(GatewayError::Refused { .. }) => self.fetch(id).await,
            Err(unknown) => Err(unknown),
        }
    }

    pub(super) async fn refund(&self, payment: &str, key: &str, amount: Money) -> Result<RefundReport, GatewayError> {
        let request = self.client.post(format!("{}/v1/payments/{payment}/refunds", self.url));
        let request = request.header("Idempotency-Key", key).json(&json!({ "amount": amount }));
        refund_report("refund", call("refund", request).await?)
    }

    pub(super) async fn fetch_refund(&self, id: &str) -> Result<RefundReport, GatewayError> {
        let request = self.client.get(format!("{}/v1/refunds/{id}", self.url));
        refund_report("fetch refund", call("fetch refund", request).await?)
    }

    pub(super) fn verify_webhook(&self, signed: &SignedNotice<'_>, now: Timestamp) -> Result<Notice, BadWebhook> {
        webhook::verify(signed, &self.secrets, now)?;
        let bad = |_| BadWebhook::Body;
        let notice: NoticeBody = serde_json::from_slice(signed.body).map_err(bad)?;
        match notice.kind.split_once('.') {
            Some(("payment", _)) => {
                let body = serde_json::from_value(notice.data).map_err(bad)?;
                report("webhook", body).map(Notice::Payment).map_err(|_| BadWebhook::Body)
            }
            Some(("refund", _)) => {
                let body = serde_json::from_value(notice.data).map_err(bad)?;
                refund_report("webhook", body).map(Notice::Refund).map_err(|_| BadWebhook::Body)
            }
            _ => Ok(Notice::Other(notice.kind)),
        }
    }
}

async fn call<T: DeserializeOwned>(call: &'static str, request: RequestBuilder) -> Result<T, GatewayError> {
    let unknown = |source: reqwest::Error| GatewayError::Unknown { call, source: Box::new(source) };
    let response = request.send().await.map_err(unknown)?;
    let status = response.status();
    // 408, 409 and 429 say "not now"; 5xx says nothing about the effect.
    let definite = status.is_client_error() && !matches!(status.as_u16(), 408 | 409 | 429);
    if definite {
        let text: String = response.text().await.unwrap_or_default().chars().take(REFUSAL_CHARS_MAX).collect();
        return Err(GatewayError::Refused { call, status: status.as_u16(), text });
    }
    response.error_for_status().map_err(unknown)?.json().await.map_err(unknown)
}

fn report(call: &'static str, body: PaymentBody) -> Result<PaymentReport, GatewayError> {
    let state = match body.state.as_str() {
        // A refunded payment was captured; its refund has a state of its own.
        "refunded" => Some(PaymentState::Captured),
        "unknown" => None,
        word => PaymentState::from_word(word),
    };
    match (state, body.reference, body.amount) {
        (Some(state), Some(reference), Some(amount)) => {
            Ok(PaymentReport { id: body.payment, reference, amount, state, pay_url: body.pay_url })
        }
        _ => Err(senseless(call, &format!("payment {} in state {}", body.payment, body.state))),
    }
}

fn refund_report(call: &'static str, body: RefundBody) -> Result<RefundReport, GatewayError> {
    match RefundState::from_word(&body.state) {
        Some(state) => Ok(RefundReport { id: body.refund, state }),
        None => Err(senseless(call, &format!("refund {} in state {}", body.refund, body.state))),
    }
}

fn senseless(call: &'static str, what: &str) -> GatewayError {
    GatewayError::Unknown { call, source: format!("an answer without sense: {what}").into() }
}
