//! What can happen next, each with a weight.

use super::network::Line;
use super::node::{CrashPoint, Who};
use super::scanner::SCANNERS;
use super::setup::Setup;
use super::site::{SEATS, SHOWS};
use rand::RngExt;
use rand::rngs::StdRng;
use shared::ids::{SeatId, ShowNumber};

/// A code that nobody may be admitted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// Signed with a key of nobody.
    Key,
    /// A genuine code with another seat.
    Seat,
}

/// One thing that people, machines or the network do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Somebody asks for neighbouring seats.
    Hold { who: Who, show: ShowNumber, first: SeatId, count: u32 },
    /// A payment begins for a held basket.
    Pay { who: Who, nth: usize },
    /// A held basket is kept longer.
    Renew { who: Who, nth: usize },
    /// A held basket is paid.
    Sell { who: Who, nth: usize },
    /// Somebody asks again for what a request got, answered or not.
    Retry { nth: usize },
    /// A held basket is given back.
    Release { who: Who, nth: usize },
    /// A customer cancels a ticket at the side that sold it.
    Void { nth: usize },
    /// Somebody shows a ticket at a door.
    Scan { scanner: usize, nth: usize, forged: Option<Forgery> },
    /// The house keeps a seat, or gives it back.
    Withhold { who: Who, show: ShowNumber, seat: SeatId, withheld: bool },
    /// A side gives seats away by itself.
    HandOver { who: Who, show: ShowNumber, seat: SeatId },
    /// A show is cancelled.
    Cancel { who: Who, show: ShowNumber },
    /// A show is added on a screen, in one of the times left.
    AddShow { who: Who, slot: u32 },
    /// The line of a box changes.
    Line { who: Who, line: Line },
    /// The line of the box goes off and on.
    Flap { cut: Line, every_ms: i64, times: u32 },
    /// The broker forgets everything, and everybody reconnects.
    WipeBroker,
    /// The broker ends a node's session, and what was on its way arrives in the next.
    Takeover { who: Who },
    /// Bytes that are no message reach a node.
    Garbage { who: Who, byte: usize },
    /// A node's process dies.
    Crash { who: Who, point: CrashPoint },
    /// A node's process starts again.
    Start { who: Who },
    /// A node's wall clock is set.
    Clock { who: Who, by_ms: i64 },
    /// "Work offline", or no more.
    Offline { who: Who, offline: bool },
    /// A scanner loses the edge, or finds it again.
    Isolate { scanner: usize, isolated: bool },
    /// Time passes.
    Wait { ms: i64 },
}

impl Action {
    /// Draws the next action.
    pub fn draw(random: &mut StdRng, _setup: &Setup) -> Self {
        let who = if random.random_bool(0.5) { Who::Central } else { Who::Edge };
        let show = ShowNumber(random.random_range(1..=SHOWS));
        let seat = SeatId(random.random_range(1..=SEATS));
        let nth = random.random_range(0..64);
        let scanner = random.random_range(0..SCANNERS);
        let line = Line { up: random.random_bool(0.4), down: random.random_bool(0.4) };
        match random.random_range(0..1000) {
            0..220 => Self::Hold { who, show, first: seat, count: random.random_range(1..=3) },
            220..240 => Self::Pay { who, nth },
            240..250 => Self::Renew { who, nth },
            250..430 => Self::Sell { who, nth },
            430..455 => Self::Retry { nth },
            455..475 => Self::Release { who, nth },
            475..535 => Self::Void { nth },
            535..625 => Self::Scan { scanner, nth, forged: Self::draw_forgery(random) },
            625..645 => Self::Withhold { who, show, seat, withheld: random.random_bool(0.5) },
            645..665 => Self::HandOver { who, show, seat },
            665..668 => Self::Cancel { who, show },
            668..676 => Self::AddShow { who, slot: random.random_range(0..3) },
            676..716 => Self::Line { who: Who::Edge, line },
            716..756 => Self::Line { who: Who::Edge, line: Line::OPEN },
            756..766 => {
                Self::Flap { cut: line, every_ms: random.random_range(50..2_500), times: random.random_range(1..8) }
            }
            766..772 => Self::WipeBroker,
            772..782 => Self::Takeover { who },
            782..788 => Self::Garbage { who, byte: random.random_range(0..4096) },
            788..823 => Self::Crash { who, point: Self::draw_point(random) },
            823..873 => Self::Start { who },
            873..881 => Self::Clock { who, by_ms: Self::draw_jump(random) },
            881..885 => Self::Offline { who: Who::Edge, offline: random.random_bool(0.4) },
            885..905 => Self::Isolate { scanner, isolated: random.random_bool(0.5) },
            905..985 => Self::Wait { ms: random.random_range(10..2_000) },
            985..997 => Self::Wait { ms: random.random_range(2_000..15_000) },
            _ => Self::Wait { ms: random.random_range(15_000..60_000) },
        }
    }

    fn draw_forgery(random: &mut StdRng) -> Option<Forgery> {
        match random.random_range(0..20) {
            0 => Some(Forgery::Key),
            1 => Some(Forgery::Seat),
            _ => None,
        }
    }

    fn draw_point(random: &mut StdRng) -> CrashPoint {
        match random.random_range(0..4) {
            0 => CrashPoint::Idle,
            1 => CrashPoint::BeforeCommit,
            2 => CrashPoint::AfterCommit,
            _ => CrashPoint::AfterPublish,
        }
    }

    fn draw_jump(random: &mut StdRng) -> i64 {
        let size = match random.random_range(0..3) {
            0 => random.random_range(1_000..20_000),
            1 => random.random_range(20_000..200_000),
            _ => random.random_range(200_000..4_000_000),
        };
        if random.random_bool(0.6) { -size } else { size }
    }
}
