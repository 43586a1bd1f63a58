//! Scans: every one is stored, the first good one of a ticket is its admission, by a constraint of the database.

use super::departures::{Recounted, departed, departures_of, recount};
use super::discrepancies::{SEAT_TAKEN, Story, TWICE, is_noted};
use super::entries;
use super::scan::{MemberRow, Scan, body_of, subject};
use super::verdict;
use crate::desk::Desk;
use anyhow::Context;
use node::view::VerdictView;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use shared::admission::{
    Admission, AdmittedScan, BadScan, CmRDT, DoorFacts, DoorShow, DoorTicket, Further, Guarantee, Member, Reading,
    ScanLog, ScanOp, Stays,
};
use shared::admission::{Verdict, VerdictCode, VerdictKind, decide, decide_member, inside};
use shared::entry::TicketRef;
use shared::ids::{ScanId, ShowNumber, TicketId};
use shared::ledger;
use shared::refusal::Refusal;
use shared::show::{self, Seat};
use shared::ticket::{TicketBody, TicketCode, VerifiedTicket, booking_code, read_booking_code};
use shared::time::Timestamp;

/// The one area of a theatre so far.
pub(super) const AREA: &str = "house";

/// The guarantee of an entry that a supervisor answers for.
pub(super) const OVERRIDE: &str = "OVERRIDE";

/// An admission as it stands, with the scan that made it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(super) scan: ScanId,
    /// When and where.
    pub(crate) admission: Admission,
}

impl Desk {
    /// Stores a scan of a device and answers it; the same scan again gets the same answer.
    ///
    /// # Errors
    /// If the database fails.
    pub fn scan(
        &mut self,
        tx: &Transaction<'_>,
        device: i64,
        scan: &Scan,
        now: Timestamp,
    ) -> anyhow::Result<VerdictView> {
        match stored(tx, scan.id)? {
            Some(before) if !before.is_of(scan) => {
                // A number that a device has used twice: each reading is judged and kept for itself.
                return self.scan(tx, device, &scan.renumbered(scan.id.of_code(&scan.subject())), now);
            }
            Some(Stored { answer, merged, .. })
                if merged || answer.verdict == VerdictKind::Admit.word() || !scan.happened() =>
            {
                return Ok(answer);
            }
            _ => {}
        }
        // A device whose call got no answer in time may have admitted what was refused here: that is merged too.
        let (ticket, answer) = self.judge(tx, device, scan, now).context("judge a scan")?;
        let local = scan.local.as_ref().map(serde_json::to_string).transpose()?;
        let member = scan.member_row().as_ref().map(serde_json::to_string).transpose()?;
        tx.prepare_cached(
            "INSERT INTO scans (scan, ticket, code, device, door, scanned_at, received_at, local, answer, member, incarnation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (scan) DO UPDATE SET local = excluded.local, answer = excluded.answer",
        )?
        .execute(params![
            scan.id.0,
            ticket.map(|ticket| ticket.0),
            scan.code,
            device,
            scan.door,
            scan.at.0,
            now.0,
            local,
            serde_json::to_string(&answer)?,
            member,
            scan.incarnation.0.cast_signed()
        ])?;
        Ok(answer)
    }

    /// The ticket, where the code could be read, and the answer.
    fn judge(
        &mut self,
        tx: &Transaction<'_>,
        device: i64,
        scan: &Scan,
        now: Timestamp,
    ) -> anyhow::Result<(Option<TicketId>, VerdictView)> {
        let guarantee = self.guarantee(tx, now)?;
        let genuine = match self.reading(scan, now) {
            Reading::Genuine(genuine) => genuine,
            Reading::Answered(mut verdict) => {
                verdict.guarantee = guarantee;
                self.note_unsigned(tx, scan, &verdict, now)?;
                return Ok((verdict.ticket, verdict::view(&verdict, &self.identity().zone)));
            }
        };
        let body = &genuine.body;
        let facts = self.door_facts(tx, body)?;
        let clock = scan.clock(now);
        let mut verdict = match &scan.member {
            None => decide(&genuine, &facts, self.door(), clock, guarantee),
            Some(_) => {
                let same_booking =
                    read_booking_code(&scan.code).is_some() || self.is_same_booking(&scan.code, body.ticket);
                decide_member(&genuine, same_booking, &facts, self.door(), clock, guarantee)
            }
        };
        if scan.happened() || scan.asks() && verdict.kind() == VerdictKind::Admit {
            let first = self.merge(tx, device, body, scan, now)?;
            if first.is_some() {
                verdict.code = VerdictCode::AlreadyAdmitted;
                verdict.first = first;
            } else if verdict.code == VerdictCode::AlreadyAdmitted {
                verdict.code = VerdictCode::Ok;
                verdict.first = None;
            }
        }
        if scan.happened() && verdict.kind() != VerdictKind::Admit && verdict.code != VerdictCode::AlreadyAdmitted {
            let code = format!("admitted_{}", verdict.code);
            let story = Story {
                code: &code,
                body,
                scan: scan.id,
                guarantee: scan.guarantee(),
                entry: scan.entry(),
                first: None,
            };
            self.note(tx, &story, now)?;
        }
        if scan.asks() && verdict.code == VerdictCode::SeatTaken && !is_noted(tx, SEAT_TAKEN, body.ticket)? {
            let (entry, first) = (scan.entry(), verdict.first.as_ref());
            let story = Story { code: SEAT_TAKEN, body, scan: scan.id, guarantee: scan.guarantee(), entry, first };
            self.note(tx, &story, now)?;
        }
        Ok((Some(body.ticket), verdict::view(&verdict, &self.identity().zone)))
    }

