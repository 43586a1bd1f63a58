//! Opening the cash drawer without a sale. It is written down first: a drawer that opened unseen is what a count cannot explain.

use super::jobs::Outcome;
use crate::counter::answer::{Answer, Outcomes, RequestKey};
use crate::house::House;
use crate::staff::Task;
use crate::till::journal;
use crate::till::shifts::REMEMBERED;
use axum::extract::State;
use axum::http::HeaderMap;
use node::paper::escpos::KICK;
use node::problem::{IdempotencyKey, JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::till::drawer::TillRefusal;
use shared::till::{self, TillEntry};
use std::sync::Arc;

/// Why it is opened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawerRequest {
    reason: String,
}

/// Whether its printer has taken the command, and how often it was opened in the shift.
#[derive(Debug, Serialize, Deserialize)]
struct DrawerView {
    opened: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    times: u32,
}

/// `POST /v1/drawer`: 409 `no_drawer` where none hangs on a printer, 422 `bad_reason`. Asked again with the same key it is told what
/// came of it, `not_known` while the printer has not answered, and not opened again: that would be an opening without its row.
pub async fn open(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<DrawerRequest>,
) -> Outcomes {
    let session = house.authorise(&headers, Task::Till).await?;
    let Some(printer) = house.printers.settings().find(|setting| setting.drawer).map(|setting| setting.name.clone())
    else {
        return Err(Problem::conflict("no_drawer", "No printer of this box has a drawer."));
    };
    let key = RequestKey::new(&session.staff, key, "POST /v1/drawer", &request)?;
    let reason = till::reason(&request.reason).ok_or(TillRefusal::BadReason)?;
    let (currency, asked) = (house.identity.join.currency, key.clone());
    let written = house.writer.run(move |_, tx, now| {
        let mut new = false;
        let outcome = asked.once(tx, now + REMEMBERED, || {
            let shift = journal::shift_of(tx, &session.staff, currency, now)?;
            let Some(drawer) = journal::drawer(tx, shift)? else { return Ok(Err(TillRefusal::NoShift.into())) };
            let fact = match drawer.open_drawer(&reason) {
                Ok(fact) => fact,
                Err(refusal) => return Ok(Err(refusal.into())),
            };
            journal::append(tx, &TillEntry { at: now, shift, staff: session.staff, fact })?;
            new = true;
            let reason = Some("not_known".to_owned());
            Ok(Ok(Answer::done(&DrawerView { opened: false, reason, times: drawer.opened + 1 })?))
        })?;
        Ok(outcome.map(|answer| (answer, new)))
    });
    let (answer, new) = written.await??;
    if !new {
        return Ok(answer);
    }
    let DrawerView { times, .. } = answer.read()?;
    let reason = match house.send(&printer, KICK.to_vec()).await {
        Outcome::Printed => None,
        Outcome::Failed { reason, .. } => Some(reason.to_owned()),
    };
    let answer = Answer::done(&DrawerView { opened: reason.is_none(), reason, times })?;
    let told = answer.clone();
    house.writer.run(move |_, tx, _| Ok(key.tell_otherwise(tx, &told)?)).await?;
    Ok(answer)
}
