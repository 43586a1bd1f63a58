//! What two persons may do where nothing can be proven: put unknown seats on sale again, retire a box, take its seats, open a
//! theatre that is closed, revoke a stolen key.

use super::enrolment;
use crate::bookings::cancel;
use crate::desk::Desk;
use crate::office::App;
use crate::operator::{Operator, TwoPersons};
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use node::ledger_store::StoredLogs;
use node::problem::{JsonBody, Problem};
use node::store::Sql;
use serde::{Deserialize, Serialize};
use shared::entry::OpenedBy;
use shared::ids::{KeyId, ShowNumber, TheatreId};
use shared::keys::PublicKey;
use shared::time::Timestamp;

/// What became of it.
type Outcome<T> = anyhow::Result<Result<T, Problem>>;

/// A body that names two persons.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByTwo {
    persons: TwoPersons,
}

/// A body that names two persons and perhaps a show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownSettlement {
    /// The show's number; nothing for all shows.
    #[serde(default)]
    show: Option<u32>,
    persons: TwoPersons,
}

/// A body that names two persons and a show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taking {
    /// The show's number.
    show: u32,
    persons: TwoPersons,
}

/// How many seats it changed.
#[derive(Debug, Serialize)]
pub struct SeatsChanged {
    seats: usize,
}

/// How the theatre stands afterwards.
#[derive(Debug, Serialize)]
pub struct Stands {
    closed: Option<&'static str>,
    box_retired: bool,
}

/// The theatre's revoked keys, as 8 hex digits each.
#[derive(Debug, Serialize)]
pub struct Revoked {
    revoked_keys: Vec<String>,
}

/// `POST /v1/theatres/{theatre}/unknown`: central's unknown seats are for sale again.
pub async fn settle_unknown(
    _operator: Operator,
    State(app): State<App>,
    Path(theatre): Path<String>,
    JsonBody(UnknownSettlement { show, persons }): JsonBody<UnknownSettlement>,
) -> Result<Json<SeatsChanged>, Problem> {
    let theatre = theatre_id(&theatre)?;
    let seats = app.writer.run(move |desk, tx, now| unknown_to_free(desk, tx, theatre, show, &persons, now));
    Ok(Json(SeatsChanged { seats: seats.await?? }))
}

/// `POST /v1/theatres/{theatre}/box/retire`: two persons attest that the box is off for good.
pub async fn retire(
    _operator: Operator,
    State(app): State<App>,
    Path(theatre): Path<String>,
    JsonBody(ByTwo { persons }): JsonBody<ByTwo>,
) -> Result<Json<Stands>, Problem> {
    let theatre = theatre_id(&theatre)?;
    let stands = app.writer.run(move |desk, tx, now| retire_box(desk, tx, theatre, &persons, now));
    Ok(Json(stands.await??))
}

/// `POST /v1/theatres/{theatre}/box/take`: the retired box's unknown seats of a show become central's.
pub async fn take(
    _operator: Operator,
    State(app): State<App>,
    Path(theatre): Path<String>,
    JsonBody(Taking { show, persons }): JsonBody<Taking>,
) -> Result<Json<SeatsChanged>, Problem> {
    let theatre = theatre_id(&theatre)?;
    let seats = app.writer.run(move |desk, tx, now| {
        let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(unknown_theatre())) };
        match house.replica.take_seats(ShowNumber(show), None, now) {
            Ok(seats) => {
                persons.answer_for(tx, theatre, &format!("take the box's unknown seats of show {show}"), now)?;
                Ok(Ok(seats))
            }
            Err(refusal) => Ok(Err(refusal.into())),
        }
    });
    Ok(Json(SeatsChanged { seats: seats.await?? }))
}

/// `POST /v1/theatres/{theatre}/open`: two persons answer for a theatre that is closed.
pub async fn open(
    _operator: Operator,
    State(app): State<App>,
    Path(theatre): Path<String>,
    JsonBody(ByTwo { persons }): JsonBody<ByTwo>,
) -> Result<Json<Stands>, Problem> {
    let theatre = theatre_id(&theatre)?;
    let stands = app.writer.run(move |desk, tx, now| open_theatre(desk, tx, theatre, &persons, now));
    Ok(Json(stands.await??))
}

