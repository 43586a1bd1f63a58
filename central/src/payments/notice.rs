//! `POST /v1/webhooks/{gateway}`: what a gateway tells by itself, believed only when signed, young and new.

use super::gateway::PaymentReport;
use super::settle;
use super::store::{self, Payment};
use super::webhook::{BadWebhook, Notice, SEEN_KEPT, SignedNotice};
use crate::desk::Desk;
use crate::office::App;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use node::problem::Problem;
use node::store::{Sql, StoreError};
use shared::ids::BookingId;
use shared::time::Timestamp;
use std::time::Duration;

/// Takes a webhook. The same one again, or one about nothing known here, is answered alike: it need not be sent again.
pub async fn receive(
    State(app): State<App>,
    Path(gateway): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    if gateway != app.gateway.name() {
        return Err(Problem::not_found("unknown_gateway", format!("{gateway} does not report here")));
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = SignedNotice {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: &body,
    };
    let notice = app.gateway.verify_webhook(&signed, app.clock.now()).map_err(|bad| {
        tracing::warn!(%bad, "a webhook is not believed");
        match bad {
            BadWebhook::Signature | BadWebhook::Timestamp => Problem::unauthorized("bad_webhook", bad.to_string()),
            BadWebhook::Body => Problem::bad_request("malformed_body", bad.to_string()),
        }
    })?;
    let (event, poll) = (signed.id.to_owned(), app.poll);
    app.writer.run(move |desk, tx, now| take(desk, tx, &gateway, &event, &notice, poll, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn take(
    desk: &mut Desk,
    tx: &dyn Sql,
    gateway: &str,
    event: &str,
    notice: &Notice,
    poll: Duration,
    now: Timestamp,
) -> anyhow::Result<()> {
    if !store::see_webhook(tx, gateway, event, now)? {
        return Ok(());
    }
    store::forget_webhooks(tx, now - SEEN_KEPT)?;
    match notice {
        Notice::Payment(report) => match meant(tx, report)? {
            Some(payment) => settle::payment_reported(desk, tx, &payment.id, report, poll, now),
            None => {
                tracing::warn!(payment = report.id, "a webhook about a payment that was not asked for here");
                Ok(())
            }
        },
        Notice::Refund(report) => match store::refund_at_gateway(tx, &report.id)? {
            Some(refund) => settle::refund_reported(tx, &refund.id, report, poll, now),
            // The answer that names the refund is still on its way; the reconciler asks again.
            None => Ok(()),
        },
        Notice::Other(kind) => {
            tracing::debug!(kind, "a webhook of a kind not acted on");
            Ok(())
        }
    }
}

/// The payment a report is about. A webhook may overtake the answer that names the gateway's id: then it is the one of
/// its booking whose answer is missing.
fn meant(tx: &dyn Sql, report: &PaymentReport) -> Result<Option<Payment>, StoreError> {
    if let Some(payment) = store::payment_at_gateway(tx, &report.id)? {
        return Ok(Some(payment));
    }
    let Ok(booking) = report.reference.parse::<BookingId>() else { return Ok(None) };
    let mut unnamed = store::payments_of(tx, booking)?.into_iter().filter(|payment| payment.gateway_payment.is_none());
    Ok(unnamed.next_back())
}