    /// A door has let somebody in on a code that is not signed by any key known here.
    fn note_unsigned(
        &mut self,
        tx: &Transaction<'_>,
        scan: &Scan,
        verdict: &Verdict,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        if !scan.happened() {
            return Ok(());
        }
        let body = match TicketCode::parse(&scan.code) {
            Ok(code) => body_of(scan.member.as_ref(), code.body()),
            Err(_) => scan.told(self.door().theatre),
        };
        let Some(body) = body else { return Ok(()) };
        let code = format!("admitted_{}", verdict.code);
        let (guarantee, entry) = (scan.guarantee(), scan.entry());
        self.note(tx, &Story { code: &code, body: &body, scan: scan.id, guarantee, entry, first: None }, now)
    }

    /// What the code says; of a short one, what the book says of the ticket that is let in by it.
    pub(super) fn reading(&self, scan: &Scan, now: Timestamp) -> Reading {
        let (Some(member), Some(code)) = (&scan.member, read_booking_code(&scan.code)) else {
            return scan.reading(self.ring(), now);
        };
        let unknown = || {
            let verdict = Verdict::bare(VerdictCode::NotInBook, Guarantee::Solo);
            Reading::Answered(Verdict { ticket: Some(member.ticket), seat: Some(member.seat.clone()), ..verdict })
        };
        self.booked(member, &code).map_or_else(unknown, Reading::Genuine)
    }

    /// A ticket that the book has under this short code.
    fn booked(&self, member: &Member, code: &str) -> Option<VerifiedTicket> {
        let ledger = self.replica().ledger();
        let ticket = ledger.ticket(member.ticket)?;
        ticket.sale.filter(|sale| booking_code(sale.booking) == code)?;
        let show = ledger.show(ticket.at.show)?;
        member.by_the_book(self.door().theatre, ticket.at.show, &DoorShow::from(show))
    }

    /// Whether the book has a ticket under the booking of the one whose code was read.
    fn is_same_booking(&self, code: &str, ticket: TicketId) -> bool {
        let booking = |ticket| self.replica().ledger().ticket(ticket)?.sale.map(|sale| sale.booking);
        let read = TicketCode::parse(code).ok().and_then(|code| booking(code.body().ticket));
        read.is_some() && read == booking(ticket)
    }

    /// Adds an entry to what is known of the ticket. Returns the one that it came after, where somebody was inside already.
    fn merge(
        &mut self,
        tx: &Transaction<'_>,
        device: i64,
        body: &TicketBody,
        scan: &Scan,
        now: Timestamp,
    ) -> anyhow::Result<Option<Admission>> {
        let op = scan.told_by(device, body.ticket, now);
        let mut first = ScanLog::default();
        if let Err(bad) = first.validate_op(&op) {
            self.note_unmerged(tx, body, op, None, scan.guarantee(), bad)?;
            return Ok(None);
        }
        let entry = &op.scan.admission;
        let inserted = tx
            .prepare_cached(
                "INSERT INTO admissions (ticket, area, show, seat, scan, door, admitted_at, entered)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1) ON CONFLICT (ticket, area) DO NOTHING",
            )?
            .execute(params![body.ticket.0, AREA, body.show.0, body.seat(), scan.id.0, scan.door, entry.at.0])?;
        if inserted == 1 {
            // The set was empty: there is nothing that the entry could contradict.
            if !self.enter(body, entry, now) {
                tx.prepare_cached("UPDATE admissions SET entered = 0 WHERE ticket = ?1 AND area = ?2")?
                    .execute(params![body.ticket.0, AREA])?;
            }
            first.apply(op);
            if recount(tx, (body.ticket, body.show), (&ScanLog::default(), &first), Vec::new())?.changed {
                self.touch(body.ticket);
            }
            return Ok(None);
        }
        let (_, standing) = admission_of(tx, body.ticket)?.context("find the admission that is in the way")?;
        if standing.scan == scan.id {
            return Ok(None);
        }
        self.unite(tx, body, op, &standing, scan.guarantee(), now)
    }

