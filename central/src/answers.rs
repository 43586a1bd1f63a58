//! Answers that are remembered: the same request under the same key is done once and answered alike for the life of the show.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::idempotency::{self, BodyHash, Outcome};
use node::problem::Problem;
use node::store::{Sql, StoreError};
use serde::Serialize;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Marks that are kept before those whose time is over are looked for.
const MARKS_MAX: usize = 100_000;

/// By then the store has forgotten an answer whose time is over, and its key is free.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(3600);

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

    fn answered(&self, tx: &dyn Sql) -> Result<Option<Answer>, StoreError> {
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

    fn mark(&self) -> u64 {
        mark(&(&self.scope, &self.key))
    }
}

/// The answers that are remembered. Which keys have one is known without asking the store: nearly every request is a new one.
#[derive(Debug, Default)]
pub struct Answers {
    /// Marks of scopes and keys, each until when. One that has gone, or is somebody else's too, costs a look.
    marks: HashMap<u64, Timestamp>,
    forget_above: usize,
}

impl Answers {
    /// Those that the store has.
    ///
    /// # Errors
    /// If the store fails.
    pub fn load(conn: &dyn Sql) -> Result<Self, StoreError> {
        let mut marks = HashMap::new();
        conn.query("SELECT scope, key, until_ms FROM remembered_answer", &[], &mut |row| {
            marks.insert(mark(&(row.get::<String>(0)?, row.get::<String>(1)?)), Timestamp(row.get(2)?));
            Ok(true)
        })?;
        Ok(Self { forget_above: marks.len().saturating_mul(2), marks })
    }

    /// The answer that a request had before, if it was asked before.
    ///
    /// # Errors
    /// If the store fails.
    pub fn before(&self, tx: &dyn Sql, asked: &Asked) -> Result<Option<Answer>, StoreError> {
        if self.marks.contains_key(&asked.mark()) { asked.answered(tx) } else { Ok(None) }
    }

    /// Remembers a success until a moment; problems may be asked again.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remember(
        &mut self,
        tx: &dyn Sql,
        asked: &Asked,
        answer: &Answer,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Answer::Done { status, body } = answer else { return Ok(()) };
        idempotency::remember(tx, &asked.scope, &asked.key, &asked.hash, *status, body, until)?;
        self.marks.insert(asked.mark(), until);
        if self.marks.len() > self.forget_above.max(MARKS_MAX) {
            self.marks.retain(|_, until| *until + FORGOTTEN_WITHIN > now);
            self.forget_above = self.marks.len().saturating_mul(2);
        }
        Ok(())
    }
}

/// Few enough bytes to be kept of everything in a large table; now and then two have the same.
pub(crate) fn mark(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn reused() -> Problem {
    let detail = "This Idempotency-Key was used for another request; take a new one.";
    Problem::unprocessable("idempotency_key_reused", detail)
}
