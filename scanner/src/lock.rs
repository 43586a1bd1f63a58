//! `POST /v1/lock` and `POST /v1/unlock`: whoever leaves the device at the door locks the page's settings by a PIN. The same PIN opens
//! them, whether the box is in reach or not, and so does a supervisor's, which the box knows. Scanning is never locked.

use crate::edge::EdgeError;
use crate::overrides::problem;
use crate::server::Device;
use crate::store;
use axum::extract::State;
use axum::http::StatusCode;
use node::pin;
use node::problem::{JsonBody, Problem};
use serde::Deserialize;
use std::sync::Arc;

/// The PIN that is to open the settings again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockRequest {
    pin: String,
}

/// The PIN of the lock; with a name it is a supervisor's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnlockRequest {
    staff: Option<String>,
    pin: String,
}

/// Locks the settings.
///
/// # Errors
/// 409 `locked_already`, 422 `bad_pin`, or the store's failure.
pub(crate) async fn lock(
    State(device): State<Arc<Device>>,
    JsonBody(LockRequest { pin }): JsonBody<LockRequest>,
) -> Result<StatusCode, Problem> {
    let hashed = tokio::task::spawn_blocking(move || pin::hash(&pin)).await;
    let hashed = hashed.map_err(|error| anyhow::anyhow!("hash a PIN: {error}"))?;
    let hashed = hashed.map_err(|bad| Problem::unprocessable("bad_pin", format!("{bad}.")))?;
    let locked = device.writer.run(move |_, tx, _| Ok(store::set_lock(tx, &hashed)?)).await?;
    let already = || Problem::conflict("locked_already", "The settings are locked already.");
    if locked { Ok(StatusCode::NO_CONTENT) } else { Err(already()) }
}

/// Opens the settings.
///
/// # Errors
/// 401 `wrong_pin`, 403 `role_not_allowed`, 429 `pin_locked`, or, for a supervisor, 503 `edge_out_of_reach`.
pub(crate) async fn unlock(
    State(device): State<Arc<Device>>,
    JsonBody(UnlockRequest { staff, pin }): JsonBody<UnlockRequest>,
) -> Result<StatusCode, Problem> {
    match staff.filter(|staff| !staff.trim().is_empty()) {
        Some(staff) => by_supervisor(&device, &staff, &pin).await?,
        None => by_pin(&device, pin).await?,
    }
    device.writer.run(|_, tx, _| Ok(store::open_lock(tx)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn by_supervisor(device: &Device, staff: &str, pin: &str) -> Result<(), Problem> {
    let role = device.edge.role_of(staff, pin).await.map_err(|error: EdgeError| problem(&error))?;
    if ["supervisor", "manager"].contains(&role.as_str()) {
        return Ok(());
    }
    Err(Problem::forbidden("role_not_allowed", "It takes a supervisor or a manager."))
}

async fn by_pin(device: &Device, pin: String) -> Result<(), Problem> {
    // One at a time: the delay could be dodged by trying many at once.
    let _turn = device.unlocking.lock().await;
    let Some(lock) = device.readers.read(|db| Ok(store::lock_of(db)?)).await? else { return Ok(()) };
    if let Some(seconds) = pin::locked_for_s(lock.until, device.clock.now()) {
        let detail = format!("Too many wrong PINs: try again in {seconds} s.");
        return Err(Problem::too_many("pin_locked", detail, u32::try_from(seconds).unwrap_or(u32::MAX)));
    }
    let right = tokio::task::spawn_blocking(move || pin::verify(&pin, &lock.pin_hash)).await;
    if right.map_err(|error| anyhow::anyhow!("verify a PIN: {error}"))? {
        return Ok(());
    }
    device.writer.run(|_, tx, now| Ok(store::note_wrong_pin(tx, now)?)).await?;
    Err(Problem::unauthorized("wrong_pin", "That is not the PIN of this lock."))
}
