//! Groups: the tickets of one booking for one show, of which one was read and the others are let in with it.
//!
//! Whoever shows one genuine ticket brings their company along. Each of these is a scan of its own, with an id and a verdict of its
//! own, so a group changes nothing of what "once" means; only its code is the one of the ticket that was read.

use super::{Clock, Door, DoorFacts, DoorShow, Guarantee, Verdict, VerdictCode, VerdictKind, decide};
use crate::ids::{ShowNumber, Side, TheatreId, TicketId};
use crate::keys::Standing;
use crate::ticket::{RowLabel, TicketBody, VerifiedTicket};

/// A ticket of the booking as the book has it, to be let in by the code of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The ticket.
    pub ticket: TicketId,
    /// Its seat's label.
    pub seat: String,
    /// The version of the seat's sale.
    pub generation: u16,
}

impl Member {
    /// What this ticket would say, given what another one of its booking says. Nothing for a seat that no ticket can name.
    pub fn body(&self, read: &TicketBody) -> Option<TicketBody> {
        let (row, number) = seat_parts(&self.seat)?;
        Some(TicketBody { ticket: self.ticket, row, number, generation: self.generation, ..read.clone() })
    }

    /// The same where nothing was read but the short code of the booking: what the book says of its show and seat. Nobody has signed it,
    /// so it is worth what the book says and no more.
    pub fn by_the_book(&self, theatre: TheatreId, number: ShowNumber, show: &DoorShow) -> Option<VerifiedTicket> {
        let (row, seat) = seat_parts(&self.seat)?;
        let body = TicketBody {
            ticket: self.ticket,
            theatre,
            show: number,
            screen: show.screen,
            row,
            number: seat,
            generation: self.generation,
            valid_from: show.starts_at,
            valid_until: show.ends_at,
        };
        Some(VerifiedTicket { body, side: Side::Edge, standing: Standing::Valid })
    }

    /// The same of a ticket whose signature was checked: that it is of the same booking is for the book to say.
    pub fn vouched_by(&self, read: &VerifiedTicket) -> Option<VerifiedTicket> {
        Some(VerifiedTicket { body: self.body(&read.body)?, ..read.clone() })
    }
}

/// Decides on a member. Its own signature was not seen, so the book must have it, and under the booking of the ticket that was read.
pub fn decide_member(
    member: &VerifiedTicket,
    same_booking: bool,
    facts: &DoorFacts,
    door: &Door,
    clock: Clock,
    guarantee: Guarantee,
) -> Verdict {
    let mut verdict = decide(member, facts, door, clock, guarantee);
    if verdict.kind() == VerdictKind::Admit && !(same_booking && facts.ticket.is_some()) {
        verdict.code = VerdictCode::NotInBook;
    }
    verdict
}

/// Row and number of a label. A row may end in a digit; any split that gives the label back names the same seat.
fn seat_parts(label: &str) -> Option<(RowLabel, u16)> {
    let digits = label.bytes().rev().take_while(u8::is_ascii_digit).count();
    let splits = label.len() - digits..label.len();
    splits.filter(|at| !label[*at..].starts_with('0') || label.len() == at + 1).find_map(|at| {
        let (row, number) = label.split_at(at);
        Some((RowLabel::new(row)?, number.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{DoorTicket, TicketState};
    use crate::ids::{ScreenId, ShowNumber, Side, TheatreId};
    use crate::keys::Standing;
    use crate::time::Timestamp;

    #[test]
    fn a_member_is_the_ticket_that_was_read_on_another_seat() {
        let read = TicketBody {
            ticket: TicketId([1; 8]),
            theatre: TheatreId(12),
            show: ShowNumber(345),
            screen: ScreenId(2),
            row: RowLabel::new("F").expect("a row"),
            number: 4,
            generation: 3,
            valid_from: Timestamp(60_000),
            valid_until: Timestamp(120_000),
        };
        let member = |seat: &str| Member { ticket: TicketId([2; 8]), seat: seat.into(), generation: 1 };
        for seat in ["F5", "AA12", "A10", "A01", "12", "105", "X0", "ABC65535", "1A7"] {
            let body = member(seat).body(&read).expect(seat);
            assert_eq!((body.seat().as_str(), body.ticket, body.generation), (seat, TicketId([2; 8]), 1));
            assert_eq!((body.show, body.valid_until), (read.show, read.valid_until));
        }
        for seat in ["", "F", "#17", "5", "ABCD1", "Ä1", "A 1"] {
            assert_eq!(member(seat).body(&read), None, "{seat:?}");
        }
    }

    #[test]
    fn a_member_is_let_in_by_the_book_only() {
        let door = Door::to_all_screens(TheatreId(12));
        let clock = Clock { now: Timestamp(90_000), verified: true };
        let body = TicketBody {
            ticket: TicketId([2; 8]),
            theatre: TheatreId(12),
            show: ShowNumber(345),
            screen: ScreenId(2),
            row: RowLabel::new("F").expect("a row"),
            number: 5,
            generation: 0,
            valid_from: Timestamp(60_000),
            valid_until: Timestamp(120_000),
        };
        let member = VerifiedTicket { body, side: Side::Central, standing: Standing::Valid };
        let known = |state| DoorTicket { show: ShowNumber(345), seat: "F5".into(), generation: 0, state };
        let facts = |ticket| DoorFacts { ticket, ..DoorFacts::default() };
        for (ticket, same_booking, code) in [
            (Some(known(TicketState::Live)), true, VerdictCode::ShowNotKnown),
            (Some(known(TicketState::Live)), false, VerdictCode::NotInBook),
            (None, true, VerdictCode::NotInBook),
            (Some(known(TicketState::Void)), true, VerdictCode::Void),
            (Some(known(TicketState::Void)), false, VerdictCode::Void),
        ] {
            let verdict = decide_member(&member, same_booking, &facts(ticket), &door, clock, Guarantee::Solo);
            assert_eq!(verdict.code, code);
        }
    }
}