    /// Unites an entry with those that are known of the ticket: each that began no stay of its own is listed.
    fn unite(
        &mut self,
        tx: &Transaction<'_>,
        body: &TicketBody,
        op: ScanOp,
        standing: &Standing,
        guarantee: &str,
        now: Timestamp,
    ) -> anyhow::Result<Option<Admission>> {
        let ticket = body.ticket;
        let mut told = entries::told_of(tx, ticket).context("read the entries on a ticket")?;
        let departures = departures_of(tx, ticket)?;
        let AdmittedScan { id, admission: entry, .. } = op.scan.clone();
        if let Err(bad) = told.log.validate_op(&op) {
            self.note_unmerged(tx, body, op, Some(&standing.admission), guarantee, bad)?;
            return Ok(Some(standing.admission.clone()));
        }
        let before = told.log.stays(ticket, &departures).map(|stays| stays.further).unwrap_or_default();
        let known = told.log.clone();
        told.add(op, guarantee);
        let Recounted { departures, changed } = recount(tx, (ticket, body.show), (&known, &told.log), departures)?;
        if changed {
            self.touch(ticket);
        }
        let Stays { entry: counts, further } =
            told.log.stays(ticket, &departures).context("find the entry that counts")?;
        if counts.id != id {
            entries::keep_further(tx, ticket, id, &entry)?;
        }
        if counts.id != standing.scan {
            entries::replace(tx, ticket, standing, &counts)?;
            self.touch(ticket);
        }
        let is_told = |further: &Further| before.iter().any(|known| known.scan.id == further.scan.id);
        for Further { scan, first } in further.iter().filter(|further| !is_told(further)) {
            let (guarantee, entry, first) = (told.guarantee(scan.id), scan.admission.clone(), Some(first));
            self.note(tx, &Story { code: TWICE, body, scan: scan.id, guarantee, entry, first }, now)?;
        }
        Ok(further.into_iter().find(|further| further.scan.id == id).map(|further| further.first))
    }

    /// An entry that is no part of the set is listed all the same.
    fn note_unmerged(
        &mut self,
        tx: &Transaction<'_>,
        body: &TicketBody,
        op: ScanOp,
        first: Option<&Admission>,
        guarantee: &str,
        bad: BadScan,
    ) -> anyhow::Result<()> {
        tracing::error!(ticket = %body.ticket, %bad, "an entry is not merged");
        let ScanOp { scan: AdmittedScan { id, admission: entry, .. }, received_at, .. } = op;
        self.note(tx, &Story { code: TWICE, body, scan: id, guarantee, entry, first }, received_at)
    }

    /// Writes the admission into the log. False where that must wait: the ticket's show is not known here yet, or the box is closed.
    fn enter(&mut self, body: &TicketBody, admission: &Admission, now: Timestamp) -> bool {
        let (show, ticket, generation) = (body.show, body.ticket, body.generation);
        let seat = self.replica().ledger().show(show).and_then(|show| show.plan.labelled(&body.seat()));
        let Some(seat) = seat else { return false };
        let at = TicketRef { show, seat, generation, ticket };
        match self.replica_mut().admit(at, admission.at, admission.door.clone(), now) {
            // Nothing is written on an unproven head; the door has admitted all the same, and it is entered once the box is open.
            Err(Refusal::Closed) => return false,
            // The ledger has the ticket for another seat; the scan and its verdict tell the story.
            Err(refusal) => tracing::warn!(%ticket, code = refusal.code(), "an admission was not entered into the log"),
            Ok(()) => self.note_entered(ticket),
        }
        true
    }

