//! `POST /v1/scan`: the edge's verdict where it answers in time, the device's own where it does not.

use crate::edge::{EdgeError, Upload, admission};
use crate::server::Device;
use crate::store::{self, Scan, words};
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use node::view::{FirstAdmission, VerdictView};
use node::zone::Zone;
use serde::Deserialize;
use shared::admission::{self as check, Clock, Door, Guarantee, Reading, Verdict, VerdictCode, VerdictKind};
use shared::ids::ScanId;
use shared::keys::KeyRing;
use shared::ticket::VerifiedTicket;
use std::sync::Arc;
use std::time::Duration;

/// What the door page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanRequest {
    code: String,
}

/// Answers one scan.
///
/// # Errors
/// If the device's own store has failed: without it nobody could be told from a second entry.
pub(crate) async fn scan(
    State(device): State<Arc<Device>>,
    JsonBody(request): JsonBody<ScanRequest>,
) -> Result<Json<VerdictView>, Problem> {
    let view = answer(&device, &request.code).await?;
    device.metrics.count(&view.verdict, &view.code, &view.guarantee);
    Ok(Json(view))
}

pub(crate) async fn answer(device: &Arc<Device>, code: &str) -> Result<VerdictView, Problem> {
    let own = device.clock.now();
    let (clock, alone) = (device.contact.clock(own), device.contact.guarantee_alone(own));
    let ring = device.ring();
    let genuine = match check::read(code, &ring, &device.door, clock, alone) {
        Reading::Genuine(ticket) => ticket,
        Reading::Answered(verdict) if verdict.code == VerdictCode::UnknownKey => {
            return Ok(ask_about_key(device, code, clock).await.unwrap_or_else(|| device.view(&verdict)));
        }
        Reading::Answered(verdict) if verdict.code == VerdictCode::Malformed && learn(device, code).await? => {
            return Ok(device.view(&Verdict::bare(VerdictCode::KeyLearned, alone)));
        }
        Reading::Answered(verdict) => return Ok(device.view(&verdict)),
    };
    let scan = new_scan(device, &genuine, code, clock);
    if let Some(verdict) = refusal_of_this_door(device, &genuine, clock, alone).await? {
        return Ok(device.view(&verdict));
    }
    if device.contact.reachable() {
        match ask(device, &scan).await? {
            Ok(view) => {
                note(device, scan, genuine, &view).await;
                return Ok(view);
            }
            Err(error) => device.contact.lost(&error),
        }
    }
    let verdict = decide_alone(device, scan, genuine, clock, alone).await?;
    device.unsent.notify_one();
    Ok(device.view(&verdict))
}

/// A certificate posted at the door, for a device that cannot ask the edge for it. False for what is none of this theatre.
async fn learn(device: &Arc<Device>, code: &str) -> Result<bool, Problem> {
    let certificate = code.trim().to_ascii_uppercase();
    let mut ring = KeyRing::clone(&device.ring());
    if ring.add(&certificate).is_err() {
        return Ok(false);
    }
    device.writer.run(move |_, tx, _| Ok(store::keep_certificate(tx, &certificate)?)).await?;
    device.set_ring(ring);
    Ok(true)
}

pub(crate) fn new_scan(device: &Device, ticket: &VerifiedTicket, code: &str, clock: Clock) -> Scan {
    Scan {
        id: ScanId::at(clock.now, node::random::bytes()),
        ticket: ticket.body.ticket,
        show: ticket.body.show,
        code: code.trim().to_ascii_uppercase(),
        at: clock.now,
        door: device.identity.door.clone(),
    }
}

/// Which screens are behind this door only this device knows: the edge is not asked about them.
async fn refusal_of_this_door(
    device: &Device,
    ticket: &VerifiedTicket,
    clock: Clock,
    alone: Guarantee,
) -> Result<Option<Verdict>, Problem> {
    let Door { screens, shows, .. } = &device.door;
    if screens.is_empty() && shows.is_empty() {
        return Ok(None);
    }
    let body = ticket.body.clone();
    let facts = device.readers.read(move |db| store::facts(db, &body)).await?;
    let verdict = check::decide(ticket, &facts, &device.door, clock, alone);
    Ok(matches!(verdict.code, VerdictCode::WrongScreen | VerdictCode::WrongShow).then_some(verdict))
}

