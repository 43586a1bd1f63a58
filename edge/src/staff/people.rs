//! The people of the house over HTTP: who they are, and a new PIN for one of them.

use super::{Role, Task, session};
use crate::house::House;
use crate::opening::{Attested, attest};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use node::pin;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::time::Timestamp;
use std::sync::Arc;

/// Somebody of the house.
#[derive(Debug, Serialize)]
pub struct PersonView {
    name: String,
    role: String,
    /// Too many wrong PINs: nobody may try this name before.
    locked_until: Option<String>,
}

/// Everybody, by name.
#[derive(Debug, Serialize)]
pub struct PeopleList {
    staff: Vec<PersonView>,
}

/// Somebody new, or a new role and PIN for somebody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    name: String,
    role: String,
    pin: String,
}

/// `GET /v1/staff`.
pub async fn list(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Json<PeopleList>, Problem> {
    house.authorise(&headers, Task::Staff).await?;
    let (now, zone) = (house.clock.now(), house.identity.zone.clone());
    let staff = house.readers.read(move |db| {
        let mut select = db.prepare_cached("SELECT name, role, locked_until FROM staff ORDER BY name")?;
        let rows = select.query_map([], |row| {
            let until = Timestamp(row.get(2)?);
            Ok(PersonView {
                name: row.get(0)?,
                role: row.get(1)?,
                locked_until: (until > now).then(|| zone.rfc3339(until)),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    });
    Ok(Json(PeopleList { staff: staff.await? }))
}

/// `POST /v1/staff`: 422 `bad_staff` for a name, a role or a PIN that is none. Whoever gets a new PIN is logged out everywhere.
pub async fn add(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(PersonRequest { name, role, pin }): JsonBody<PersonRequest>,
) -> Result<(StatusCode, Json<PersonView>), Problem> {
    let session = house.authorise(&headers, Task::Staff).await?;
    let bad = |why: String| Problem::unprocessable("bad_staff", why);
    let name = super::name(&name).map_err(|error| bad(error.to_string()))?;
    let role: Role = role.parse().map_err(|error: super::UnknownRole| bad(error.to_string()))?;
    let hashed = tokio::task::spawn_blocking(move || pin::hash(&pin)).await;
    let hash =
        hashed.map_err(|error| anyhow::anyhow!("hash a PIN: {error}"))?.map_err(|error| bad(error.to_string()))?;
    let view = PersonView { name: name.clone(), role: role.word().to_owned(), locked_until: None };
    let added = house.writer.run(move |_, tx, now| {
        session::add(tx, &name, role, &hash)?;
        Ok(attest(tx, Attested::Staff, &format!("{name}, {role}"), &session.staff, None, now)?)
    });
    added.await?;
    Ok((StatusCode::CREATED, Json(view)))
}
