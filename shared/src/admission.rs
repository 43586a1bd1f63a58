//! The admission check: may the bearer of this code go through this door, as far as this device knows?
//!
//! Pure, the same for edge and scanner: [`read`] checks form, theatre and signature, [`decide`] goes by what the device knows
//! ([`DoorFacts`]) in a fixed order, the worst news first; [`check`] is both. It is lenient where the device may be the one
//! that is wrong: an unverified clock never refuses, a show never heard of is admitted by signature, and a key not known
//! here is *unknown*, not *invalid*.

mod departure;
mod group;
mod scan_log;
mod stays;
mod tries;
mod verdict;

pub use crdts::CmRDT;
pub use departure::{Departure, Effect, UNDO_WITHIN, WayOut, inside};
pub use group::{Member, decide_member};
pub use scan_log::{Actor, AdmittedScan, BadScan, ScanLog, ScanOp};
pub use stays::{Further, Stays};
pub use tries::{TRIES_MAX, TRIES_WITHIN, Tries};
pub use verdict::{Admission, Guarantee, Verdict, VerdictCode, VerdictKind};

use crate::ids::{ScreenId, ShowNumber, Side, TheatreId, TicketId};
use crate::keys::{BadSigner, KeyRing, Standing};
use crate::planted::{self, Plant};
use crate::show::Show;
use crate::ticket::{TicketBody, TicketCode, VerifiedTicket};
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a door serves and when it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The theatre.
    pub theatre: TheatreId,
    /// The screens behind this door; empty for all.
    pub screens: BTreeSet<ScreenId>,
    /// The shows this door is bound to; empty for all.
    pub shows: BTreeSet<ShowNumber>,
    /// How long before a show's start it admits.
    pub early: Duration,
    /// How long after a show's end it still admits.
    pub late: Duration,
}

impl Door {
    /// A door to all screens that opens two hours before a show's start and closes 15 minutes after its end.
    pub fn to_all_screens(theatre: TheatreId) -> Self {
        let (early, late) = (Duration::from_secs(2 * 3600), Duration::from_secs(15 * 60));
        Self { theatre, screens: BTreeSet::new(), shows: BTreeSet::new(), early, late }
    }
}

/// The device's clock at the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What it shows.
    pub now: Timestamp,
    /// Whether it was compared with the edge's or a time server's since the device started.
    pub verified: bool,
}

/// What a device knows of a show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorShow {
    /// The screen it runs on now.
    pub screen: ScreenId,
    /// The title.
    pub title: String,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// Cancelled.
    pub cancelled: bool,
}

impl From<&Show> for DoorShow {
    fn from(show: &Show) -> Self {
        let Show { facts, cancelled, .. } = show;
        Self {
            screen: facts.screen,
            title: facts.title.clone(),
            starts_at: facts.starts_at(),
            ends_at: facts.ends_at(),
            cancelled: *cancelled,
        }
    }
}

/// The state of a ticket in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketState {
    /// Good.
    Live,
    /// Its end is asked for; the door treats it as void.
    VoidRequested,
    /// Ended.
    Void,
}

impl TicketState {
    /// `live void_requested void`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::VoidRequested => "void_requested",
            Self::Void => "void",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Live, Self::VoidRequested, Self::Void].into_iter().find(|state| state.word() == word)
    }
}

/// A ticket as the book has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorTicket {
    /// The show.
    pub show: ShowNumber,
    /// The seat's label.
    pub seat: String,
    /// The version of the seat's sale.
    pub generation: u16,
    /// Its state.
    pub state: TicketState,
}

/// What this device knows about one scanned ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DoorFacts {
    /// The ticket's show, if ever heard of.
    pub show: Option<DoorShow>,
    /// The ticket in the book, if it is there.
    pub ticket: Option<DoorTicket>,
    /// The largest generation known for the ticket's show and seat.
    pub generation_max: Option<u16>,
    /// The first admission of this ticket, own ones included.
    pub admitted: Option<Admission>,
    /// The first admission of another ticket for the same show, seat and area.
    pub seat_admitted: Option<(TicketId, Admission)>,
}

/// What the code alone tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Signed by a certified key of this theatre: what the device knows decides.
    Genuine(VerifiedTicket),
    /// The answer is clear without asking anybody, but for [`VerdictCode::UnknownKey`]: another device may know the key.
    Answered(Verdict),
}

/// Why a code is no genuine ticket of a theatre, and what it says where it says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotGenuine {
    /// `malformed`, `upgrade_needed`, `wrong_theatre`, `unknown_key` or `bad_signature`.
    pub code: VerdictCode,
    /// What it says, though nobody vouches for it.
    pub body: Option<TicketBody>,
}

/// Reads a code and checks theatre and signature.
///
/// # Errors
/// See [`NotGenuine`].
pub fn genuine(code: &str, ring: &KeyRing, theatre: TheatreId, now: Timestamp) -> Result<VerifiedTicket, NotGenuine> {
    let ticket = TicketCode::parse(code).map_err(|bad| {
        let code = if bad.is_of_a_later_format() { VerdictCode::UpgradeNeeded } else { VerdictCode::Malformed };
        NotGenuine { code, body: None }
    })?;
    let not = |code| NotGenuine { code, body: Some(ticket.body().clone()) };
    // Before the signature: the keys of another theatre are not known here, and nobody forges himself a refusal.
    if ticket.body().theatre != theatre {
        return Err(not(VerdictCode::WrongTheatre));
    }
    ticket.verify(ring, now).map_err(|bad| match bad {
        BadSigner::UnknownKey(_) => not(VerdictCode::UnknownKey),
        BadSigner::Signature(_) => not(VerdictCode::BadSignature),
    })
}

