//! `POST /v1/scan`: the edge's verdict where it answers in time, the device's own where it does not.

use crate::ask;
use crate::group::AnswerView;
use crate::server::Device;
use crate::short_code;
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
use shared::ticket::{VerifiedTicket, read_booking_code};
use std::sync::Arc;

/// What the door page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanRequest {
    code: String,
    /// The same by the places of its keys, from a reader that types.
    keys: Option<String>,
    /// The page's number for this scan, the same at every try.
    id: Option<String>,
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
        let same_booking = match read_booking_code(&self.scan.code) {
            Some(code) => store::is_booked_under(db, self.scan.ticket, &code)?,
            None => store::is_same_booking(db, self.read, self.scan.ticket)?,
        };
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
    let bad = |_| Problem::unprocessable("bad_scan", "A scan's number has 32 hex digits.");
    let id = request.id.map(|id| id.parse()).transpose().map_err(bad)?;
    let view = answer(&device, &request.code, request.keys.as_deref(), id).await?;
    device.count(&view.verdict);
    Ok(Json(view))
}

/// Answers a scan by its number; the same number again gets the same answer, so whoever lost the answer may ask again.
pub(crate) async fn answer(
    device: &Arc<Device>,
    code: &str,
    keys: Option<&str>,
    id: Option<ScanId>,
) -> Result<AnswerView, Problem> {
    let (clock, alone) = device.stands();
    let (code, reading) = read_either(device, code, keys, clock, alone);
    let genuine = match reading {
        Reading::Genuine(ticket) => ticket,
        Reading::Answered(verdict) if verdict.code == VerdictCode::UnknownKey => {
            let asked = ask::about_key(device, code, id.unwrap_or_else(|| new_id(clock)), clock).await?;
            return Ok(asked.unwrap_or_else(|| device.view(&verdict)).into());
        }
        Reading::Answered(verdict)
            if verdict.code == VerdictCode::Malformed && learn(device, [Some(code), keys]).await? =>
        {
            return Ok(device.view(&Verdict::bare(VerdictCode::KeyLearned, alone)).into());
        }
        Reading::Answered(verdict) => {
            let short = read_booking_code(code).filter(|_| verdict.code == VerdictCode::Malformed);
            let Some(short) = short else { return Ok(device.view(&verdict).into()) };
            return short_code::answer(device, short, id, (clock, alone)).await;
        }
    };
    let read = genuine.body.ticket;
    let id = id.unwrap_or_else(|| new_id(clock));
    let presented = Presented { scan: new_scan(device, id, &genuine, None, code, clock), ticket: genuine, read };
    let mut answers = let_in(device, vec![presented], clock, alone).await?;
    let (view, others) = answers.pop().context("answer one scan")?;
    Ok(AnswerView::new(view, &others))
}

/// Reads what a reader has typed: as this computer understood its keys, or by their places on the reader's own keyboard, whichever says
/// more. On some layouts two letters change places, and a code is still a code, but not a genuine one.
pub(crate) fn read_either<'a>(
    device: &Device,
    code: &'a str,
    keys: Option<&'a str>,
    clock: Clock,
    alone: Guarantee,
) -> (&'a str, Reading) {
    let ring = device.ring();
    let read = |text| check::read(text, &ring, &device.door, clock, alone);
    let says = |reading: &Reading| match reading {
        Reading::Genuine(_) => 4,
        Reading::Answered(verdict) => match verdict.code {
            VerdictCode::UnknownKey => 3,
            VerdictCode::BadSignature => 2,
            VerdictCode::Malformed => 0,
            _ => 1,
        },
    };
    let understood = read(code);
    match keys.filter(|_| says(&understood) < 4).map(|keys| (keys, read(keys))) {
        // Readers come from the factory with the layout whose places are meant.
        Some((keys, placed)) if says(&placed) >= says(&understood).max(1) => (keys, placed),
        _ => (code, understood),
    }
}

/// What became of a ticket, and the others of its booking that are outside yet, where it was let in.
pub(crate) type Answered = (VerdictView, Vec<Member>);

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
        match ask::edge(device, &presented).await? {
            Ok(answered) => return Ok(answered),
            Err(error) => device.edge_failed(&error),
        }
    }
    let answered = decide_alone(device, presented, clock, alone).await?;
    device.unsent.notify_one();
    Ok(answered)
}

