//! The gateway's interface for programs, under `/v1/`.

use super::Desk;
use super::book::{Book, No};
use super::payment::{Faults, Order, PaymentState};
use crate::clock::now;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use node::problem::{IdempotencyKey, JsonBody, Params, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::money::Money;
use shared::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// No fault delays an answer for longer, milliseconds.
const DELAY_MS_MAX: u64 = 60_000;
/// The longest reference, bytes.
const REFERENCE_MAX: usize = 128;

type Answer = Result<Response, Problem>;

pub(super) fn router(desk: Arc<Desk>) -> Router {
    let slowed = Router::new()
        .route("/v1/payments", post(create).get(list))
        .route("/v1/payments/{id}", get(payment))
        .route("/v1/payments/{id}/expire", post(expire))
        .route("/v1/payments/{id}/refunds", post(refund))
        .route("/v1/refunds/{id}", get(fetch_refund))
        .layer(from_fn_with_state(Arc::clone(&desk), delay));
    let checkers = Router::new().route("/v1/ledger", get(ledger)).route("/v1/faults", post(set_faults).get(faults));
    slowed.merge(checkers).with_state(desk)
}

/// The effect is there already when the answer is late: that is what makes a time-out an unknown outcome.
async fn delay(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let delay_ms = desk.book().faults.delay_ms;
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    response
}

async fn create(State(desk): State<Arc<Desk>>, key: IdempotencyKey, JsonBody(order): JsonBody<Order>) -> Answer {
    let expires = check(&order)?;
    let id = format!("pay_{}", node::random::hex::<10>());
    let pay_url = format!("{}/pay/{id}", desk.public_url);
    let request = order.clone();
    once(&desk, "POST /v1/payments", &key, &request, |book| Ok(json!(book.create(id, order, expires, pay_url))))
}

fn check(order: &Order) -> Result<Option<Timestamp>, Problem> {
    let bad = |what: &str| Problem::unprocessable("unprocessable_body", what);
    if order.amount.minor <= 0 {
        return Err(bad("amount must be more than nothing"));
    }
    if order.reference.is_empty() || order.reference.len() > REFERENCE_MAX {
        return Err(bad("reference must have 1 to 128 bytes"));
    }
    for (name, url) in [("return_url", &order.return_url), ("webhook_url", &order.webhook_url)] {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(bad(&format!("{name} must be an http or https address")));
        }
    }
    let expires = order.expires_at.as_deref().map(node::zone::parse_rfc3339).transpose();
    expires.map_err(|error| bad(&format!("expires_at: {error}")))
}

/// Does a request once per key and answers it 201 each time with the same body.
fn once<Request: Serialize>(
    desk: &Desk,
    route: &str,
    key: &IdempotencyKey,
    request: &Request,
    act: impl FnOnce(&mut Book) -> Result<Value, No>,
) -> Answer {
    let (key, request) = (format!("{route} {}", key.0), json!(request).to_string());
    let mut book = desk.book();
    if let Some(answer) = book.remembered(&key, &request)? {
        return Ok((StatusCode::CREATED, Json(answer)).into_response());
    }
    let answer = act(&mut book)?;
    book.remember(key, request, answer.clone());
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    reference: String,
}

async fn list(State(desk): State<Arc<Desk>>, Params(query): Params<ListQuery>) -> Json<Value> {
    let book = desk.book();
    Json(json!({ "payments": book.payments_of(&query.reference) }))
}

async fn payment(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!(desk.book().payment(&id)?)))
}

/// Answers 200 whatever the payment is by now: its state tells whether the money came first.
async fn expire(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let expired = Json(json!(desk.book().settle(&id, PaymentState::Expired, now())?));
    desk.moved.notify_one();
    Ok(expired)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    amount: Money,
}

async fn refund(
    State(desk): State<Arc<Desk>>,
    Path(payment): Path<String>,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<RefundBody>,
) -> Answer {
    let (id, route) = (format!("re_{}", node::random::hex::<10>()), format!("POST /v1/payments/{payment}/refunds"));
    once(&desk, &route, &key, &body, |book| Ok(json!(book.give_back(id, &payment, body.amount, now())?)))
}

async fn fetch_refund(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!(desk.book().refund(&id)?)))
}

async fn ledger(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(json!(desk.book().ledger()))
}

async fn faults(State(desk): State<Arc<Desk>>) -> Json<Faults> {
    Json(desk.book().faults)
}

async fn set_faults(
    State(desk): State<Arc<Desk>>,
    JsonBody(faults): JsonBody<Faults>,
) -> Result<Json<Faults>, Problem> {
    if faults.delay_ms > DELAY_MS_MAX {
        return Err(Problem::unprocessable("unprocessable_body", format!("delay_ms is at most {DELAY_MS_MAX}")));
    }
    desk.book().faults = faults;
    Ok(Json(faults))
}

impl From<No> for Problem {
    fn from(no: No) -> Self {
        match no {
            No::UnknownPayment => Self::not_found("unknown_payment", no.to_string()),
            No::UnknownRefund => Self::not_found("unknown_refund", no.to_string()),
            No::KeyReused => Self::unprocessable("idempotency_key_reused", no.to_string()),
            No::NotCaptured => Self::unprocessable("payment_not_captured", no.to_string()),
            No::RefundAmount => Self::unprocessable("bad_refund_amount", no.to_string()),
        }
    }
}
