//! One scan: what a device tells of it, and what its code says.

use super::entries::actor;
use serde::{Deserialize, Serialize};
use shared::admission::AdmittedScan;
use shared::admission::ScanOp;
use shared::admission::{
    Admission, Clock, Door, DoorShow, Guarantee, Member, Reading, Verdict, VerdictCode, VerdictKind, read,
};
use shared::ids::{BadId, Incarnation, ScanId, ScreenId, ShowNumber, TheatreId, TicketId};
use shared::keys::KeyRing;
use shared::ticket::TicketBody;
use shared::time::Timestamp;
use std::sync::Arc;

/// What was promised where the box itself has answered.
pub(super) const SHARED: &str = "SHARED";

/// What a device decided by itself before it asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalVerdict {
    /// `admit already unknown refuse`.
    pub verdict: String,
    /// The reason code.
    pub code: String,
    /// `SOLO` or `STALE`.
    pub guarantee: String,
}

/// A ticket that is let in by the code of another one of its booking, as a device tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// 16 hex digits.
    pub ticket: String,
    /// `C12`.
    pub seat: String,
    /// The version of the seat's sale.
    pub generation: u16,
    /// Its show, as the device knows it; what a device of an earlier version does not tell is the one of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<u32>,
}

impl MemberRow {
    /// What it says.
    ///
    /// # Errors
    /// If the ticket has no number.
    pub fn read(self) -> Result<Member, BadId> {
        Ok(Member { ticket: self.ticket.parse()?, seat: self.seat, generation: self.generation })
    }
}

impl From<&Member> for MemberRow {
    fn from(member: &Member) -> Self {
        Self { ticket: member.ticket.to_string(), seat: member.seat.clone(), generation: member.generation, show: None }
    }
}

/// One reading of a code, or one ticket of a group that is let in by it.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The device's id for it.
    pub id: ScanId,
    /// The text that was read.
    pub code: String,
    /// When, by the device's clock.
    pub at: Timestamp,
    /// The door's name.
    pub door: String,
    /// What the device decided by itself, if it did.
    pub local: Option<LocalVerdict>,
    /// The ticket this is about, where it is not the one whose code was read.
    pub(super) member: Option<Member>,
    /// Its show, as the device knows it.
    pub(super) show: Option<ShowNumber>,
    /// Which life of its device made it.
    pub(super) incarnation: Incarnation,
    /// What the code says, and the keys it was checked with.
    reading: Option<(Reading, Arc<KeyRing>)>,
}

impl Scan {
    /// A scan whose code nobody has looked at.
    pub fn new(id: ScanId, code: String, at: Timestamp, door: String, local: Option<LocalVerdict>) -> Self {
        Self { id, code, at, door, local, member: None, show: None, incarnation: Incarnation(0), reading: None }
    }

    /// The same about another ticket of the booking, for that show.
    pub fn about(self, member: Option<Member>, show: Option<ShowNumber>) -> Self {
        Self { member, show, reading: None, ..self }
    }

    /// The same by a device in that life of it.
    pub fn made_in(self, incarnation: Incarnation) -> Self {
        Self { incarnation, ..self }
    }

    /// The same as an entry on a ticket, told of by its device now.
    pub(super) fn told_by(&self, device: i64, ticket: TicketId, now: Timestamp) -> ScanOp {
        let scan = AdmittedScan { admission: self.entry(), actor: actor(device, self.incarnation), id: self.id };
        ScanOp::told(ticket, scan, now)
    }

    /// How the ticket is written down that it is about.
    pub(super) fn member_row(&self) -> Option<MemberRow> {
        self.member.as_ref().map(|member| MemberRow { show: self.show.map(|show| show.0), ..MemberRow::from(member) })
    }

    /// What the device says of the ticket of a short code, for a story: no book has it here.
    pub(super) fn told(&self, theatre: TheatreId) -> Option<TicketBody> {
        let screen = ScreenId(0);
        let show = DoorShow { screen, title: String::new(), starts_at: self.at, ends_at: self.at, cancelled: false };
        Some(self.member.as_ref()?.by_the_book(theatre, self.show?, &show)?.body)
    }

    /// The same under another id.
    pub(super) fn renumbered(&self, id: ScanId) -> Self {
        Self { id, ..self.clone() }
    }

    /// What it is about: one number of a device stands for one of these.
    pub(super) fn subject(&self) -> String {
        subject(&self.code, self.member.as_ref().map(|member| member.ticket.to_string()).as_deref())
    }

    /// Reads the code before it is the writer's turn: checking a signature takes as long as storing the scan.
    pub fn read(&mut self, ring: &Arc<KeyRing>, now: Timestamp) {
        self.reading = Some((self.read_with(ring, now), ring.clone()));
    }

    fn read_with(&self, ring: &KeyRing, now: Timestamp) -> Reading {
        let reading = read(&self.code, ring, &Door::to_all_screens(ring.theatre()), self.clock(now), Guarantee::Solo);
        let Some(member) = &self.member else { return reading };
        match reading {
            Reading::Genuine(ticket) => match member.vouched_by(&ticket) {
                Some(ticket) => Reading::Genuine(ticket),
                None => Reading::Answered(Verdict::bare(VerdictCode::NotInBook, Guarantee::Solo)),
            },
            Reading::Answered(verdict) => {
                Reading::Answered(Verdict { ticket: Some(member.ticket), seat: Some(member.seat.clone()), ..verdict })
            }
        }
    }

    /// What the code says by these keys. What was read with others before, a revocation ago perhaps, does not count.
    pub(super) fn reading(&self, ring: &Arc<KeyRing>, now: Timestamp) -> Reading {
        match &self.reading {
            Some((reading, with)) if Arc::ptr_eq(with, ring) => reading.clone(),
            _ => self.read_with(ring, now),
        }
    }

    /// What happened is judged by its own time, which the device's clock gave and nobody verified.
    pub(super) fn clock(&self, now: Timestamp) -> Clock {
        if self.happened() { Clock { now: self.at, verified: false } } else { Clock { now, verified: true } }
    }

    /// Somebody waits at the door for the answer.
    pub(super) fn asks(&self) -> bool {
        self.local.is_none()
    }

    pub(super) fn entry(&self) -> Admission {
        Admission { at: self.at, door: self.door.clone() }
    }

    /// What the door promised when it answered.
    pub(super) fn guarantee(&self) -> &str {
        self.local.as_ref().map_or(SHARED, |local| local.guarantee.as_str())
    }

    /// Somebody has walked in already.
    pub(super) fn happened(&self) -> bool {
        self.local.as_ref().is_some_and(|local| local.verdict == VerdictKind::Admit.word())
    }
}

/// A code as it is compared, and the ticket that is let in by it where it is another one.
pub(super) fn subject(code: &str, member: Option<&str>) -> String {
    let code = code.trim().to_ascii_uppercase();
    member.map_or_else(|| code.clone(), |member| format!("{code} {member}"))
}

/// What the ticket says that a scan is about.
pub(super) fn body_of(member: Option<&Member>, read: &TicketBody) -> Option<TicketBody> {
    member.map_or_else(|| Some(read.clone()), |member| member.body(read))
}
