//! Webhooks: signed by Standard Webhooks 1.0, sent until somebody answers 2xx.

use super::Desk;
use super::book::Notice;
use crate::clock::now;
use anyhow::Context;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often time is looked at.
const TICK: Duration = Duration::from_millis(50);
/// A receiver has this long to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The wait before the second try; each further one waits twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// No wait is longer.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// After so many tries the receiver is given up, as gateways do: it has to fetch what it missed.
const TRIES_MAX: u32 = 60;

/// The secret of a webhook, decoded.
#[derive(Clone)]
pub(super) struct Secret(Vec<u8>);

impl Secret {
    pub(super) fn parse(text: &str) -> Self {
        let decoded = text.strip_prefix("whsec_").and_then(|base64| BASE64.decode(base64.as_bytes()).ok());
        Self(decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
    }

    /// The header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &str) -> anyhow::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).context("use the webhook secret")?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Ok(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
    }
}

/// Carries notices to their receivers.
pub(super) struct Courier {
    client: reqwest::Client,
    secret: Secret,
}

impl Courier {
    pub(super) fn new(secret: &str) -> anyhow::Result<Self> {
        let client =
            reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().build().context("build the HTTP client")?;
        Ok(Self { client, secret: Secret::parse(secret) })
    }

    /// Lets time pass in the book and sends what it has to report, for ever.
    pub(super) async fn work(self, desk: Arc<Desk>) {
        let courier = Arc::new(self);
        let mut deliveries = JoinSet::new();
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = desk.moved.notified() => {}
                Some(_) = deliveries.join_next() => continue,
            }
            let notices = {
                let mut book = desk.book();
                book.handle_timeout(now());
                book.take_notices()
            };
            for notice in notices {
                deliveries.spawn(Arc::clone(&courier).deliver(Arc::clone(&desk), notice));
            }
        }
    }

    async fn deliver(self: Arc<Self>, desk: Arc<Desk>, notice: Notice) {
        let id = format!("msg_{}", node::random::hex::<12>());
        let happened_at = node::zone::Zone::utc().rfc3339(now());
        let body = json!({ "type": notice.kind, "timestamp": happened_at, "data": notice.data }).to_string();
        let mut wait = RETRY_FIRST;
        for _ in 0..TRIES_MAX {
            let faults = desk.book().faults;
            if faults.drop_webhooks {
                tracing::info!(kind = notice.kind, "webhook dropped on purpose");
                return;
            }
            tokio::time::sleep(Duration::from_millis(faults.delay_ms)).await;
            match self.send(&id, &notice.url, &body).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(kind = notice.kind, error = format!("{error:#}"), "webhook not taken"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        tracing::warn!(kind = notice.kind, url = notice.url, "webhook given up");
    }

    async fn send(&self, id: &str, url: &str, body: &str) -> anyhow::Result<()> {
        let timestamp = (now().0 / 1000).to_string();
        let signature = self.secret.sign(id, &timestamp, body)?;
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", signature)
            .body(body.to_owned());
        request.send().await.context("send the webhook")?.error_for_status().context("have the webhook taken")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#).expect("signs");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
