//! A show that does not take place.

use crate::office::{App, show_id};
use crate::operator::Operator;
use axum::Json;
use axum::extract::{Path, State};
use node::problem::Problem;
use serde::Serialize;

/// A show that was cancelled.
#[derive(Debug, Serialize)]
pub struct CancelledShow {
    show: String,
    cancelled: bool,
}

/// `POST /v1/shows/{show}/cancellation`: for ever. Nothing more is sold and no door admits to it; what was booked here is paid
/// back, and the theatre learns it with the log.
pub async fn cancel(
    _operator: Operator,
    State(app): State<App>,
    Path(show): Path<String>,
) -> Result<Json<CancelledShow>, Problem> {
    let show = show_id(&show)?;
    let cancelled = app.writer.run(move |desk, _, now| {
        let cancelled = desk.house_mut(show.theatre).and_then(|house| house.replica.cancel_show(show.number, now));
        if cancelled.is_ok() {
            tracing::warn!(%show, "an operator cancels this show");
        }
        Ok(cancelled)
    });
    cancelled.await??;
    Ok(Json(CancelledShow { show: show.to_string(), cancelled: true }))
}
