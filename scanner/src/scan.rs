//! `POST /v1/scan`: the edge's verdict where it answers in time, the device's own where it does not.

use crate::edge::{EdgeError, MemberUpload, Upload, admission};
use crate::group::AnswerView;
use crate::server::Device;
use crate::store::{self, Scan, words};
use anyhow::Context;
use axum::Json;
use axum::extract::State;
use node::problem::{JsonBody, Problem};
use node::view::{FirstAdmission, VerdictView};
use node::zone::Zone;
use rusqlite::Connection;
use serde::Deserialize;
use shared::admission::{self as check, Clock, Door, Guarantee, Member, Reading, Verdict, VerdictCode, VerdictKind};
use shared::ids::{ScanId, TicketId};
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

/// A ticket at the door, to be let in by its own code or, with company, by the code of another one of its booking.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) scan: Scan,
    /// What it says and who vouches for it.
    pub(crate) ticket: VerifiedTicket,
    /// The ticket whose code was read.
    pub(crate) read: TicketId,
}

impl Presented {
    /// What this device would answer by what it knows.
    fn decide(&self, db: &Connection, door: &Door, clock: Clock, alone: Guarantee) -> anyhow::Result<Verdict> {
        let facts = store::facts(db, &self.ticket.body)?;
        if self.scan.member.is_none() {
            return Ok(check::decide(&self.ticket, &facts, door, clock, alone));
        }
        let same_booking = store::is_same_booking(db, self.read, self.scan.ticket)?;
        Ok(check::decide_member(&self.ticket, same_booking, &facts, door, clock, alone))
    }
}

/// Answers one scan.
///
/// # Errors
/// If the device's own store has failed: without it nobody could be told from a second entry.
pub(crate) async fn scan(
    State(device): State<Arc<Device>>,
    JsonBody(request): JsonBody<ScanRequest>,
) -> Result<Json<AnswerView>, Problem> {
    let view = answer(&device, &request.code).await?;
    device.count(&view.verdict);
    Ok(Json(view))
}

pub(crate) async fn answer(device: &Arc<Device>, code: &str) -> Result<AnswerView, Problem> {
    let own = device.clock.now();
    let (clock, alone) = (device.contact.clock(own), device.contact.guarantee_alone(own));
    let ring = device.ring();
    let genuine = match check::read(code, &ring, &device.door, clock, alone) {
        Reading::Genuine(ticket) => ticket,
        Reading::Answered(verdict) if verdict.code == VerdictCode::UnknownKey => {
            let asked = ask_about_key(device, code, clock).await;
            return Ok(asked.unwrap_or_else(|| device.view(&verdict)).into());
        }
        Reading::Answered(verdict) if verdict.code == VerdictCode::Malformed && learn(device, code).await? => {
            return Ok(device.view(&Verdict::bare(VerdictCode::KeyLearned, alone)).into());
        }
        Reading::Answered(verdict) => return Ok(device.view(&verdict).into()),
    };
    let read = genuine.body.ticket;
    let presented = Presented { scan: new_scan(device, &genuine, None, code, clock), ticket: genuine, read };
    let mut answers = let_in(device, vec![presented], clock, alone).await?;
    let (view, others) = answers.pop().context("answer one scan")?;
    Ok(AnswerView::new(view, &others))
}

/// What became of a ticket, and the others of its booking that are outside yet, where it was let in.
type Answered = (VerdictView, Vec<Member>);

/// Lets tickets in that were presented together, each by its own verdict and in their order.
pub(crate) async fn let_in(
    device: &Arc<Device>,
    presented: Vec<Presented>,
    clock: Clock,
    alone: Guarantee,
) -> Result<Vec<Answered>, Problem> {
    let mut answers: Vec<Option<Answered>> = Vec::with_capacity(presented.len());
    let mut asking = Vec::with_capacity(presented.len());
    for one in presented {
        let refusal = refusal_of_this_door(device, &one, clock, alone).await?;
        answers.push(refusal.as_ref().map(|verdict| (device.view(verdict), Vec::new())));
        if refusal.is_none() {
            asking.push(one);
        }
    }
    let mut asked =
        if asking.is_empty() { Vec::new() } else { let_in_here(device, asking, clock, alone).await? }.into_iter();
    let all = answers.into_iter().map(|answer| answer.or_else(|| asked.next()));
    Ok(all.collect::<Option<Vec<_>>>().context("answer every ticket")?)
}