/// Reads a code and checks theatre and signature, for a door.
pub fn read(code: &str, ring: &KeyRing, door: &Door, clock: Clock, guarantee: Guarantee) -> Reading {
    match genuine(code, ring, door.theatre, clock.now) {
        Ok(ticket) => Reading::Genuine(ticket),
        Err(NotGenuine { code, body: None }) => Reading::Answered(Verdict::bare(code, guarantee)),
        Err(NotGenuine { code, body: Some(body) }) => Reading::Answered(Verdict::of(&body, code, guarantee)),
    }
}

/// Decides on a genuine ticket by what the device knows.
pub fn decide(ticket: &VerifiedTicket, facts: &DoorFacts, door: &Door, clock: Clock, guarantee: Guarantee) -> Verdict {
    let code = reason(ticket, facts, door, clock, guarantee);
    let mut verdict = Verdict::of(&ticket.body, code, guarantee);
    if let Some(show) = &facts.show {
        verdict.screen = Some(show.screen);
        verdict.title = Some(show.title.clone());
    }
    match code {
        VerdictCode::AlreadyAdmitted => verdict.first.clone_from(&facts.admitted),
        VerdictCode::SeatTaken => verdict.first = facts.seat_admitted.as_ref().map(|(_, first)| first.clone()),
        VerdictCode::TooEarly => verdict.opens_in = Some(hours(ticket, facts, door).0.since(clock.now)),
        _ => {}
    }
    verdict
}

/// Reads a code and decides. `look_up` is called at most once, for a genuine ticket; its error is handed through.
pub fn check<E>(
    code: &str,
    ring: &KeyRing,
    door: &Door,
    clock: Clock,
    guarantee: Guarantee,
    look_up: impl FnOnce(&TicketBody) -> Result<DoorFacts, E>,
) -> Result<Verdict, E> {
    match read(code, ring, door, clock, guarantee) {
        Reading::Answered(verdict) => Ok(verdict),
        Reading::Genuine(ticket) => Ok(decide(&ticket, &look_up(&ticket.body)?, door, clock, guarantee)),
    }
}

fn reason(ticket: &VerifiedTicket, facts: &DoorFacts, door: &Door, clock: Clock, guarantee: Guarantee) -> VerdictCode {
    let body = &ticket.body;
    let in_book = match &facts.ticket {
        None => false,
        Some(known) if known.state != TicketState::Live && !planted::is(Plant::EndedTicketAdmitted) => {
            return VerdictCode::Void;
        }
        Some(known) => {
            let same = (known.show, known.seat.as_str(), known.generation);
            if same != (body.show, body.seat().as_str(), body.generation) {
                return VerdictCode::NotInBook;
            }
            true
        }
    };
    match ticket.standing {
        Standing::Revoked if !in_book => return VerdictCode::Revoked,
        Standing::OutOfDate if !in_book && clock.verified => return VerdictCode::UnknownKey,
        Standing::Valid | Standing::OutOfDate | Standing::Revoked => {}
    }
    if facts.generation_max.is_some_and(|largest| body.generation < largest) {
        return VerdictCode::Superseded;
    }
    if facts.show.as_ref().is_some_and(|show| show.cancelled) {
        return VerdictCode::ShowCancelled;
    }
    if !door.shows.is_empty() && !door.shows.contains(&body.show) {
        return VerdictCode::WrongShow;
    }
    let screen = facts.show.as_ref().map_or(body.screen, |show| show.screen);
    if !door.screens.is_empty() && !door.screens.contains(&screen) {
        return VerdictCode::WrongScreen;
    }
    if facts.admitted.is_some() && !planted::is(Plant::AdmittedAgain) {
        return VerdictCode::AlreadyAdmitted;
    }
    if facts.seat_admitted.as_ref().is_some_and(|(other, _)| *other != body.ticket) {
        return VerdictCode::SeatTaken;
    }
    if !in_book && ticket.side == Side::Edge && guarantee == Guarantee::Shared {
        return VerdictCode::NotInBook;
    }
    let (opens, closes) = hours(ticket, facts, door);
    if clock.verified && clock.now < opens {
        return VerdictCode::TooEarly;
    }
    if clock.verified && clock.now > closes {
        return VerdictCode::TooLate;
    }
    if facts.show.is_none() { VerdictCode::ShowNotKnown } else { VerdictCode::Ok }
}

fn hours(ticket: &VerifiedTicket, facts: &DoorFacts, door: &Door) -> (Timestamp, Timestamp) {
    let (start, end) = facts
        .show
        .as_ref()
        .map_or((ticket.body.valid_from, ticket.body.valid_until), |show| (show.starts_at, show.ends_at));
    (start - door.early, end + door.late)
}
