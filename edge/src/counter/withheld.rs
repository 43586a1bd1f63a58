//! House seats: kept back from sale for the house, and given back to it.

use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use node::problem::{JsonBody, Problem};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use shared::ids::{SeatId, ShowNumber};
use shared::refusal::Refusal;
use shared::show::Standing;
use std::sync::Arc;

/// Seats that are asked for at once.
const SEATS_MAX: usize = 100;

/// Which seats, and which way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithholdRequest {
    seats: Vec<String>,
    withheld: bool,
}

/// The show's seats that are kept back now.
#[derive(Debug, Serialize)]
pub struct WithheldView {
    withheld: Vec<String>,
}

/// `POST /v1/shows/{show}/withheld`: 422 `bad_seat_count`, 409 where one of them is not free, or is not kept back.
pub async fn set(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
    JsonBody(WithholdRequest { seats, withheld }): JsonBody<WithholdRequest>,
) -> Result<Json<WithheldView>, Problem> {
    let session = house.authorise(&headers, Task::Withhold).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    if !(1..=SEATS_MAX).contains(&seats.len()) {
        return Err(Refusal::BadSeatCount.into());
    }
    let set = house.writer.run(move |desk, tx, now| {
        let known = desk.replica().ledger().show(number).ok_or(Refusal::UnknownShow);
        let ids = known.and_then(|known| known.plan.all_labelled(&seats));
        let done = ids.and_then(|ids| desk.replica_mut().withhold(number, &ids, withheld, now));
        if let Err(refusal) = done {
            return Ok(Err(refusal));
        }
        let insert = "INSERT INTO withholdings (at, show, seats, withheld, staff) VALUES (?1, ?2, ?3, ?4, ?5)";
        tx.execute(insert, params![now.0, number.0, seats.join(" "), withheld, session.staff])?;
        Ok(desk.withheld(number))
    });
    Ok(Json(WithheldView { withheld: set.await?? }))
}

impl Desk {
    fn withheld(&self, number: ShowNumber) -> Result<Vec<String>, Refusal> {
        let show = self.replica().ledger().show(number).ok_or(Refusal::UnknownShow)?;
        let kept = |id: &SeatId| show.seat(*id).is_some_and(|seat| seat.standing == Standing::Withheld);
        Ok(show.plan.seats().map(|(id, _)| id).filter(kept).map(|id| show.plan.label(id)).collect())
    }
}
