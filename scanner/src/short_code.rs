//! A guest without a code that can be read, who knows the short code of the booking: the book says which tickets that lets in.
//!
//! One ticket comes in at once. Of several somebody at the door chooses, and they come in as a group does. Each is a scan of its own by
//! that code, and the edge, which has the book, accepts it only where the ticket is booked under it.

use crate::group::AnswerView;
use crate::scan::{Presented, let_in, new_id, new_scan};
use crate::server::Device;
use crate::store::{self, Booked};
use anyhow::Context;
use node::problem::Problem;
use shared::admission::{self, Clock, Guarantee, Member, Verdict, VerdictCode, VerdictKind};
use shared::ids::ScanId;
use shared::ticket::VerifiedTicket;
use std::sync::{Arc, PoisonError};

/// Answers a short code.
pub(crate) async fn answer(
    device: &Arc<Device>,
    code: String,
    id: Option<ScanId>,
    (clock, alone): (Clock, Guarantee),
) -> Result<AnswerView, Problem> {
    let tries = || device.tries.lock().unwrap_or_else(PoisonError::into_inner);
    if !tries().may_try(clock.now) {
        return Ok(device.view(&Verdict::bare(VerdictCode::TooManyCodes, alone)).into());
    }
    let (door, asked) = (device.door.clone(), code.clone());
    let judged = device.readers.read(move |db| {
        let judge = |booked: Booked| -> anyhow::Result<Option<(Member, VerifiedTicket, Verdict)>> {
            let Booked { member, show, facts } = booked;
            let Some(ticket) = member.by_the_book(door.theatre, show, &facts) else { return Ok(None) };
            let known = store::facts(db, &ticket.body)?;
            let verdict = admission::decide_member(&ticket, true, &known, &door, clock, alone);
            Ok(Some((member, ticket, verdict)))
        };
        let booked = store::booked(db, &asked)?.into_iter();
        let judged = booked.filter_map(|booked| judge(booked).transpose()).collect::<Result<Vec<_>, _>>()?;
        let before = id.map(|id| store::ticket_of(db, id, &asked)).transpose()?.flatten();
        Ok((judged, before))
    });
    let (judged, before) = judged.await?;
    if judged.is_empty() {
        tries().miss(clock.now);
        return Ok(device.view(&Verdict::bare(VerdictCode::CodeNotKnown, alone)).into());
    }
    let good = |(_, _, verdict): &&(Member, VerifiedTicket, Verdict)| verdict.kind() == VerdictKind::Admit;
    let others: Vec<Member> = judged.iter().filter(good).map(|(member, ..)| member.clone()).collect();
    // Whoever lost the answer asks about the ticket that it was about.
    let again = judged.iter().position(|(member, ..)| Some(member.ticket) == before);
    if again.is_none() && others.len() > 1 {
        let verdict = device.view(&Verdict::bare(VerdictCode::ChooseTickets, alone));
        return Ok(AnswerView::new(verdict, &others).of_booking(code));
    }
    // The one that may come in, else the first one's reason why not.
    let at = again.or_else(|| judged.iter().position(|one| good(&one))).unwrap_or(0);
    let (member, ticket, _) = judged.into_iter().nth(at).context("find the ticket of a short code")?;
    let id = id.unwrap_or_else(|| new_id(clock));
    let read = ticket.body.ticket;
    let scan = new_scan(device, id, &ticket, Some(member), &code, clock);
    let mut answers = let_in(device, vec![Presented { scan, ticket, read }], clock, alone).await?;
    let (view, others) = answers.pop().context("answer one scan")?;
    Ok(AnswerView::new(view, &others))
}

/// Tickets that somebody chose of those under a short code; nothing if one of them is not.
pub(crate) fn present(
    device: &Device,
    code: &str,
    (booked, ids): (Vec<Booked>, Vec<ScanId>),
    clock: Clock,
) -> Option<Vec<Presented>> {
    let present = |(booked, id): (Booked, ScanId)| {
        let Booked { member, show, facts } = booked;
        let ticket = member.by_the_book(device.door.theatre, show, &facts)?;
        let scan = new_scan(device, id, &ticket, Some(member), code, clock);
        let read = ticket.body.ticket;
        Some(Presented { scan, ticket, read })
    };
    booked.into_iter().zip(ids).map(present).collect()
}
