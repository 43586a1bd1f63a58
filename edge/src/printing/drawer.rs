//! Opening the cash drawer without a sale. It is written down first: a drawer that opened unseen is what a count cannot explain.

use super::jobs::Outcome;
use crate::house::House;
use crate::staff::Task;
use crate::till::journal;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::paper::escpos::KICK;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::till::drawer::TillRefusal;
use shared::till::{self, TillEntry};
use std::sync::Arc;

/// Why it is opened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawerRequest {
    reason: String,
}

/// Whether its printer has taken the command, and how often it was opened in the shift.
#[derive(Debug, Serialize)]
pub struct DrawerView {
    opened: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    times: u32,
}

/// `POST /v1/drawer`: 409 `no_drawer` where none hangs on a printer, 422 `bad_reason`.
pub async fn open(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(DrawerRequest { reason }): JsonBody<DrawerRequest>,
) -> Result<Json<DrawerView>, Problem> {
    let session = house.authorise(&headers, Task::Till).await?;
    let Some(printer) = house.printers.settings().find(|setting| setting.drawer).map(|setting| setting.name.clone())
    else {
        return Err(Problem::conflict("no_drawer", "No printer of this box has a drawer."));
    };
    let reason = till::reason(&reason).ok_or(TillRefusal::BadReason)?;
    let currency = house.identity.join.currency;
    let written = house.writer.run(move |_, tx, now| {
        let shift = journal::shift_of(tx, &session.staff, currency, now)?;
        let Some(drawer) = journal::drawer(tx, shift)? else { return Ok(Err(TillRefusal::NoShift)) };
        let fact = match drawer.open_drawer(&reason) {
            Ok(fact) => fact,
            Err(refusal) => return Ok(Err(refusal)),
        };
        journal::append(tx, &TillEntry { at: now, shift, staff: session.staff, fact })?;
        Ok(Ok(drawer.opened + 1))
    });
    let times = written.await??;
    let reason = match house.send(&printer, KICK.to_vec()).await {
        Outcome::Printed => None,
        Outcome::Failed { reason, .. } => Some(reason),
    };
    Ok(Json(DrawerView { opened: reason.is_none(), reason, times }))
}
