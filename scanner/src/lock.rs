//! `POST /v1/unlock`: the page's settings are locked by whoever leaves the device at the door, and opened by a supervisor. Scanning is
//! never locked.

use crate::edge::EdgeError;
use crate::overrides::problem;
use crate::server::Device;
use axum::extract::State;
use axum::http::StatusCode;
use node::problem::{JsonBody, Problem};
use serde::Deserialize;
use std::sync::Arc;

/// A supervisor, by name and PIN.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnlockRequest {
    staff: String,
    pin: String,
}

/// Asks the edge whether the person may open the settings.
///
/// # Errors
/// 401 `wrong_pin`, 403 `role_not_allowed`, 429 `pin_locked`, or 503 `edge_out_of_reach`.
pub(crate) async fn unlock(
    State(device): State<Arc<Device>>,
    JsonBody(UnlockRequest { staff, pin }): JsonBody<UnlockRequest>,
) -> Result<StatusCode, Problem> {
    let role = device.edge.role_of(&staff, &pin).await.map_err(|error: EdgeError| problem(&error))?;
    if ["supervisor", "manager"].contains(&role.as_str()) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::forbidden("role_not_allowed", "It takes a supervisor or a manager."))
}
