//! How the box stands: its link, whether it can sell, and the switch for working offline.

use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::health::Readiness;
use node::problem::{JsonBody, Problem};
use node::view::{LinkView, PipeView, TheatreRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The box's status.
#[derive(Debug, Serialize)]
pub struct StatusView {
    theatre: TheatreRef,
    link: LinkView,
    /// The connection to the broker, absent where none is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pipe: Option<PipeView>,
    can_sell: bool,
    /// Codes of what keeps it from selling.
    reasons: Vec<String>,
    /// Discrepancies at the doors.
    door_discrepancies: u64,
}

/// `GET /v1/status`: no login, nothing in it that a passer-by may not know.
pub async fn status(State(house): State<Arc<House>>) -> Json<StatusView> {
    Json(house.status())
}

/// A switch by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    work_offline: bool,
}

/// `POST /v1/link`: works offline, or on the line again.
pub async fn switch_link(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<LinkRequest>,
) -> Result<Json<StatusView>, Problem> {
    house.authorise(&headers, Task::Link).await?;
    let switched = house.writer.run(move |desk, _, now| {
        desk.work_offline(request.work_offline, now);
        Ok(())
    });
    switched.await?;
    Ok(Json(house.status()))
}

impl House {
    /// Whether the box can sell, whatever the line does.
    pub fn readiness(&self) -> Readiness {
        Readiness::unless(self.reasons())
    }

    fn reasons(&self) -> Vec<String> {
        let stopped = self.writer.stopped().map(|_| "store_stopped".to_owned());
        let closed = self.board.borrow().link.closed.clone();
        stopped.into_iter().chain(closed).collect()
    }

    fn status(&self) -> StatusView {
        let reasons = self.reasons();
        let board = self.board.borrow();
        StatusView {
            theatre: self.theatre_ref(),
            link: board.link.clone(),
            pipe: self.publisher.as_ref().map(|publisher| publisher.status().into()),
            can_sell: reasons.is_empty(),
            reasons,
            door_discrepancies: board.door_discrepancies,
        }
    }
}
