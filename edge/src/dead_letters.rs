//! Bytes from the line that could not be processed, kept to be tried again.

use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use node::ledger_store::dead_letter::{self, DeadLetters, ReplayView, UnknownDeadLetter};
use node::problem::Problem;
use rusqlite::Transaction;
use shared::time::Timestamp;
use std::sync::Arc;

/// `GET /v1/dead-letters`.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<DeadLetters>, Problem> {
    house.authorise(&headers, Task::Discrepancies).await?;
    let zone = house.identity.zone.clone();
    Ok(Json(house.readers.read(move |db| Ok(dead_letter::list(db, &zone)?)).await?))
}

/// `POST /v1/dead-letters/{n}/replay`: the letter stays, with the outcome. Answers 404 `unknown_dead_letter`.
pub async fn replay(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(n): Path<String>,
) -> Result<Json<ReplayView>, Problem> {
    house.authorise(&headers, Task::Discrepancies).await?;
    let n: i64 = n.parse().map_err(|_| UnknownDeadLetter)?;
    let replayed = house.writer.run(move |desk, tx, now| desk.replay(tx, n, now));
    Ok(Json(replayed.await??))
}

impl Desk {
    fn replay(
        &mut self,
        tx: &Transaction<'_>,
        n: i64,
        now: Timestamp,
    ) -> anyhow::Result<Result<ReplayView, UnknownDeadLetter>> {
        // What was waiting to be stored is none of this letter's.
        self.write_changes(tx, now).context("store what came before")?;
        let Ok((replayed, changes)) = dead_letter::feed(tx, self.replica_mut(), n, now)? else {
            return Ok(Err(UnknownDeadLetter));
        };
        self.write(tx, changes, now).with_context(|| format!("store what dead letter {n} came to"))?;
        dead_letter::note(tx, self.replica().theatre(), n, replayed, now, &self.identity().zone).map(Ok)
    }
}
