//! Which key signs tickets. A new key of the box signs its first ticket once every paired scanner that counts has taken its certificate
//! in: a door that is alone would answer amber to what it cannot check. Until then the key before it goes on, for as long as it is good;
//! a manager may let the new one sign at once. Everything else is signed with the new key from the start.

use crate::desk::Desk;
use crate::door::devices;
use crate::house::House;
use crate::identity::Identity;
use crate::staff::Task;
use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use node::problem::Problem;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::keys::{SecretKey, Standing};
use shared::time::Timestamp;
use std::sync::Arc;

/// The key before the box's own, while it still signs tickets.
///
/// # Errors
/// If the database fails.
pub(crate) fn key_before(db: &Connection, identity: &Identity) -> rusqlite::Result<Option<SecretKey>> {
    let signs: Option<[u8; 4]> = db.query_row("SELECT key FROM signing", [], |row| row.get(0)).optional()?;
    Ok(identity.previous.clone().filter(|_| signs != Some(identity.key.key_id().0)))
}

/// `POST /v1/signing`: the box's new key signs tickets from now on, whichever doors know it. Answers 409 `key_signs_already`.
pub async fn sign_at_once(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let session = house.authorise(&headers, Task::Devices).await?;
    let changed = house.writer.run(move |desk, tx, _| {
        if desk.key_before().is_none() {
            return Ok(false);
        }
        desk.sign_with_own(tx, Some(&session.staff))?;
        Ok(true)
    });
    let already = || Problem::conflict("key_signs_already", "This box's key signs its tickets already.");
    if changed.await? { Ok(StatusCode::NO_CONTENT) } else { Err(already()) }
}

impl Desk {
    /// The key that signs tickets now.
    pub(crate) fn ticket_key(&self) -> &SecretKey {
        self.key_before().unwrap_or(&self.identity().key)
    }

    /// Lets the box's own key sign as soon as nothing speaks against it.
    pub(crate) fn settle_signing(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        let Some(before) = self.key_before().map(SecretKey::key_id) else { return Ok(()) };
        let is_good = self.ring().lookup(before, now).any(|(_, standing)| standing == Standing::Valid);
        if is_good && !self.doors_know_keys(tx)? {
            return Ok(());
        }
        self.sign_with_own(tx, None)
    }

    /// Every paired scanner that counts has taken in the last row about keys.
    fn doors_know_keys(&self, db: &Connection) -> anyhow::Result<bool> {
        let told: Option<i64> = db
            .query_row("SELECT max(seq) FROM door_feed WHERE kind = 'keys'", [], |row| row.get(0))
            .context("find what the doors were told of keys")?;
        let seen = devices::all_seen(db, self.incarnation()).context("find what the doors have taken in")?;
        Ok(seen.is_none_or(|seen| told.is_some_and(|told| told.unsigned_abs() <= seen)))
    }

    fn sign_with_own(&mut self, tx: &Transaction<'_>, by: Option<&str>) -> anyhow::Result<()> {
        let key = self.identity().key.key_id();
        tx.execute("INSERT OR REPLACE INTO signing (one, key, by) VALUES (1, ?1, ?2)", params![key.0, by])
            .context("keep which key signs")?;
        tracing::info!(%key, by, "the box's new key signs tickets from now on");
        self.forget_key_before();
        Ok(())
    }
}