/// A certificate posted at the door, for a device that cannot ask the edge for it. False for what is none of this theatre.
async fn learn(device: &Arc<Device>, texts: [Option<&str>; 2]) -> Result<bool, Problem> {
    let mut ring = KeyRing::clone(&device.ring());
    let mut texts = texts.into_iter().flatten().map(|text| text.trim().to_ascii_uppercase());
    let Some(certificate) = texts.find(|text| ring.add(text).is_ok()) else { return Ok(false) };
    let identity = device.identity.clone();
    let kept = device.writer.run(move |core, tx, _| {
        store::keep_certificate(tx, &certificate)?;
        core.keys_are(store::key_ring(tx, &identity)?);
        Ok(())
    });
    kept.await?;
    Ok(true)
}

/// A number for a scan that came without one.
pub(crate) fn new_id(clock: Clock) -> ScanId {
    ScanId::at(clock.now, node::random::bytes())
}

pub(crate) fn new_scan(
    device: &Device,
    id: ScanId,
    ticket: &VerifiedTicket,
    member: Option<Member>,
    code: &str,
    clock: Clock,
) -> Scan {
    Scan {
        id,
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

/// Decides by what is known here and has it on disk before anybody hears of it. Two scans of one ticket take turns.
async fn decide_alone(
    device: &Arc<Device>,
    presented: Vec<Presented>,
    clock: Clock,
    alone: Guarantee,
) -> Result<Vec<Answered>, Problem> {
    let deciding = device.clone();
    let decided = device.writer.run(move |_, tx, _| {
        let mut answered = Vec::with_capacity(presented.len());
        for mut one in presented {
            let numbered = store::take_number(tx, &one.scan)?;
            one.scan.id = numbered.id;
            if let Some(view) = numbered.answered {
                let others = store::others_with(tx, one.scan.ticket, &view)?;
                answered.push((*view, others));
                continue;
            }
            if deciding.contact.is_off() {
                let off = Verdict::of(&one.ticket.body, VerdictCode::DeviceOff, alone);
                answered.push((deciding.view(&off), Vec::new()));
                continue;
            }
            let verdict = one.decide(tx, &deciding.door, clock, alone)?;
            let (scan, view) = (&one.scan, deciding.view(&verdict));
            if verdict.kind() == VerdictKind::Admit {
                let first = check::Admission { at: scan.at, door: scan.door.clone() };
                store::note_admission(tx, scan.ticket, scan.show, &one.ticket.body.seat(), &first)?;
            }
            let others = store::others_with(tx, scan.ticket, &view)?;
            store::keep(tx, scan, &view, true)?;
            answered.push((view, others));
        }
        Ok(answered)
    });
    Ok(decided.await?)
}

impl Device {
    /// The time to judge by, and what an answer of this device alone can promise now.
    pub(crate) fn stands(&self) -> (Clock, Guarantee) {
        let own = self.clock.now();
        (self.contact.clock(own), self.contact.guarantee_alone(own))
    }

    /// Counts a verdict that was answered.
    pub(crate) fn count(&self, view: &VerdictView) {
        self.metrics.count(&view.verdict, &view.code, &view.guarantee);
    }

    /// What a verdict says; a ticket that may be another day's is marked, for nobody has told this device what day it is.
    fn with_clock(&self, verdict: &Verdict) -> String {
        let text = verdict.text();
        let passes = matches!(verdict.kind(), VerdictKind::Admit | VerdictKind::Already);
        if !passes || verdict.ticket.is_none() || self.stands().0.verified {
            return text;
        }
        format!("{text} The clock is not verified: look at the date on the ticket.")
    }

    /// A verdict of this device as HTTP says it.
    pub(crate) fn view(&self, verdict: &Verdict) -> VerdictView {
        let (word, code, guarantee) = words(verdict);
        let first =
            |first: &check::Admission| FirstAdmission { at: Zone::utc().rfc3339(first.at), door: first.door.clone() };
        VerdictView {
            verdict: word.into(),
            code: code.into(),
            guarantee: guarantee.into(),
            data_age_s: self.contact.data_age(self.clock.now()).map(|age| age.as_secs()),
            text: self.with_clock(verdict),
            seat: verdict.seat.clone(),
            screen: verdict.screen.map(|screen| screen.0),
            show: verdict.title.clone(),
            ticket: verdict.ticket.map(|ticket| ticket.to_string()),
            first: verdict.first.as_ref().map(first),
        }
    }
}