/// `POST /v1/theatres/{theatre}/keys/{key}/revocation`: two persons attest that a key was stolen. The side whose key it was signs
/// with another one already: a box joins anew with a new key, central's key is made anew as its box is enrolled.
pub async fn revoke_key(
    _operator: Operator,
    State(app): State<App>,
    Path((theatre, key)): Path<(String, String)>,
    JsonBody(ByTwo { persons }): JsonBody<ByTwo>,
) -> Result<Json<Revoked>, Problem> {
    let theatre = theatre_id(&theatre)?;
    let key: KeyId = key.parse().map_err(|_| unknown_key())?;
    let revoked = app.writer.run(move |desk, tx, now| {
        let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(unknown_theatre())) };
        if !house.has_certified(key) {
            return Ok(Err(unknown_key()));
        }
        if house.replica.signs_now(key) {
            let detail = "One side signs with this key now: put another one in its place first, or retire the box.";
            return Ok(Err(Problem::conflict("key_in_use", detail)));
        }
        let known = house.replica.ledger().revoked().any(|revoked| revoked == key);
        if !known && let Err(refusal) = house.replica.revoke_key(key, now) {
            return Ok(Err(refusal.into()));
        }
        persons.answer_for(tx, theatre, &format!("revoke the key {key}"), now)?;
        Ok(Ok(Revoked { revoked_keys: house.replica.ledger().revoked().map(|key| key.to_string()).collect() }))
    });
    Ok(Json(revoked.await??))
}

fn unknown_key() -> Problem {
    Problem::not_found("unknown_key", "No such key was ever certified for this theatre.")
}

fn unknown_to_free(
    desk: &mut Desk,
    tx: &dyn Sql,
    theatre: TheatreId,
    show: Option<u32>,
    persons: &TwoPersons,
    now: Timestamp,
) -> Outcome<usize> {
    let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(unknown_theatre())) };
    let shows: Vec<ShowNumber> = match show {
        Some(number) => vec![ShowNumber(number)],
        None => house.replica.ledger().unknown_seats().map(|(number, _)| number).collect(),
    };
    let mut seats = 0;
    for number in shows {
        match house.replica.settle_unknown(number, None, now) {
            Ok(count) => seats += count,
            Err(refusal) if seats == 0 => return Ok(Err(refusal.into())),
            // The shows before it are settled, and the answer must not say that nothing is.
            Err(refusal) => {
                tracing::warn!(%theatre, show = number.0, %refusal, "unknown seats stay unknown");
            }
        }
    }
    let what = show.map_or("all shows".to_owned(), |show| format!("show {show}"));
    persons.answer_for(tx, theatre, &format!("sell {seats} unknown seats of {what}"), now)?;
    Ok(Ok(seats))
}

fn retire_box(
    desk: &mut Desk,
    tx: &dyn Sql,
    theatre: TheatreId,
    persons: &TwoPersons,
    now: Timestamp,
) -> Outcome<Stands> {
    let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(unknown_theatre())) };
    let Some(enrolment) = enrolment::of_theatre(tx, theatre)? else {
        return Ok(Err(Problem::not_found("no_box", "No box is enrolled for this theatre.")));
    };
    if house.replica.ledger().marks().retired {
        return Ok(Err(Problem::conflict("already_retired", "The box of this theatre is retired already.")));
    }
    let key = PublicKey::from_hex(&enrolment.edge_key).context("read the box's key")?.key_id();
    if let Err(refusal) = house.replica.retire_box(key, now) {
        return Ok(Err(refusal.into()));
    }
    let stands = stands(house);
    cancel::list_unanswerable(tx, theatre, now)?;
    persons.answer_for(tx, theatre, &format!("retire the box with key {key}"), now)?;
    Ok(Ok(stands))
}

fn open_theatre(
    desk: &mut Desk,
    tx: &dyn Sql,
    theatre: TheatreId,
    persons: &TwoPersons,
    now: Timestamp,
) -> Outcome<Stands> {
    let Ok(house) = desk.house_mut(theatre) else { return Ok(Err(unknown_theatre())) };
    let source = StoredLogs::new(tx, theatre);
    let opened = house.replica.open_unproven(OpenedBy::TwoPersons, &persons.names(), now, &source);
    match opened.context("read the logs of a theatre that is to be opened")? {
        Ok(()) => {
            let stands = stands(house);
            persons.answer_for(tx, theatre, "open the theatre without proof", now)?;
            Ok(Ok(stands))
        }
        Err(refusal) => Ok(Err(refusal.into())),
    }
}

fn stands(house: &crate::desk::house::House) -> Stands {
    let closed = house.replica.heads().closed.map(sync_protocol::replica::Closed::code);
    Stands { closed, box_retired: house.replica.ledger().marks().retired }
}

pub(super) fn theatre_id(text: &str) -> Result<TheatreId, Problem> {
    text.parse().map_err(|_| unknown_theatre())
}

pub(super) fn unknown_theatre() -> Problem {
    Problem::not_found("unknown_theatre", "There is no such theatre, or it has no shows.")
}
