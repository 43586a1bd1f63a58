//! Ticket codes and the keys behind them, the same in every world.

use shared::entry::{ShowFacts, TicketRef};
use shared::ids::{Side, TheatreId};
use shared::keys::{Certificate, KeyRing, Purpose, SecretKey};
use shared::seating::SeatingPlan;
use shared::ticket::{RowLabel, TicketBody};
use shared::time::Timestamp;

/// The keys of a theatre.
#[derive(Debug)]
pub struct Codes {
    /// The theatre.
    pub theatre: TheatreId,
    /// The keys whose tickets are good.
    pub ring: KeyRing,
}

/// The key a side signs envelopes, heads and tickets with. A replacement box has another.
pub fn key(side: Side, box_number: u8) -> SecretKey {
    SecretKey::from_seed(&[if side == Side::Central { 1 } else { 2 + box_number }; 32])
}

impl Codes {
    /// The keys of a theatre, certified by the root.
    pub fn new(theatre: TheatreId) -> Self {
        let root = SecretKey::from_seed(&[99; 32]);
        let mut ring = KeyRing::new(root.public(), theatre);
        for (side, number) in [(Side::Central, 0), (Side::Edge, 0), (Side::Edge, 1)] {
            let certificate = Certificate {
                public_key: key(side, number).public(),
                theatre,
                side,
                valid_from: Timestamp(0),
                valid_until: Timestamp::from_minutes(1_000_000),
                purpose: Purpose::TicketsAndLink,
            };
            ring.add(&certificate.sign(&root)).expect("a certificate of the root");
        }
        Self { theatre, ring }
    }

    /// The code of a ticket, signed by a key.
    pub fn code(&self, at: TicketRef, plan: &SeatingPlan, show: &ShowFacts, signer: &SecretKey) -> String {
        let seat = plan.seats().find(|seat| seat.id == at.seat).expect("a seat of the plan");
        let body = TicketBody {
            ticket: at.ticket,
            theatre: self.theatre,
            show: at.show,
            screen: show.screen,
            row: RowLabel::new(seat.row).expect("a short label"),
            number: seat.number,
            generation: at.generation,
            valid_from: show.starts_at(),
            valid_until: show.ends_at(),
        };
        body.sign(signer).as_str().to_owned()
    }
}
