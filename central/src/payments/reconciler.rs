//! The reconciler: asks the gateway about everything that is not settled, whether or not a webhook came.

use super::gateway::GatewayError;
use super::store::{self, Payment, Refund};
use super::{PaymentState, RefundState, settle};
use crate::office::App;
use node::shutdown::Shutdown;
use std::time::Duration;
use tokio::task::JoinSet;

/// Payments, and refunds, that one round looks at.
const ROUND_MAX: u32 = 64;
/// Calls to the gateway at one time.
const CALLS_MAX: usize = 16;
/// The longest pause between two rounds.
const PAUSE_MAX: Duration = Duration::from_secs(1);

enum Due {
    Payment(Payment),
    Refund(Refund),
}

/// Works until the shutdown.
pub async fn run(app: App, shutdown: Shutdown) {
    let pause = (app.poll / 4).min(PAUSE_MAX);
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            () = app.payments.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
        tokio::select! {
            // A call that is cut off here is repeated after the next start: its outcome is unknown, its key the same.
            () = shutdown.wait() => return,
            worked = round(&app) => if let Err(error) = worked {
                tracing::error!(error = format!("{error:#}"), "reconcile with the gateway");
            },
        }
    }
}

async fn round(app: &App) -> anyhow::Result<()> {
    let now = app.clock.now();
    let due = app.readers.read(move |conn| {
        let payments = store::payments_due(conn, now, ROUND_MAX)?.into_iter().map(Due::Payment);
        let refunds = store::refunds_due(conn, now, ROUND_MAX)?.into_iter().map(Due::Refund);
        Ok(payments.chain(refunds).collect::<Vec<_>>())
    });
    let mut calls = JoinSet::new();
    for due in due.await? {
        if calls.len() >= CALLS_MAX {
            calls.join_next().await;
        }
        let app = app.clone();
        calls.spawn(async move {
            let looked = match due {
                Due::Payment(payment) => look_at_payment(&app, payment).await,
                Due::Refund(refund) => look_at_refund(&app, refund).await,
            };
            if let Err(error) = looked {
                tracing::error!(error = format!("{error:#}"), "store what the gateway said");
            }
        });
    }
    while calls.join_next().await.is_some() {}
    Ok(())
}

async fn look_at_payment(app: &App, payment: Payment) -> anyhow::Result<()> {
    let over = payment.expires_at <= app.clock.now();
    let reported = match &payment.gateway_payment {
        None => ask_again(app, &payment).await,
        Some(id) if over && payment.state == PaymentState::Created => app.gateway.expire(id).await.map(Some),
        Some(id) => app.gateway.fetch(id).await.map(Some),
    };
    let (id, poll) = (payment.id, app.poll);
    match reported {
        Ok(Some(report)) => {
            app.writer.run(move |desk, tx, now| settle::payment_reported(desk, tx, &id, &report, poll, now)).await?;
        }
        Ok(None) => {
            app.writer.run(move |desk, tx, _| settle::payment_refused(desk, tx, &id)).await?;
        }
        Err(error) => {
            tracing::warn!(payment = id, error = format!("{:#}", anyhow::Error::new(error)), "no word of a payment");
            app.writer.run(move |_, tx, now| settle::payment_unheard(tx, &id, poll, now)).await?;
        }
    }
    Ok(())
}

/// Makes the payment again under its key. Where the gateway refuses, an earlier call may have made it all the same.
async fn ask_again(app: &App, payment: &Payment) -> Result<Option<super::gateway::PaymentReport>, GatewayError> {
    match app.gateway.create_payment(&app.payment_order(payment)).await {
        Ok(report) => Ok(Some(report)),
        Err(unknown @ GatewayError::Unknown { .. }) => Err(unknown),
        Err(GatewayError::Refused { .. }) => {
            let reports = app.gateway.find(&payment.booking.to_string()).await?;
            let known = app.readers.read({
                let booking = payment.booking;
                move |conn| Ok(store::payments_of(conn, booking)?)
            });
            let unknown = |source: anyhow::Error| GatewayError::Unknown { call: "find payment", source: source.into() };
            let known = known.await.map_err(unknown)?;
            let is_known = |id: &str| known.iter().any(|payment| payment.gateway_payment.as_deref() == Some(id));
            Ok(reports.into_iter().find(|report| !is_known(&report.id)))
        }
    }
}

async fn look_at_refund(app: &App, refund: Refund) -> anyhow::Result<()> {
    let (id, poll) = (refund.id.clone(), app.poll);
    let (reported, is_sent) = match (&refund.gateway_refund, refund.state) {
        (Some(at_gateway), RefundState::Pending) => (app.gateway.fetch_refund(at_gateway).await, true),
        _ => (send_refund(app, &refund).await, false),
    };
    match reported {
        Ok(report) => {
            app.writer.run(move |_, tx, now| settle::refund_reported(tx, &id, &report, poll, now)).await?;
        }
        // Whoever may not ask now, or asks too early, is told nothing of the money.
        Err(GatewayError::Refused { status, text, .. }) if !is_sent => {
            tracing::error!(refund = id, status, text, "the gateway refuses a refund");
            app.writer.run(move |_, tx, now| settle::refund_refused(tx, &id, now)).await?;
        }
        Err(error) => {
            tracing::warn!(refund = id, error = format!("{:#}", anyhow::Error::new(error)), "no word of a refund");
            app.writer.run(move |_, tx, now| settle::refund_unheard(tx, &id, poll, now)).await?;
        }
    }
    Ok(())
}

async fn send_refund(app: &App, refund: &Refund) -> Result<super::gateway::RefundReport, GatewayError> {
    let payment = refund.payment.clone();
    let unknown = |source: anyhow::Error| GatewayError::Unknown { call: "refund", source: source.into() };
    let payment = app.readers.read(move |conn| Ok(store::payment(conn, &payment)?)).await.map_err(unknown)?;
    match payment.and_then(|payment| payment.gateway_payment) {
        Some(at_gateway) => app.gateway.refund(&at_gateway, &refund.id, refund.amount).await,
        None => Err(unknown(anyhow::anyhow!("the payment has no id at the gateway"))),
    }
}
