//! A supervisor at the door lets somebody in against the verdict. Both persons are written down, and the entry is listed for the
//! house to settle.

use super::discrepancies::Story;
use super::scan::{LocalVerdict, MemberRow, Scan};
use super::scans::OVERRIDE;
use super::verdict;
use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{JsonBody, Problem};
use node::view::VerdictView;
use rusqlite::{Transaction, params};
use serde::Deserialize;
use shared::admission::{Guarantee, Reading, Verdict, VerdictCode, VerdictKind, decide};
use shared::ids::{ScanId, ShowNumber};
use shared::time::Timestamp;
use std::sync::Arc;

/// Characters of a name or a reason.
const TEXT_MAX: usize = 64;

/// Somebody is to be let in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    id: String,
    code: String,
    /// The ticket, where the code is the short one of its booking.
    #[serde(default)]
    member: Option<MemberRow>,
    door: String,
    /// What this door alone refuses: `wrong_screen`, `wrong_show` or `too_early`, which are its own settings.
    #[serde(default)]
    refused: Option<String>,
    /// Who stands at the door.
    person: String,
    reason: String,
    /// The supervisor, by name and PIN.
    supervisor: LoginRequest,
}

/// Who let whom in, and why.
struct Persons {
    supervisor: String,
    person: String,
    reason: String,
    /// What the door has refused by its own settings.
    refused: Option<VerdictCode>,
}

/// `POST /v1/door/overrides`: answers 401 `wrong_pin`, 403 `role_not_allowed`, 409 `no_override` for what is no genuine ticket of
/// this house, else the verdict `overridden`.
pub async fn let_in(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<OverrideRequest>,
) -> Result<Json<VerdictView>, Problem> {
    let device = house.device(&headers).await?;
    let (person, reason) = (request.person.trim().to_owned(), request.reason.trim().to_owned());
    let fits = |text: &str| (1..=TEXT_MAX).contains(&text.chars().count());
    if !fits(&person) || !fits(&reason) {
        return Err(Problem::unprocessable("bad_override", "Name the person at the door and the reason."));
    }
    let id: ScanId = request.id.parse().map_err(|error| Problem::unprocessable("bad_override", format!("{error}")))?;
    let (supervisor, role) = house.prove(request.supervisor).await?;
    if !Task::Attest.allowed_to(role) {
        return Err(Problem::forbidden("role_not_allowed", "It takes a supervisor or a manager."));
    }
    if supervisor == person {
        return Err(Problem::forbidden("two_persons_needed", "A supervisor does not ask for it alone."));
    }
    let door = request.door.chars().take(TEXT_MAX).collect();
    let of_the_door = |code: &String| VerdictCode::from_code(code).filter(|code| code.is_of_the_door());
    let refused = match &request.refused {
        None => None,
        Some(code) => Some(of_the_door(code).ok_or_else(|| {
            Problem::unprocessable("bad_override", "A door refuses wrong_screen, wrong_show or too_early by itself.")
        })?),
    };
    let show = request.member.as_ref().and_then(|member| member.show).map(ShowNumber);
    let member = request.member.map(MemberRow::read).transpose();
    let member = member.map_err(|error| Problem::unprocessable("bad_override", format!("{error}")))?;
    let (code, persons) = (request.code, Persons { supervisor, person, reason, refused });
    let answered = house.writer.run(move |desk, tx, now| {
        desk.hear(device.number);
        let scan = Scan::new(id, code, now, door, None).about(member, show);
        desk.let_in(tx, device.number, scan, &persons, now)
    });
    Ok(Json(answered.await??))
}

impl Desk {
    fn let_in(
        &mut self,
        tx: &Transaction<'_>,
        device: i64,
        mut scan: Scan,
        persons: &Persons,
        now: Timestamp,
    ) -> anyhow::Result<Result<VerdictView, Problem>> {
        let refused = || Problem::conflict("no_override", "That is no genuine ticket of this house: sell a new one.");
        let Reading::Genuine(genuine) = self.reading(&scan, now) else { return Ok(Err(refused())) };
        let facts = self.door_facts(tx, &genuine.body)?;
        let mut verdict = decide(&genuine, &facts, self.door(), scan.clock(now), Guarantee::Shared);
        if let Some(refused) = persons.refused.filter(|_| verdict.kind() == VerdictKind::Admit) {
            verdict.code = refused;
        }
        let view = |verdict: &Verdict| verdict::view(verdict, &self.identity().zone);
        if verdict.kind() == VerdictKind::Admit {
            return Ok(Err(Problem::conflict("no_override", "This ticket needs none: scan it.")));
        }
        let answer = view(&Verdict { code: VerdictCode::Overridden, first: None, opens_in: None, ..verdict.clone() });
        scan.local = Some(LocalVerdict {
            verdict: VerdictKind::Admit.word().into(),
            code: verdict.code.code().into(),
            guarantee: OVERRIDE.into(),
        });
        self.scan(tx, device, &scan, now)?;
        if verdict.code.is_of_the_door() {
            let code = format!("admitted_{}", verdict.code);
            let (body, entry) = (&genuine.body, scan.entry());
            let story = Story { code: &code, body, scan: scan.id, guarantee: OVERRIDE, entry, first: None };
            self.note(tx, &story, now)?;
        }
        let Persons { supervisor, person, reason, .. } = persons;
        tx.execute(
            "INSERT INTO overrides (scan, ticket, code, supervisor, person, reason, door, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (scan) DO NOTHING",
            params![
                scan.id.0,
                genuine.body.ticket.0,
                verdict.code.code(),
                supervisor,
                person,
                reason,
                scan.door,
                now.0
            ],
        )?;
        tracing::warn!(ticket = %genuine.body.ticket, code = %verdict.code, supervisor, person, "let in by a supervisor");
        Ok(Ok(answer))
    }
}
