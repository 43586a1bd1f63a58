//! The JSON of the edge's door routes, and what it means here.

use crate::store::{self, Queued, Scan};
use node::view::{FirstAdmission, VerdictView};
use node::zone::{BadTime, Zone, parse_rfc3339};
use serde::{Deserialize, Serialize};
use shared::admission::{Admission, DoorShow, DoorTicket, Effect, Guarantee, Member, TicketState, WayOut};
use shared::ids::{BadId, KeyId, ScreenId, ShowNumber, TicketId};
use shared::time::Timestamp;

/// A scan as the edge takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Upload {
    /// 32 hex digits, made here, the same at every try.
    pub(crate) id: String,
    /// The ticket code.
    pub(crate) code: String,
    /// RFC 3339.
    pub(crate) at: String,
    /// The door's name.
    pub(crate) door: String,
    /// What was answered here; nothing while the edge is asked.
    pub(crate) local: Option<LocalVerdict>,
    /// The ticket, where it is let in by the code of another one of its booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<MemberUpload>,
}

/// A ticket as the book has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MemberUpload {
    ticket: String,
    seat: String,
    generation: u16,
    /// Its show, which a short code does not tell.
    show: u32,
}

impl MemberUpload {
    pub(crate) fn new(member: &Member, show: ShowNumber) -> Self {
        let Member { ticket, seat, generation } = member;
        Self { ticket: ticket.to_string(), seat: seat.clone(), generation: *generation, show: show.0 }
    }
}

impl From<&Queued> for Upload {
    fn from(scan: &Queued) -> Self {
        Self {
            id: scan.id.to_string(),
            code: scan.code.clone(),
            at: Zone::utc().rfc3339(scan.at),
            door: scan.door.clone(),
            local: Some(LocalVerdict {
                verdict: scan.verdict.clone(),
                code: scan.reason.clone(),
                guarantee: scan.guarantee.clone(),
            }),
            member: scan.member.as_ref().map(|member| MemberUpload::new(member, scan.show)),
        }
    }
}

/// A departure as the edge takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DepartureUpload {
    id: String,
    ticket: String,
    how: &'static str,
    at: String,
    door: String,
}

impl From<&store::Departed> for DepartureUpload {
    fn from(departed: &store::Departed) -> Self {
        let store::Departed { id, ticket, how, at, door, .. } = departed;
        let (id, ticket, at) = (id.to_string(), ticket.to_string(), Zone::utc().rfc3339(*at));
        Self { id, ticket, how: how.word(), at, door: door.clone() }
    }
}

/// A supervisor lets somebody in.
#[derive(Debug, Serialize)]
pub(crate) struct OverrideCall {
    id: String,
    code: String,
    /// The ticket, where the code is the short one of its booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<MemberUpload>,
    door: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'static str>,
    person: String,
    reason: String,
    supervisor: Supervisor,
}

#[derive(Debug, Serialize)]
struct Supervisor {
    staff: String,
    pin: String,
}

impl OverrideCall {
    pub(crate) fn new(scan: &Scan, person: String, reason: String, (staff, pin): (String, String)) -> Self {
        let supervisor = Supervisor { staff, pin };
        let member = scan.member.as_ref().map(|member| MemberUpload::new(member, scan.show));
        let (id, code, door) = (scan.id.to_string(), scan.code.clone(), scan.door.clone());
        Self { id, code, member, door, refused: None, person, reason, supervisor }
    }

    /// What this door refuses by its own settings, which the edge does not know.
    pub(crate) fn against(self, refused: Option<&'static str>) -> Self {
        Self { refused, ..self }
    }
}

/// A verdict this device gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LocalVerdict {
    pub(crate) verdict: String,
    pub(crate) code: String,
    pub(crate) guarantee: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) verdict: VerdictView,
}

#[derive(Debug, Deserialize)]
pub(super) struct Departed {
    pub(super) id: String,
    /// The ticket may enter again.
    counts: bool,
    /// The guest counts as outside, and the ticket stays used. A box of an earlier version knows no such thing.
    #[serde(default)]
    gone: bool,
}