async fn let_in_here(
    device: &Arc<Device>,
    presented: Vec<Presented>,
    clock: Clock,
    alone: Guarantee,
) -> Result<Vec<Answered>, Problem> {
    if device.contact.reachable() {
        match ask(device, &presented).await? {
            Ok(views) => {
                let others = note(device, presented, &views).await;
                return Ok(views.into_iter().zip(others).collect());
            }
            Err(error) => device.contact.lost(&error),
        }
    }
    let verdicts = decide_alone(device, presented, clock, alone).await?;
    device.unsent.notify_one();
    Ok(verdicts.into_iter().map(|(verdict, others)| (device.view(&verdict), others)).collect())
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

pub(crate) fn new_scan(
    device: &Device,
    ticket: &VerifiedTicket,
    member: Option<Member>,
    code: &str,
    clock: Clock,
) -> Scan {
    Scan {
        id: ScanId::at(clock.now, node::random::bytes()),
        ticket: ticket.body.ticket,
        member,
        show: ticket.body.show,
        code: code.trim().to_ascii_uppercase(),
        at: clock.now,
        door: device.identity.door.clone(),
    }
}

/// Which screens are behind this door only this device knows: the edge is not asked about them.
async fn refusal_of_this_door(
    device: &Device,
    presented: &Presented,
    clock: Clock,
    alone: Guarantee,
) -> Result<Option<Verdict>, Problem> {
    let Door { screens, shows, .. } = &device.door;
    if screens.is_empty() && shows.is_empty() {
        return Ok(None);
    }
    let (presented, door) = (presented.clone(), device.door.clone());
    let verdict = device.readers.read(move |db| presented.decide(db, &door, clock, alone)).await?;
    Ok(matches!(verdict.code, VerdictCode::WrongScreen | VerdictCode::WrongShow).then_some(verdict))
}

async fn ask(device: &Device, presented: &[Presented]) -> Result<Result<Vec<VerdictView>, EdgeError>, Problem> {
    let tickets: Vec<TicketId> = presented.iter().map(|one| one.scan.ticket).collect();
    let earlier = device.readers.read(move |db| {
        let admitting = |ticket| Ok(store::admitting(db, ticket)?);
        tickets.into_iter().filter_map(|ticket| admitting(ticket).transpose()).collect::<anyhow::Result<Vec<_>>>()
    });
    let earlier: Vec<Upload> = earlier.await?.iter().map(Upload::from).collect();
    let scans: Vec<Upload> = presented.iter().map(|one| upload(&one.scan)).collect();
    Ok(device.edge.ask(&earlier, &scans, edge_timeout(device)).await)
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
        member: scan.member.as_ref().map(MemberUpload::from),
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
        member: None,
    };
    let asked = device.edge.ask(&[], &[scan], edge_timeout(device)).await;
    asked.map_err(|error| device.contact.lost(&error)).ok()?.pop()
}

/// Notes what the edge answered, so that a second scan is known as such when the edge is gone. The answers stand without it.
/// Returns who of each booking is outside yet.
pub(crate) async fn note(device: &Device, presented: Vec<Presented>, views: &[VerdictView]) -> Vec<Vec<Member>> {
    let count = presented.len();
    let words = |view: &VerdictView| (view.verdict.clone(), view.code.clone(), view.guarantee.clone());
    let first = |view: &VerdictView| match view.verdict.as_str() {
        "already" if view.code == VerdictCode::AlreadyAdmitted.code() => {
            // A first admission that cannot be read is one that is not known here; the edge's answer stands all the same.
            view.first.as_ref().and_then(|first| admission(first).ok())
        }
        _ => None,
    };
    let answered: Vec<_> =
        presented.into_iter().zip(views).map(|(one, view)| (one, words(view), first(view))).collect();
    let noted = device.writer.run(move |_, tx, _| {
        for (Presented { scan, ticket, .. }, words, first) in &answered {
            let own = || check::Admission { at: scan.at, door: scan.door.clone() };
            if let Some(entry) = first.clone().or_else(|| (words.0 == "admit").then(own)) {
                store::note_admission(tx, scan.ticket, scan.show, &ticket.body.seat(), &entry)?;
            }
            store::keep(tx, scan, (&words.0, &words.1, &words.2), false)?;
        }
        let others = |(one, words, _): &(Presented, (String, String, String), _)| {
            if words.0 == "admit" { store::others_outside(tx, one.scan.ticket) } else { Ok(Vec::new()) }
        };
        Ok(answered.iter().map(others).collect::<rusqlite::Result<Vec<_>>>()?)
    });
    noted.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the edge's verdict could not be noted here");
        vec![Vec::new(); count]
    })
}

/// Decides by what is known here and has it on disk before anybody hears of it. Two scans of one ticket take turns.
async fn decide_alone(
    device: &Arc<Device>,
    presented: Vec<Presented>,
    clock: Clock,
    alone: Guarantee,
) -> Result<Vec<(Verdict, Vec<Member>)>, Problem> {
    let door = device.door.clone();
    let decided = device.writer.run(move |_, tx, _| {
        let mut verdicts = Vec::with_capacity(presented.len());
        for one in &presented {
            let verdict = one.decide(tx, &door, clock, alone)?;
            let scan = &one.scan;
            let mut others = Vec::new();
            if verdict.kind() == VerdictKind::Admit {
                let first = check::Admission { at: scan.at, door: scan.door.clone() };
                store::note_admission(tx, scan.ticket, scan.show, &one.ticket.body.seat(), &first)?;
                others = store::others_outside(tx, scan.ticket)?;
            }
            store::keep(tx, scan, words(&verdict), true)?;
            verdicts.push((verdict, others));
        }
        Ok(verdicts)
    });
    Ok(decided.await?)
}

impl Device {
    /// Counts a verdict that was answered.
    pub(crate) fn count(&self, view: &VerdictView) {
        self.metrics.count(&view.verdict, &view.code, &view.guarantee);
    }

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
