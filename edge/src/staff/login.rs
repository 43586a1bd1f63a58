//! Logging in and out, and who is behind a request.

use super::{Role, Task, session};
use crate::house::House;
use crate::staff::session::Session;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use node::pin;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Verified for unknown names, so that they take as long as known ones.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A login.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    staff: String,
    pin: String,
}

/// A session as it is answered.
#[derive(Debug, Serialize)]
pub struct SessionView {
    token: String,
    staff: String,
    role: &'static str,
    expires_at: String,
    /// After so many minutes a window that nobody is at locks itself; 0 never does.
    lock_after_min: u32,
}

/// `POST /v1/session`. Answers 401 `wrong_pin` or 429 `pin_locked`.
pub async fn log_in(
    State(house): State<Arc<House>>,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<Json<SessionView>, Problem> {
    let (name, role) = house.prove(request).await?;
    let token = node::random::hex::<32>();
    let stored = token.clone();
    let opened = house.writer.run(move |_, tx, now| Ok(session::open(tx, &stored, &name, role, now)?)).await?;
    let expires_at = house.identity.zone.rfc3339(opened.expires_at);
    let lock_after_min = house.counter.lock_after_min;
    Ok(Json(SessionView { token, staff: opened.staff, role: opened.role.word(), expires_at, lock_after_min }))
}

/// Looks at a name and a PIN; the name and the role of who has shown to be that person.
async fn try_pin(house: &House, request: LoginRequest) -> Result<(String, Role), Problem> {
    let name = request.staff.clone();
    let known = house.readers.read(move |db| Ok(session::find_staff(db, &name)?)).await?;
    if let Some(seconds) = known.as_ref().and_then(|staff| pin::locked_for_s(staff.locked_until, house.clock.now())) {
        let detail = format!("Too many wrong PINs: try again in {seconds} s.");
        return Err(Problem::too_many("pin_locked", detail, u32::try_from(seconds).unwrap_or(u32::MAX)));
    }
    let hash = known.as_ref().map_or_else(|| NOBODY.to_owned(), |staff| staff.pin_hash.clone());
    let right = tokio::task::spawn_blocking(move || pin::verify(&request.pin, &hash))
        .await
        .map_err(|error| anyhow::anyhow!("verify a PIN: {error}"))?;
    let name = request.staff;
    let Some(staff) = known.filter(|_| right) else {
        house.writer.run(move |_, tx, now| Ok(session::note_wrong_pin(tx, &name, now)?)).await?;
        return Err(Problem::unauthorized("wrong_pin", "Nobody of this name has this PIN."));
    };
    house
        .writer
        .run({
            let name = name.clone();
            move |_, tx, _| Ok(session::forget_wrong_pins(tx, &name)?)
        })
        .await?;
    Ok((name, staff.role))
}

/// `DELETE /v1/session`.
pub async fn log_out(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    if let Some(token) = bearer(&headers) {
        house.writer.run(move |_, tx, _| Ok(session::close(tx, &token)?)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl LoginRequest {
    /// The name that was given.
    pub fn staff(&self) -> &str {
        &self.staff
    }
}

impl House {
    /// The name and the role of whoever has this PIN.
    ///
    /// # Errors
    /// 401 `wrong_pin` or 429 `pin_locked` or `too_many_logins`.
    pub async fn prove(self: &Arc<Self>, request: LoginRequest) -> Result<(String, Role), Problem> {
        // One at a time: the delay could be dodged by trying many PINs at once, and each hash takes 19 MiB.
        let name = request.staff.clone();
        let known = self.readers.read(move |db| Ok(session::find_staff(db, &name)?.map(|_| name))).await?;
        let place = self.login_turn.place(known)?;
        let turn = place.turn().await;
        let house = self.clone();
        // To the end, even if the caller hangs up: it would be a way to try without being counted, and to pass the turn on early.
        let tried = tokio::spawn(async move {
            let (_place, _turn) = (place, turn);
            try_pin(&house, request).await
        });
        tried.await.map_err(|error| anyhow::anyhow!("try a PIN: {error}"))?
    }

    /// Who answers for a task that somebody at the counter asks for: they themselves, or whoever gives their PIN for it.
    ///
    /// # Errors
    /// 403 `approval_required` where it takes another person's PIN, and those of [`Self::prove`] and [`Self::authorise`].
    pub async fn approve(
        self: &Arc<Self>,
        session: &Session,
        task: Task,
        by: Option<LoginRequest>,
    ) -> Result<String, Problem> {
        let Some(by) = by else {
            let detail = format!("This takes the PIN of a {}.", who_may(task));
            let alone = task.allowed_to(session.role).then(|| session.staff.clone());
            return alone.ok_or_else(|| Problem::forbidden("approval_required", detail));
        };
        let (name, role) = self.prove(by).await?;
        if task.allowed_to(role) { Ok(name) } else { Err(not_allowed(role, task)) }
    }

    /// The session behind a request, if it may do the task.
    ///
    /// # Errors
    /// 401 `login_required` or 403 `role_not_allowed`.
    pub async fn authorise(&self, headers: &HeaderMap, task: Task) -> Result<Session, Problem> {
        let login = || Problem::unauthorized("login_required", "Log in with POST /v1/session and send the token.");
        let token = bearer(headers).ok_or_else(login)?;
        let now = self.clock.now();
        let session = self.readers.read(move |db| Ok(session::find(db, &token, now)?)).await?.ok_or_else(login)?;
        if task.allowed_to(session.role) {
            return Ok(session);
        }
        Err(not_allowed(session.role, task))
    }
}

fn not_allowed(role: Role, task: Task) -> Problem {
    Problem::forbidden("role_not_allowed", format!("A {role} may not do this; it takes a {}.", who_may(task)))
}

fn who_may(task: Task) -> String {
    let roles: Vec<_> = Role::ALL.into_iter().filter(|role| task.allowed_to(*role)).map(Role::word).collect();
    roles.join(" or a ")
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned()).filter(|token| !token.is_empty())
}
