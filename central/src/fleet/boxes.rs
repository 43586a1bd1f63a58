//! Taking a box in while central works: its theatre is there at once, and nobody else notices.

use super::enrolment::{Enrolled, Issuing, JoinRequest, theatre_named};
use crate::desk::Desk;
use crate::office::App;
use crate::operator::Operator;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::problem::{JsonBody, Problem};
use node::store::Sql;
use serde::{Deserialize, Serialize};
use shared::refusal::Refusal;
use shared::time::Timestamp;
use sync_protocol::replica::Closed;

/// What an operator sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// What `usher-edge init` printed.
    pub request: JoinRequest,
    /// Make a new key for central's own tickets of this theatre too.
    #[serde(default)]
    pub new_issuing_key: bool,
}

/// `POST /v1/theatres/{theatre}/box`: the join file for the box.
pub async fn enrol(
    _operator: Operator,
    State(app): State<App>,
    Path(theatre): Path<String>,
    JsonBody(wanted): JsonBody<EnrolRequest>,
) -> Result<Response, Problem> {
    let enrolled = app.writer.run(move |desk, tx, now| take_in(desk, tx, &theatre, &wanted, now)).await??;
    if let Some(accounts) = &app.accounts {
        accounts.enrol(&enrolled.enrolment);
    }
    tracing::warn!(theatre = %enrolled.enrolment.theatre, "an operator takes a box in");
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(enrolled.file)).into_response())
}

/// Everything that may be wrong is looked at before anything is changed.
fn take_in(
    desk: &mut Desk,
    tx: &dyn Sql,
    theatre: &str,
    wanted: &EnrolRequest,
    now: Timestamp,
) -> anyhow::Result<Result<Enrolled, Problem>> {
    let theatre = match theatre_named(tx, theatre)? {
        Ok(theatre) => theatre,
        Err(detail) => return Ok(Err(Problem::not_found("unknown_theatre", detail))),
    };
    let key = match wanted.request.key() {
        Ok(key) => key.key_id(),
        Err(error) => return Ok(Err(Problem::unprocessable("bad_join_request", format!("{error:#}")))),
    };
    if let Ok(house) = desk.house(theatre.id) {
        let (ledger, closed) = (house.replica.ledger(), house.replica.heads().closed);
        if ledger.revoked().any(|revoked| revoked == key) {
            let detail = format!("The box's key {key} is revoked: it needs a new one.");
            return Ok(Err(Problem::conflict("key_revoked", detail)));
        }
        // That the new box goes on with the old one's log has to be written down.
        if ledger.marks().retired && closed.is_some_and(Closed::stops_the_log) {
            return Ok(Err(Refusal::Closed.into()));
        }
    }
    if let Err(error) = desk.keys().context("find the keys")?.root() {
        return Ok(Err(Problem::conflict("no_root_key", format!("{error:#}"))));
    }
    desk.enrol(tx, &theatre, &wanted.request, Issuing::wanted(wanted.new_issuing_key), now).map(Ok)
}
