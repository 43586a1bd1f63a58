//! Outside clients of a house: they know addresses and the HTTP contract, and nothing of what is behind.

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

mod cashier;
mod customer;
mod door;

pub use cashier::{Cashier, Sale, SoldTicket};
pub use customer::{Booking, BookingTicket, Customer, Hold, PrintedTicket};
pub use door::{Door, DoorStatus};

/// No request of a client takes longer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// A request that may be repeated is repeated so often before it counts as unanswered.
const TRIES_MAX: u32 = 8;
/// The wait between two tries.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, null where it is no JSON.
    pub body: Value,
    asked: String,
}

impl Answer {
    /// The code of a problem answer, empty for a success.
    pub fn code(&self) -> &str {
        if self.status < 400 { "" } else { self.body["code"].as_str().unwrap_or_default() }
    }

    /// The body of a success.
    ///
    /// # Errors
    /// If it is no success or has another shape; the error names the request, the status and the problem's code.
    pub fn read<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        self.expect_success()?;
        serde_json::from_value(self.body).with_context(|| format!("read the answer to {}", self.asked))
    }

    /// Nothing for a success.
    ///
    /// # Errors
    /// If it is no success.
    pub fn expect_success(&self) -> anyhow::Result<()> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let sentence = self.body["detail"].as_str().or(self.body["title"].as_str()).unwrap_or_default();
        bail!("{} was answered {} {} {sentence}", self.asked, self.status, self.code())
    }

    /// The code of the refusal, which must be one of `codes`.
    ///
    /// # Errors
    /// If it is a success or another refusal.
    pub fn expect_refusal(&self, codes: &[&str]) -> anyhow::Result<String> {
        let sentence = self.body["detail"].as_str().or(self.body["title"].as_str()).unwrap_or_default();
        let Some(code) = codes.iter().find(|code| **code == self.code()) else {
            bail!(
                "{} was answered {} {:?}, not refused as {}",
                self.asked,
                self.status,
                self.code(),
                codes.join(" or ")
            );
        };
        if sentence.is_empty() {
            bail!("{} was refused as {code} without a word", self.asked);
        }
        Ok((*code).to_owned())
    }
}

/// One server as a client sees it.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Api {
    /// The server at `url`.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().timeout(ANSWER_MAX).redirect(redirects).no_proxy().build();
        Ok(Self { http: http.context("build an HTTP client")?, url: url.trim_end_matches('/').to_owned(), token: None })
    }

    /// The same server, asked under a token.
    pub fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(&Method::GET, path, |request| request).await
    }

    /// Asks for something until there is an answer; for servers that may be starting.
    ///
    /// # Errors
    /// If there is none in the end.
    pub async fn get_patiently(&self, path: &str) -> anyhow::Result<Answer> {
        self.patiently(&Method::GET, path, |request| request).await
    }

    /// Posts once.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Answer> {
        self.send(&Method::POST, path, |request| request.json(body)).await
    }

    /// Posts under a new idempotency key, again and again under the same key until there is an answer.
    ///
    /// # Errors
    /// If there is none in the end.
    pub async fn post_safely(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Answer> {
        let key = node::random::hex::<12>();
        self.patiently(&Method::POST, path, |request| request.header("Idempotency-Key", &key).json(body)).await
    }

    /// Deletes once.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(&Method::DELETE, path, |request| request).await
    }

    async fn patiently(
        &self,
        method: &Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let mut tries = 1;
        loop {
            match self.send(method, path, &fill).await {
                // 502 to 504 say nothing about the effect, like no answer at all; `closed` and the like are answers.
                Ok(answer) if !matches!(answer.status, 502..=504) || !answer.code().is_empty() => return Ok(answer),
                answer if tries == TRIES_MAX => return answer,
                _ => tries += 1,
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let asked = format!("{method} {path}");
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = fill(request).send().await.with_context(|| format!("ask {} for {asked}", self.url))?;
        let status = response.status().as_u16();
        let text = response.text().await.with_context(|| format!("read the answer to {asked}"))?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or_default(), asked })
    }
}

/// Looks every 50 ms until `look` finds something.
///
/// # Errors
/// If it finds nothing within `at_most`; the error says what was waited for.
pub async fn wait_for<T, Look>(what: &str, at_most: Duration, mut look: impl FnMut() -> Look) -> anyhow::Result<T>
where
    Look: Future<Output = anyhow::Result<Option<T>>>,
{
    let began = std::time::Instant::now();
    let mut last = String::new();
    loop {
        match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => last.clear(),
            Err(error) => last = format!(": {error:#}"),
        }
        if began.elapsed() >= at_most {
            bail!("waited {} s for {what} in vain{last}", at_most.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
