//! Remembered answers: the same request under the same key gets the same answer, without being done twice.

use crate::sqlite::Migration;
use crate::store::{Sql, StoreError};
use crate::values;
use shared::time::Timestamp;

/// The table of remembered answers; part of every database that `sqlite::open` makes.
pub(crate) const TABLE: &str = "
    CREATE TABLE remembered_answer (
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        body_hash BLOB NOT NULL,
        status INTEGER NOT NULL,
        body BLOB NOT NULL,
        until_ms INTEGER NOT NULL,
        PRIMARY KEY (scope, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX remembered_answer_until ON remembered_answer (until_ms);";

/// A client's key is random: kept by key each answer wrote a page of its own. Kept in their order only the small index does.
pub const ANSWERS_IN_ORDER: Migration = Migration {
    name: "answers in order",
    sql: "
    CREATE TABLE remembered_answer_in_order (
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        body_hash BLOB NOT NULL,
        status INTEGER NOT NULL,
        body BLOB NOT NULL,
        until_ms INTEGER NOT NULL
    ) STRICT;
    INSERT INTO remembered_answer_in_order (scope, key, body_hash, status, body, until_ms)
        SELECT scope, key, body_hash, status, body, until_ms FROM remembered_answer;
    DROP TABLE remembered_answer;
    ALTER TABLE remembered_answer_in_order RENAME TO remembered_answer;
    CREATE UNIQUE INDEX remembered_answer_of_key ON remembered_answer (scope, key);
    CREATE INDEX remembered_answer_until ON remembered_answer (until_ms);",
};

/// The BLAKE3 hash of a request's route and body.
pub type BodyHash = [u8; 32];

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: do it.
    New,
    /// It was done: answer this.
    Replay {
        /// The status that was answered.
        status: u16,
        /// The body that was answered.
        body: Vec<u8>,
    },
    /// It was used for another request: answer 422 `idempotency_key_reused`.
    Mismatch,
}

/// Hashes a route (method and path) and the canonical bytes of the body: what was understood, serialised again.
pub fn body_hash(route: &str, canonical_body: &[u8]) -> BodyHash {
    let mut hasher = blake3::Hasher::new();
    // The length keeps a route that runs on from being the same as a body that starts earlier.
    hasher.update(&u64::try_from(route.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(route.as_bytes()).update(canonical_body);
    *hasher.finalize().as_bytes()
}

/// Looks a key up within its scope (whose key it is: a show, a hold, a staff member).
///
/// # Errors
/// If the database fails.
pub fn find(tx: &dyn Sql, scope: &str, key: &str, body_hash: &BodyHash) -> Result<Outcome, StoreError> {
    let select = "SELECT body_hash, status, body FROM remembered_answer WHERE scope = ?1 AND key = ?2";
    let found = tx.first(select, values![scope, key], |row| Ok((row.get::<Vec<u8>>(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(match found {
        None => Outcome::New,
        Some((hash, status, body)) if hash == body_hash => Outcome::Replay { status, body },
        Some(_) => Outcome::Mismatch,
    })
}

/// Remembers a success until a moment. Refusals are not remembered: they may be asked again.
///
/// # Errors
/// If the key is known already, or the database fails.
pub fn remember(
    tx: &dyn Sql,
    scope: &str,
    key: &str,
    body_hash: &BodyHash,
    status: u16,
    body: &[u8],
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO remembered_answer (scope, key, body_hash, status, body, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![scope, key, body_hash, status, body, until.0],
    )
}

/// Forgets at most `at_most` answers whose time is over and returns how many there were.
///
/// # Errors
/// If the database fails.
pub fn forget_expired(tx: &dyn Sql, now: Timestamp, at_most: u32) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM remembered_answer WHERE (scope, key) IN
           (SELECT scope, key FROM remembered_answer WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)",
        values![now.0, at_most],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn database() -> rusqlite::Connection {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLE).unwrap();
        connection.execute_batch(ANSWERS_IN_ORDER.sql).unwrap();
        connection
    }

    #[test]
    fn the_same_request_gets_the_same_answer_and_another_body_is_a_mismatch() {
        let mut connection = database();
        let tx = connection.transaction().unwrap();
        let hash = body_hash("POST /v1/shows/12-345/holds", br#"{"seats":["C12"]}"#);
        assert_eq!(find(&tx, "12-345", "k", &hash).unwrap(), Outcome::New);
        remember(&tx, "12-345", "k", &hash, 201, b"held", Timestamp(1000)).unwrap();
        assert_eq!(find(&tx, "12-345", "k", &hash).unwrap(), Outcome::Replay { status: 201, body: b"held".to_vec() });
        let other = body_hash("POST /v1/shows/12-345/holds", br#"{"seats":["C13"]}"#);
        assert_eq!(find(&tx, "12-345", "k", &other).unwrap(), Outcome::Mismatch);
        assert_eq!(find(&tx, "12-346", "k", &hash).unwrap(), Outcome::New);
    }

    #[test]
    fn an_answer_is_forgotten_when_its_time_is_over() {
        let mut connection = database();
        let tx = connection.transaction().unwrap();
        let (hash, start) = (body_hash("r", b""), Timestamp(1000));
        for (key, seconds) in [("a", 1), ("b", 2), ("c", 9)] {
            remember(&tx, "s", key, &hash, 200, b"", start + Duration::from_secs(seconds)).unwrap();
        }
        assert_eq!(forget_expired(&tx, start + Duration::from_secs(5), 1).unwrap(), 1);
        assert_eq!(forget_expired(&tx, start + Duration::from_secs(5), 10).unwrap(), 1);
        assert_eq!(find(&tx, "s", "b", &hash).unwrap(), Outcome::New);
        assert_ne!(find(&tx, "s", "c", &hash).unwrap(), Outcome::New);
    }

    #[test]
    fn a_route_that_runs_on_into_the_body_hashes_differently() {
        assert_ne!(body_hash("ab", b"c"), body_hash("a", b"bc"));
    }
}
