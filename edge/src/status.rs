//! How the box stands: its link, whether it can sell, and the switch for working offline.

use crate::clock_back;
use crate::config::Unproven;
use crate::door::devices;
use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::clock;
use node::health::Readiness;
use node::paper::Issuer;
use node::problem::{JsonBody, Problem};
use node::view::{LinkView, PipeView, TheatreRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use sync_protocol::gate::Memory;
use sync_protocol::replica::{Asking, Closed};

/// The box's status.
#[derive(Debug, Serialize)]
pub struct StatusView {
    theatre: TheatreRef,
    /// Who gives its papers out.
    issuer: Issuer,
    link: LinkView,
    /// The connection to the broker, absent where none is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pipe: Option<PipeView>,
    can_sell: bool,
    /// Codes of what keeps it from selling.
    reasons: Vec<String>,
    /// Discrepancies at the doors that nobody has settled.
    door_discrepancies: u64,
    /// Card and UPI payments that are recorded and not verified.
    slips: u64,
    /// Why the box is closed for sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<&'static str>,
    /// Who is asked for the head of its log, while that is unproven.
    #[serde(skip_serializing_if = "Option::is_none")]
    asking: Option<AskingView>,
    /// Entries that neither central nor the named witness has; absent while the link is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    unwitnessed: Option<u64>,
    /// The box's time is so many seconds ahead of its machine's clock, by a mistake of one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead_s: Option<u64>,
}

/// Who remembers how much of the box's log.
#[derive(Debug, Serialize)]
pub struct AskingView {
    /// RFC 3339: a person may answer for the box from then on.
    until: String,
    /// Whole seconds until then.
    left_s: u64,
    /// A manager's PIN will do then.
    pin: bool,
    /// The named witness.
    #[serde(skip_serializing_if = "Option::is_none")]
    named: Option<String>,
    /// The last own entry.
    own: u64,
    answers: Vec<MemoryView>,
    /// The log is being taken back up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<u64>,
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct MemoryView {
    /// `central`, or a device.
    who: String,
    /// The last entry it remembers.
    seq: u64,
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
        let unwritable = self.writer.unwritable().map(|why| why.code().to_owned());
        let closed = self.board.borrow().link.closed.clone();
        stopped.or(unwritable).into_iter().chain(closed).collect()
    }

    fn asking(&self, asking: &Asking, own: u64) -> AskingView {
        let who = |memory| match memory {
            Memory::Peer => "central".to_owned(),
            Memory::Device(device) => devices::id(device.0),
        };
        AskingView {
            until: self.identity.zone.rfc3339(asking.until),
            left_s: u64::try_from(asking.until.since(self.clock.now()).as_millis().div_ceil(1000)).unwrap_or(u64::MAX),
            pin: self.unproven == Unproven::Pin,
            named: asking.named.map(|device| devices::id(device.0)),
            own,
            answers: asking
                .answers
                .iter()
                .map(|(memory, head)| MemoryView { who: who(*memory), seq: head.seq })
                .collect(),
            wanted: asking.wanted,
        }
    }

    fn status(&self) -> StatusView {
        let reasons = self.reasons();
        let board = self.board.borrow();
        StatusView {
            theatre: self.theatre_ref(),
            issuer: self.counter.issuer.clone(),
            link: board.link.clone(),
            pipe: self.publisher.as_ref().map(|publisher| publisher.status().into()),
            can_sell: reasons.is_empty(),
            reasons,
            door_discrepancies: board.door_discrepancies,
            slips: board.slips,
            closed: board.standing.closed.map(Closed::code),
            asking: board.standing.asking.as_ref().map(|asking| self.asking(asking, board.standing.own.seq)),
            unwitnessed: board.standing.unwitnessed(),
            clock_ahead_s: clock_back::ahead(self.clock.now(), clock::wall()).map(|ahead| ahead.as_secs()),
        }
    }
}
