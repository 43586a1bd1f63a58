//! What can happen next, each with a weight.

use super::network::Line;
use super::site::{SEATS, SHOWS};
use rand::RngExt;
use rand::rngs::StdRng;
use shared::ids::{SeatId, ShowNumber, Side};

/// One thing that people, machines or the network do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Somebody asks for neighbouring seats.
    Hold { side: Side, show: ShowNumber, first: SeatId, count: u32 },
    /// A held basket is paid.
    Sell { side: Side, nth: usize },
    /// A held basket is given back.
    Release { side: Side, nth: usize },
    /// A customer cancels a ticket at the side that sold it.
    Void { side: Side, nth: usize },
    /// The doors know of a void: the edge answers.
    AnswerVoid { nth: usize },
    /// Somebody shows a ticket at the door.
    Admit { nth: usize },
    /// The house keeps a seat, or gives it back.
    Withhold { side: Side, show: ShowNumber, seat: SeatId, withheld: bool },
    /// A side gives seats away by itself.
    HandOver { side: Side, show: ShowNumber, seat: SeatId },
    /// The line changes.
    Line(Line),
    /// The broker forgets everything, and everybody reconnects.
    WipeBroker,
    /// A node's process dies, before or after the commit of what it just did.
    Crash { side: Side, committed: bool },
    /// A node's process starts again.
    Start { side: Side },
    /// Time passes.
    Wait { ms: i64 },
}

impl Action {
    /// Draws the next action.
    pub fn draw(random: &mut StdRng) -> Self {
        let side = if random.random_bool(0.5) { Side::Central } else { Side::Edge };
        let show = ShowNumber(random.random_range(1..=SHOWS));
        let seat = SeatId(random.random_range(1..=SEATS));
        let nth = random.random_range(0..64);
        match random.random_range(0..100) {
            0..26 => Self::Hold { side, show, first: seat, count: random.random_range(1..=3) },
            26..48 => Self::Sell { side, nth },
            48..52 => Self::Release { side, nth },
            52..58 => Self::Void { side, nth },
            58..63 => Self::AnswerVoid { nth },
            63..68 => Self::Admit { nth },
            68..70 => Self::Withhold { side, show, seat, withheld: random.random_bool(0.5) },
            70..72 => Self::HandOver { side, show, seat },
            72..78 => Self::Line(Line { up: random.random_bool(0.4), down: random.random_bool(0.4) }),
            78..82 => Self::Line(Line { up: true, down: true }),
            82 => Self::WipeBroker,
            83..86 => Self::Crash { side, committed: random.random_bool(0.5) },
            86..92 => Self::Start { side },
            92..98 => Self::Wait { ms: random.random_range(10..2_000) },
            _ => Self::Wait { ms: random.random_range(2_000..15_000) },
        }
    }
}