async fn ask(device: &Device, scan: &Scan) -> Result<Result<VerdictView, EdgeError>, Problem> {
    let ticket = scan.ticket;
    let earlier = device.readers.read(move |db| Ok(store::admitting(db, ticket)?)).await?;
    let earlier = earlier.as_ref().map(Upload::from);
    let within = edge_timeout(device);
    Ok(device.edge.ask(earlier.as_ref(), &upload(scan), within).await)
}

/// How long a scan waits for the edge.
pub(crate) fn edge_timeout(device: &Device) -> Duration {
    Duration::from_millis(device.config.edge_timeout_ms)
}

fn upload(scan: &Scan) -> Upload {
    Upload {
        id: scan.id.to_string(),
        code: scan.code.clone(),
        at: Zone::utc().rfc3339(scan.at),
        door: scan.door.clone(),
        local: None,
    }
}

/// A key not known here may be known to the edge: its certificate is on the way.
async fn ask_about_key(device: &Device, code: &str, clock: Clock) -> Option<VerdictView> {
    if !device.contact.reachable() {
        return None;
    }
    let scan = Upload {
        id: ScanId::at(clock.now, node::random::bytes()).to_string(),
        code: code.trim().to_ascii_uppercase(),
        at: Zone::utc().rfc3339(clock.now),
        door: device.identity.door.clone(),
        local: None,
    };
    let asked = device.edge.ask(None, &scan, edge_timeout(device)).await;
    asked.map_err(|error| device.contact.lost(&error)).ok()
}

/// Notes what the edge answered, so that a second scan is known as such when the edge is gone. The answer stands without it.
pub(crate) async fn note(device: &Device, scan: Scan, ticket: VerifiedTicket, view: &VerdictView) {
    let first = match view.verdict.as_str() {
        "admit" => Some(check::Admission { at: scan.at, door: scan.door.clone() }),
        // A first admission that cannot be read is one that is not known here; the edge's answer stands all the same.
        "already" if view.code == VerdictCode::AlreadyAdmitted.code() => {
            view.first.as_ref().and_then(|first| admission(first).ok())
        }
        _ => None,
    };
    let words = (view.verdict.clone(), view.code.clone(), view.guarantee.clone());
    let noted = device.writer.run(move |_, tx, _| {
        if let Some(first) = &first {
            store::note_admission(tx, scan.ticket, scan.show, &ticket.body.seat(), first)?;
        }
        Ok(store::keep(tx, &scan, (&words.0, &words.1, &words.2), false)?)
    });
    if let Err(error) = noted.await {
        tracing::error!(%error, "the edge's verdict could not be noted here");
    }
}

/// Decides by what is known here and has it on disk before anybody hears of it. Two scans of one ticket take turns.
async fn decide_alone(
    device: &Arc<Device>,
    scan: Scan,
    ticket: VerifiedTicket,
    clock: Clock,
    alone: Guarantee,
) -> Result<Verdict, Problem> {
    let door = device.door.clone();
    let decided = device.writer.run(move |_, tx, _| {
        let facts = store::facts(tx, &ticket.body)?;
        let verdict = check::decide(&ticket, &facts, &door, clock, alone);
        if verdict.kind() == VerdictKind::Admit {
            let first = check::Admission { at: scan.at, door: scan.door.clone() };
            store::note_admission(tx, scan.ticket, scan.show, &ticket.body.seat(), &first)?;
        }
        store::keep(tx, &scan, words(&verdict), true)?;
        Ok(verdict)
    });
    Ok(decided.await?)
}

impl Device {
    /// A verdict of this device as HTTP says it.
    fn view(&self, verdict: &Verdict) -> VerdictView {
        let (word, code, guarantee) = words(verdict);
        let first =
            |first: &check::Admission| FirstAdmission { at: Zone::utc().rfc3339(first.at), door: first.door.clone() };
        VerdictView {
            verdict: word.into(),
            code: code.into(),
            guarantee: guarantee.into(),
            data_age_s: self.contact.data_age(self.clock.now()).map(|age| age.as_secs()),
            text: verdict.text(),
            seat: verdict.seat.clone(),
            screen: verdict.screen.map(|screen| screen.0),
            show: verdict.title.clone(),
            ticket: verdict.ticket.map(|ticket| ticket.to_string()),
            first: verdict.first.as_ref().map(first),
        }
    }
}