impl Departed {
    pub(super) fn effect(&self) -> Effect {
        match (self.counts, self.gone) {
            (true, _) => Effect::Again,
            (false, true) => Effect::Gone,
            (false, false) => Effect::Nothing,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) code: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Feed {
    cursor: String,
    reset: bool,
    more: bool,
    boot: String,
    now: String,
    #[serde(default)]
    guarantee: Option<String>,
    certificates: Vec<String>,
    revoked_keys: Vec<String>,
    shows: Vec<Show>,
    tickets: Vec<Ticket>,
}

#[derive(Debug, Deserialize)]
struct Show {
    show: u32,
    screen: u8,
    title: String,
    starts_at: String,
    ends_at: String,
    cancelled: bool,
    #[serde(default)]
    exit: bool,
    #[serde(default)]
    reentry: bool,
}

#[derive(Debug, Deserialize)]
struct Ticket {
    ticket: String,
    show: u32,
    seat: String,
    generation: u16,
    state: String,
    admitted: Option<FirstAdmission>,
    #[serde(default)]
    left_at: Option<String>,
    #[serde(default)]
    gone_at: Option<String>,
    #[serde(default)]
    booking: Option<String>,
}

/// A part of the door feed, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedPage {
    /// Where to read on.
    pub(crate) cursor: String,
    /// This is the start: what it and its successors omit is gone.
    pub(crate) reset: bool,
    /// More is there already.
    pub(crate) more: bool,
    /// Changes with each start of the edge.
    pub(crate) boot: String,
    /// The edge's clock.
    pub(crate) now: Timestamp,
    /// What the edge's answer to a scan promises; a box of an earlier version says nothing and is believed to share.
    pub(crate) guarantee: Guarantee,
    pub(crate) certificates: Vec<String>,
    pub(crate) revoked_keys: Vec<KeyId>,
    /// With whether guests are let out, and back.
    pub(crate) shows: Vec<(ShowNumber, DoorShow, WayOut)>,
    pub(crate) tickets: Vec<FeedTicket>,
}

/// A ticket as the feed tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedTicket {
    pub(crate) id: TicketId,
    pub(crate) ticket: DoorTicket,
    pub(crate) admitted: Option<Admission>,
    /// The last departure after which it may enter again.
    pub(crate) left_at: Option<Timestamp>,
    /// The last departure after which it stays used.
    pub(crate) gone_at: Option<Timestamp>,
    /// The short code of its booking.
    pub(crate) booking: Option<String>,
}

/// A feed that says something this device does not understand; nothing of it is taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadFeed {
    #[error("{0}")]
    Id(#[from] BadId),
    #[error("{0}")]
    Time(#[from] BadTime),
    #[error("not a ticket state: {0:?}")]
    State(String),
}

impl TryFrom<Feed> for FeedPage {
    type Error = BadFeed;

    fn try_from(feed: Feed) -> Result<Self, BadFeed> {
        Ok(Self {
            now: parse_rfc3339(&feed.now)?,
            guarantee: feed.guarantee.as_deref().and_then(Guarantee::from_word).unwrap_or(Guarantee::Shared),
            revoked_keys: feed.revoked_keys.iter().map(|key| key.parse()).collect::<Result<_, _>>()?,
            shows: feed.shows.into_iter().map(Show::read).collect::<Result<_, _>>()?,
            tickets: feed.tickets.into_iter().map(Ticket::read).collect::<Result<_, _>>()?,
            cursor: feed.cursor,
            reset: feed.reset,
            more: feed.more,
            boot: feed.boot,
            certificates: feed.certificates,
        })
    }
}

impl Show {
    fn read(self) -> Result<(ShowNumber, DoorShow, WayOut), BadFeed> {
        let show = DoorShow {
            screen: ScreenId(self.screen),
            title: self.title,
            starts_at: parse_rfc3339(&self.starts_at)?,
            ends_at: parse_rfc3339(&self.ends_at)?,
            cancelled: self.cancelled,
        };
        Ok((ShowNumber(self.show), show, WayOut::new(self.exit, self.reentry)))
    }
}

impl Ticket {
    fn read(self) -> Result<FeedTicket, BadFeed> {
        let state = TicketState::from_word(&self.state).ok_or(BadFeed::State(self.state))?;
        let ticket = DoorTicket { show: ShowNumber(self.show), seat: self.seat, generation: self.generation, state };
        let admitted = self.admitted.map(|first| admission(&first)).transpose()?;
        let left_at = self.left_at.as_deref().map(parse_rfc3339).transpose()?;
        let gone_at = self.gone_at.as_deref().map(parse_rfc3339).transpose()?;
        Ok(FeedTicket { id: self.ticket.parse()?, ticket, admitted, left_at, gone_at, booking: self.booking })
    }
}

/// An admission as the edge writes it.
pub(crate) fn admission(first: &FirstAdmission) -> Result<Admission, BadTime> {
    Ok(Admission { at: parse_rfc3339(&first.at)?, door: first.door.clone() })
}