    /// Writes the admissions into the log whose shows have become known since.
    ///
    /// # Errors
    /// If the database fails.
    pub fn enter_late(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        let waiting: Vec<(String, Option<String>, Admission)> = tx
            .prepare_cached(
                "SELECT code, member, admissions.door, admitted_at FROM admissions JOIN scans USING (scan)
                 WHERE entered = 0",
            )?
            .query_map([], |row| {
                let admission = Admission { door: row.get(2)?, at: Timestamp(row.get(3)?) };
                Ok((row.get(0)?, row.get(1)?, admission))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (code, member, admission) in waiting {
            let member: Option<MemberRow> =
                member.map(|member| serde_json::from_str(&member)).transpose().context("read who was let in")?;
            let member = member.map(MemberRow::read).transpose()?;
            let body = match (TicketCode::parse(&code), &member) {
                (Ok(code), member) => body_of(member.as_ref(), code.body()),
                (Err(_), Some(member)) => self.booked(member, &code).map(|booked| booked.body),
                (Err(_), None) => None,
            };
            let Some(body) = body else { continue };
            if self.enter(&body, &admission, now) {
                tx.prepare_cached("UPDATE admissions SET entered = 1 WHERE ticket = ?1 AND area = ?2")?
                    .execute(params![body.ticket.0, AREA])?;
            }
        }
        Ok(())
    }

    pub(super) fn door_facts(&self, db: &Connection, body: &TicketBody) -> anyhow::Result<DoorFacts> {
        let show = self.replica().ledger().show(body.show);
        let seat = show.and_then(|show| show.plan.labelled(&body.seat()).and_then(|id| show.seat(id)));
        let known = self.replica().ledger().ticket(body.ticket).filter(|ticket| ticket.sale.is_some());
        Ok(DoorFacts {
            show: show.map(DoorShow::from),
            ticket: known.map(|ticket| self.door_ticket(ticket)),
            generation_max: seat.and_then(|seat| self.sold_generation(seat)),
            admitted: match self.first_admission(db, body.ticket)? {
                Some(first) => inside(Some(first), departed(db, body.ticket)?),
                None => None,
            },
            seat_admitted: other_admission(db, body)?,
        })
    }

    /// The last entry of a ticket, or the one in the log: an entry that came back with the log left no row at the door.
    fn first_admission(&self, db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<Admission>> {
        if let Some((_, standing)) = admission_of(db, ticket)? {
            return Ok(Some(standing.admission));
        }
        let logged = self.replica().ledger().ticket(ticket).and_then(|ticket| ticket.admitted.as_ref());
        Ok(logged.map(|first| Admission { at: first.at, door: first.door.clone() }))
    }

    /// The generation below which the seat's tickets have ended. What a cut has made unknown may have been sold at any.
    fn sold_generation(&self, seat: Seat) -> Option<u16> {
        match seat.standing {
            show::Standing::Sold(ticket) => self.replica().ledger().ticket(ticket).map(|ticket| ticket.at.generation),
            show::Standing::Free | show::Standing::Withheld => Some(seat.generation),
            show::Standing::Unknown => None,
        }
    }

    /// A ticket of the book as the doors see it.
    pub fn door_ticket(&self, ticket: &ledger::Ticket) -> DoorTicket {
        let (number, seat) = (ticket.at.show, ticket.at.seat);
        let label =
            self.replica().ledger().show(number).map_or_else(|| format!("#{seat}"), |show| show.plan.label(seat));
        DoorTicket { show: number, seat: label, generation: ticket.at.generation, state: self.door_state(ticket) }
    }
}

/// A scan that was stored before.
struct Stored {
    /// What it was about.
    subject: String,
    answer: VerdictView,
    /// What the device did by itself is in the answer.
    merged: bool,
}

impl Stored {
    fn is_of(&self, scan: &Scan) -> bool {
        self.subject == scan.subject()
    }
}

fn stored(db: &Connection, scan: ScanId) -> anyhow::Result<Option<Stored>> {
    let found: Option<(String, Option<String>, String, bool)> = db
        .prepare_cached("SELECT code, member, answer, local IS NOT NULL FROM scans WHERE scan = ?1")?
        .query_row([scan.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((code, member, answer, merged)) = found else { return Ok(None) };
    let member: Option<MemberRow> =
        member.map(|member| serde_json::from_str(&member)).transpose().context("read who was let in")?;
    let answer = serde_json::from_str(&answer).context("read a stored answer")?;
    Ok(Some(Stored { subject: subject(&code, member.as_ref().map(|member| member.ticket.as_str())), answer, merged }))
}

/// The last entry of a ticket, and the show it is for.
pub(crate) fn admission_of(db: &Connection, ticket: TicketId) -> rusqlite::Result<Option<(ShowNumber, Standing)>> {
    db.prepare_cached("SELECT scan, admitted_at, door, show FROM admissions WHERE ticket = ?1 AND area = ?2")?
        .query_row(params![ticket.0, AREA], |row| {
            let admission = Admission { at: Timestamp(row.get(1)?), door: row.get(2)? };
            Ok((ShowNumber(row.get(3)?), Standing { scan: ScanId(row.get(0)?), admission }))
        })
        .optional()
}

/// The first admission of another ticket for the same seat of the show. Asked for the first one SQLite would make a table to sort them
/// in, for each scan, where there is hardly ever one.
fn other_admission(db: &Connection, body: &TicketBody) -> rusqlite::Result<Option<(TicketId, Admission)>> {
    let others: Vec<_> = db
        .prepare_cached(
            "SELECT ticket, admitted_at, door FROM admissions WHERE show = ?1 AND seat = ?2 AND area = ?3 AND ticket != ?4",
        )?
        .query_map(params![body.show.0, body.seat(), AREA, body.ticket.0], |row| {
            Ok((TicketId(row.get(0)?), Admission { at: Timestamp(row.get(1)?), door: row.get(2)? }))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(others.into_iter().min_by_key(|(_, admission)| admission.at))
}
