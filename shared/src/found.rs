//! A ticket that somebody holds and no log may know: what it says, and whether its signature can be believed.

use crate::admission::{self, VerdictCode};
use crate::entry::TicketRef;
use crate::keys::{KeyRing, Standing};
use crate::ledger::Ledger;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// A genuine ticket with the seat it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTicket {
    /// The ticket and its seat.
    pub at: TicketRef,
    /// The seat's label.
    pub label: String,
    /// What such a seat costs now, minor units: no ticket says what was paid for it.
    pub price: u32,
    /// Signed with a revoked key: whoever stole the key could have written it, so one person's word is not enough.
    pub revoked: bool,
}

/// Why a code is no ticket that can be found here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    /// The code itself: `malformed`, `wrong_theatre`, `unknown_key`, `bad_signature`.
    Code(VerdictCode),
    /// What it names: `unknown_show`, `unknown_seat`.
    Refused(Refusal),
}

impl FoundTicket {
    /// Reads a code, checks its signature and looks up its seat.
    ///
    /// # Errors
    /// See [`NotFound`].
    pub fn read(code: &str, ring: &KeyRing, ledger: &Ledger, now: Timestamp) -> Result<Self, NotFound> {
        let genuine = admission::genuine(code, ring, ring.theatre(), now).map_err(|not| NotFound::Code(not.code))?;
        let body = &genuine.body;
        let show = ledger.show(body.show).ok_or(NotFound::Refused(Refusal::UnknownShow))?;
        let label = body.seat();
        let unknown = NotFound::Refused(Refusal::UnknownSeat);
        let seat = show.plan.labelled(&label).filter(|_| show.facts.screen == body.screen).ok_or(unknown)?;
        let category = show.plan.seat(seat).ok_or(unknown)?.category;
        let price = show.facts.prices.get(usize::from(category)).copied().unwrap_or_default();
        let at = TicketRef { show: body.show, seat, generation: body.generation, ticket: body.ticket };
        Ok(Self { at, label, price, revoked: genuine.standing == Standing::Revoked })
    }
}
