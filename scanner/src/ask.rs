//! The edge's verdict on a scan, and what is kept of it here.
//!
//! A scan is asked about under one number, however often: the edge answers a number that it knows as it did the first time, and so
//! does this device. An answer that got lost on the way can therefore be asked for again, and admits nobody else.

use crate::edge::{EdgeError, MemberUpload, Upload, admission};
use crate::scan::{Answered, Presented};
use crate::server::Device;
use crate::store::{self, Numbered, Queued, Scan};
use anyhow::Context;
use node::problem::Problem;
use node::view::VerdictView;
use node::zone::Zone;
use rusqlite::Connection;
use shared::admission::{self as check, Clock, Guarantee, Member, VerdictCode};
use shared::ids::ScanId;
use shared::ticket::TicketCode;
use std::time::Duration;

/// How long a scan waits for the edge.
pub(crate) fn timeout(device: &Device) -> Duration {
    Duration::from_millis(device.config.edge_timeout_ms)
}

/// The edge's verdicts, in the order of the tickets. What was answered before under its number is not asked again.
pub(crate) async fn edge(
    device: &Device,
    presented: &[Presented],
) -> Result<Result<Vec<Answered>, EdgeError>, Problem> {
    let scans: Vec<Scan> = presented.iter().map(|one| one.scan.clone()).collect();
    let found = loop {
        let asked = scans.clone();
        let found = device.readers.read(move |db| Ok(before(db, asked)?)).await?;
        if !found.iter().any(|one| one.numbered.waits) {
            break found;
        }
        let asked = scans.clone();
        let taken = device.writer.run(move |_, tx, _| {
            for scan in asked {
                store::take_number(tx, &scan)?;
            }
            Ok(())
        });
        taken.await?;
    };
    let mut earlier: Vec<Upload> = Vec::new();
    let (mut answered, mut asking) = (Vec::with_capacity(presented.len()), Vec::new());
    for (one, Before { numbered, others, admitting }) in presented.iter().zip(found) {
        if let Some(view) = numbered.answered {
            answered.push(Some((*view, others)));
            continue;
        }
        let mut one = one.clone();
        one.scan.id = numbered.id;
        earlier.extend(admitting.as_ref().map(Upload::from));
        answered.push(None);
        asking.push(one);
    }
    if asking.is_empty() {
        return Ok(Ok(answered.into_iter().flatten().collect()));
    }
    let uploads: Vec<Upload> = asking.iter().map(|one| upload(&one.scan)).collect();
    let views = match device.edge.ask(&earlier, &uploads, timeout(device)).await {
        Ok(views) => views,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(promised) = views.iter().filter_map(|view| Guarantee::from_word(&view.guarantee)).max() {
        device.contact.promised(promised);
    }
    let others = note(device, asking.into_iter().map(|one| (one.scan, one.ticket.body.seat())).collect(), &views).await;
    let mut asked = views.into_iter().zip(others);
    let all = answered.into_iter().map(|answer| answer.or_else(|| asked.next()));
    Ok(Ok(all.collect::<Option<Vec<_>>>().context("answer every ticket")?))
}

/// What is known of a scan before it is asked about.
struct Before {
    numbered: Numbered,
    /// Who of the booking is outside yet, where it was answered.
    others: Vec<Member>,
    /// The scan by which this device has let the ticket in.
    admitting: Option<Queued>,
}

fn before(db: &Connection, scans: Vec<Scan>) -> rusqlite::Result<Vec<Before>> {
    let look = |scan: Scan| {
        let numbered = store::numbered(db, &scan)?;
        let others = match &numbered.answered {
            Some(view) => store::others_with(db, scan.ticket, view)?,
            None => Vec::new(),
        };
        Ok(Before { numbered, others, admitting: store::admitting(db, scan.ticket)? })
    };
    scans.into_iter().map(look).collect()
}

/// A key not known here may be known to the edge: its certificate is on the way. Where no answer comes in time the edge may have
/// admitted all the same, so the next reading of that code asks under the same number.
pub(crate) async fn about_key(
    device: &Device,
    code: &str,
    id: ScanId,
    clock: Clock,
) -> Result<Option<VerdictView>, Problem> {
    let Ok(ticket) = TicketCode::parse(code) else { return Ok(None) };
    let body = ticket.body().clone();
    let mut scan = Scan {
        id,
        ticket: body.ticket,
        member: None,
        show: body.show,
        code: code.trim().to_ascii_uppercase(),
        at: clock.now,
        door: device.identity.door.clone(),
    };
    let asked = scan.clone();
    let reachable = device.contact.reachable();
    let numbered = device
        .writer
        .run(move |_, tx, _| Ok(if reachable { store::ask_under(tx, &asked)? } else { store::numbered(tx, &asked)? }))
        .await?;
    if let Some(view) = numbered.answered {
        return Ok(Some(*view));
    }
    if !reachable {
        return Ok(None);
    }
    scan.id = numbered.id;
    match device.edge.ask(&[], &[upload(&scan)], timeout(device)).await {
        Ok(mut views) => {
            // What the edge takes for no ticket is none to keep here.
            let genuine = |view: &VerdictView| matches!(view.verdict.as_str(), "admit" | "already");
            if views.first().is_some_and(genuine) {
                note(device, vec![(scan, body.seat())], &views).await;
            }
            Ok(views.pop())
        }
        Err(error) => {
            device.edge_failed(&error);
            let code = scan.code;
            device.writer.run(move |_, tx, _| Ok(store::set_free(tx, &code, id)?)).await?;
            Ok(None)
        }
    }
}

fn upload(scan: &Scan) -> Upload {
    Upload {
        id: scan.id.to_string(),
        code: scan.code.clone(),
        at: Zone::utc().rfc3339(scan.at),
        door: scan.door.clone(),
        local: None,
        member: scan.member.as_ref().map(|member| MemberUpload::new(member, scan.show)),
    }
}

/// Notes what the edge answered, so that a second scan is known as such when the edge is gone. The answers stand without it.
/// Returns who of each booking is outside yet.
pub(crate) async fn note(device: &Device, scans: Vec<(Scan, String)>, views: &[VerdictView]) -> Vec<Vec<Member>> {
    let count = scans.len();
    let answered: Vec<_> = scans.into_iter().zip(views.iter().cloned()).collect();
    let noted = device.writer.run(move |_, tx, _| {
        for ((scan, seat), view) in &answered {
            let own = || check::Admission { at: scan.at, door: scan.door.clone() };
            if let Some(entry) = first(view).or_else(|| (view.verdict == "admit").then(own)) {
                store::note_admission(tx, scan.ticket, scan.show, seat, &entry)?;
            }
            store::keep(tx, scan, view, false)?;
        }
        let others = |((scan, _), view): &((Scan, String), VerdictView)| store::others_with(tx, scan.ticket, view);
        Ok(answered.iter().map(others).collect::<rusqlite::Result<Vec<_>>>()?)
    });
    noted.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the edge's verdict could not be noted here");
        vec![Vec::new(); count]
    })
}

/// The entry of which a verdict tells. One that cannot be read is not known here; the edge's answer stands all the same.
fn first(view: &VerdictView) -> Option<check::Admission> {
    let told = view.verdict == "already" && view.code == VerdictCode::AlreadyAdmitted.code();
    view.first.as_ref().filter(|_| told).and_then(|first| admission(first).ok())
}
