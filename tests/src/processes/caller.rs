//! Somebody who asks over HTTP under one key until there is an answer, whatever happens to the server meanwhile.

use anyhow::{Context, bail};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One try.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// All of them: no fault lasts as long.
const ANSWERED_WITHIN: Duration = Duration::from_secs(120);
const RETRY_AFTER: Duration = Duration::from_millis(60);

/// A server as a customer or a cashier sees it.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    repeats: Arc<AtomicU64>,
}

/// An answer that counts: done, or a refusal.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The code of a refusal.
    pub(super) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Caller {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().build().context("build an HTTP client")?;
        Ok(Self { http, url: url.to_owned(), token: None, repeats: Arc::default() })
    }

    pub(super) fn set_token(&mut self, token: String) {
        self.token = Some(token);
    }

    /// Requests that this caller and its clones asked again.
    pub(super) fn repeats(&self) -> u64 {
        self.repeats.load(Ordering::Relaxed)
    }

    /// Reads something; nothing where there is no good answer just now.
    pub(super) async fn look(&self, path: &str) -> Option<Value> {
        let mut request = self.http.get(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.ok().filter(|answer| answer.status().is_success())?;
        answer.json().await.ok()
    }

    /// Posts under `key` again and again: no answer and a 5xx say nothing about what was done.
    ///
    /// # Errors
    /// If there is no answer that counts in the end.
    pub(super) async fn post(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Reply> {
        let began = Instant::now();
        loop {
            let last = match self.post_once(path, key, body).await {
                Ok(reply) if reply.status < 500 => return Ok(reply),
                Ok(reply) => format!("{} {}", reply.status, reply.code()),
                Err(error) => format!("{error:#}"),
            };
            if began.elapsed() > ANSWERED_WITHIN {
                bail!("POST {path} was not answered within {} s; last {last}", ANSWERED_WITHIN.as_secs());
            }
            self.repeats.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// Posts under `key` one time.
    ///
    /// # Errors
    /// If there is no answer.
    pub(super) async fn post_once(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Reply> {
        let mut request = self.http.post(format!("{}{path}", self.url)).header("Idempotency-Key", key).json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }
}
