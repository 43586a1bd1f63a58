//! Answers of the counter's writes: given once, remembered for their idempotency key, and sometimes later than the job that asked.

use anyhow::Context;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::http::RequestTrace;
use node::idempotency::{self, BodyHash, Outcome};
use node::problem::Problem;
use node::store::{Sql, StoreError};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::ClaimId;
use shared::time::Timestamp;
use tokio::sync::oneshot;

/// A JSON answer as it goes out and is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// 201 with a body.
    ///
    /// # Errors
    /// If the body does not serialise.
    pub fn created(body: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { status: StatusCode::CREATED.as_u16(), body: serde_json::to_vec(body)? })
    }

    /// 200 with a body.
    ///
    /// # Errors
    /// If the body does not serialise.
    pub fn done(body: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { status: StatusCode::OK.as_u16(), body: serde_json::to_vec(body)? })
    }

    /// What was answered, read again.
    ///
    /// # Errors
    /// If the body is not what is asked for.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body).context("read a remembered answer")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

/// What a request comes to.
pub type Outcomes = Result<Answer, Problem>;

/// An answer that is there, or one that waits for the other side.
pub enum Reply {
    /// It is there.
    Now(Outcomes),
    /// It comes when the claim is answered, at the latest when the claim's time is over.
    Later(oneshot::Receiver<Outcomes>),
}

impl Reply {
    /// Waits for the answer where it is not there yet.
    ///
    /// # Errors
    /// The problem that the request came to.
    pub async fn outcome(self) -> Outcomes {
        match self {
            Self::Now(outcome) => outcome,
            Self::Later(answer) => answer.await.unwrap_or_else(|_| {
                Err(Problem::unavailable(
                    "store_stopped",
                    "The store has stopped; ask again with the same key after a restart.",
                ))
            }),
        }
    }
}

/// A client's request, so that the same one is answered alike and done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Whose key it is.
    pub scope: String,
    /// The idempotency key.
    pub key: String,
    /// The route and what was understood of the body.
    pub hash: BodyHash,
    /// The request's id in the log, here and at the other side.
    pub trace: Option<ClaimId>,
}

impl RequestKey {
    /// The key of a staff member's request.
    ///
    /// # Errors
    /// If the body does not serialise.
    pub fn new(staff: &str, key: String, route: &str, body: &impl Serialize) -> anyhow::Result<Self> {
        let hash = idempotency::body_hash(route, &serde_json::to_vec(body)?);
        let trace = RequestTrace::current().map(ClaimId::from);
        Ok(Self { scope: format!("staff {staff}"), key, hash, trace })
    }

    /// The answer this request got before, if any; 422 `idempotency_key_reused` where the key was another request's.
    ///
    /// # Errors
    /// If the database fails.
    pub fn answered(&self, tx: &dyn Sql) -> Result<Option<Outcomes>, StoreError> {
        Ok(match idempotency::find(tx, &self.scope, &self.key, &self.hash)? {
            Outcome::New => None,
            Outcome::Replay { status, body } => Some(Ok(Answer { status, body })),
            Outcome::Mismatch => {
                let detail = "This Idempotency-Key was used for another request.";
                Some(Err(Problem::unprocessable("idempotency_key_reused", detail)))
            }
        })
    }

    /// Does what is asked unless it was done before under this key, and remembers the answer until `until`.
    ///
    /// # Errors
    /// If the database fails, or the request does.
    pub fn once(
        &self,
        tx: &dyn Sql,
        until: Timestamp,
        request: impl FnOnce() -> anyhow::Result<Outcomes>,
    ) -> anyhow::Result<Outcomes> {
        if let Some(before) = self.answered(tx)? {
            return Ok(before);
        }
        let outcome = request()?;
        if let Ok(answer) = &outcome {
            self.remember(tx, answer, until)?;
        }
        Ok(outcome)
    }

    /// What was done is told otherwise from now on.
    ///
    /// # Errors
    /// If the database fails.
    pub fn tell_otherwise(&self, tx: &Transaction<'_>, answer: &Answer) -> rusqlite::Result<()> {
        let update = "UPDATE remembered_answer SET body = ?3 WHERE scope = ?1 AND key = ?2";
        tx.prepare_cached(update)?.execute(params![self.scope, self.key, answer.body]).map(|_one| ())
    }

    /// Remembers an answer in the transaction of what it tells.
    ///
    /// # Errors
    /// If the database fails.
    pub fn remember(&self, tx: &dyn Sql, answer: &Answer, until: Timestamp) -> Result<(), StoreError> {
        idempotency::remember(tx, &self.scope, &self.key, &self.hash, answer.status, &answer.body, until)
    }
}
