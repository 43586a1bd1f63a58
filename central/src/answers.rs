//! Answers that are remembered: the same request under the same key is done once and answered alike for the life of the show.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::idempotency::{self, BodyHash, Outcome};
use node::problem::Problem;
use node::store::{Sql, StoreError};
use serde::Serialize;
use shared::refusal::Refusal;
use shared::time::Timestamp;

/// What a request is answered.
#[derive(Debug)]
pub enum Answer {
    /// It was done.
    Done {
        /// The status.
        status: u16,
        /// JSON.
        body: Vec<u8>,
    },
    /// It was not.
    No(Problem),
}

impl Answer {
    /// A success with a JSON body.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn done(status: StatusCode, value: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self::Done { status: status.as_u16(), body: serde_json::to_vec(value)? })
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::No(problem)
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::No(refusal.into())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::No(problem) => problem.into_response(),
            Self::Done { status, body } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
                (status, headers, body).into_response()
            }
        }
    }
}

/// A request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    scope: String,
    key: String,
    hash: BodyHash,
}

impl Asked {
    /// The request of a route within a scope; `body` is what was understood of the body.
    ///
    /// # Errors
    /// If the body has no JSON form.
    pub fn new(route: &str, scope: String, key: String, body: &impl Serialize) -> anyhow::Result<Self> {
        let hash = idempotency::body_hash(route, &serde_json::to_vec(body)?);
        Ok(Self { scope: format!("{route} {scope}"), key, hash })
    }

    /// The client's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The answer it had before, if it was asked before.
    ///
    /// # Errors
    /// If the store fails.
    pub fn answered(&self, tx: &dyn Sql) -> Result<Option<Answer>, StoreError> {
        Ok(match idempotency::find(tx, &self.scope, &self.key, &self.hash)? {
            Outcome::New => None,
            Outcome::Replay { status, body } => Some(Answer::Done { status, body }),
            Outcome::Mismatch => Some(Answer::No(reused())),
        })
    }

    /// The problem with asking this while `waiting` is not answered yet; none where the two have different keys.
    pub fn in_the_way_of(&self, waiting: &Self) -> Option<Problem> {
        if (&self.scope, &self.key) != (&waiting.scope, &waiting.key) {
            return None;
        }
        let under_way = || Problem::conflict("request_under_way", "The same request is being worked on; ask again.");
        Some(if self.hash == waiting.hash { under_way().with_retry_after(1) } else { reused() })
    }

    /// Remembers a success until a moment; problems may be asked again.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remember(&self, tx: &dyn Sql, answer: &Answer, until: Timestamp) -> Result<(), StoreError> {
        match answer {
            Answer::No(_) => Ok(()),
            Answer::Done { status, body } => {
                idempotency::remember(tx, &self.scope, &self.key, &self.hash, *status, body, until)
            }
        }
    }
}

fn reused() -> Problem {
    let detail = "This Idempotency-Key was used for another request; take a new one.";
    Problem::unprocessable("idempotency_key_reused", detail)
}
