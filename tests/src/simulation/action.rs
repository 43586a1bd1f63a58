//! What can happen next, each with a weight.

use super::network::Line;
use super::node::{CrashPoint, Who};
use super::scanner::SCANNERS;
use super::setup::Setup;
use super::site::{SEATS, SHOWS};
use rand::RngExt;
use rand::rngs::StdRng;
use shared::ids::{SeatId, ShowNumber, TicketId};

/// Seats that most people ask for.
const HOT: [u32; 8] = [1, 2, 3, 4, 9, 10, 11, 12];

/// A code that nobody may be admitted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// Signed with a key of nobody.
    Key,
    /// A genuine code with another seat.
    Seat,
    /// A genuine code with the number of a ticket that nobody sold.
    Ticket(TicketId),
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
    /// The power fails: a node's disk loses what it wrote last, though it said it had it.
    PowerCut { who: Who, ago_ms: i64 },
    /// A node's disk is put back from a backup.
    Restore { who: Who, ago_ms: i64 },
    /// A second box is started from an image of the first.
    StartClone { ago_ms: i64 },
    /// The other box is switched off for good.
    EndOther,
    /// A device turns to the other box of the same name, or back.
    Turn { scanner: usize, away: bool },
    /// Two persons attest that the box is off for good. It may live on.
    Retire { lives: bool },
    /// Central takes the unknown seats of a retired box.
    TakeSeats { show: ShowNumber },
    /// Another box may go on with the log of the retired one.
    Replace,
    /// Persons answer for a closed node: two, or a manager with the PIN.
    OpenUnproven { who: Who, two: bool },
    /// Two persons put the unknown seats of a show on sale again, once everybody who can be asked was.
    SettleUnknown { who: Who, show: ShowNumber },
    /// A ticket turns up whose sale was lost.
    FindTicket { nth: usize },
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
    pub fn draw(random: &mut StdRng, setup: &Setup) -> Self {
        let who = match random.random_range(0..10) {
            0..5 => Who::Central,
            5..7 if setup.boxes_multiply => Who::Other,
            _ => Who::Edge,
        };
        let show = ShowNumber(random.random_range(1..=SHOWS));
        // Some seats are wanted by everybody: four at the front are central's, four behind are the edge's.
        let hot = random.random_bool(0.6).then(|| HOT[random.random_range(0..HOT.len())]);
        let seat = SeatId(hot.unwrap_or_else(|| random.random_range(1..=SEATS)));
        let nth = random.random_range(0..64);
        let scanner = random.random_range(0..SCANNERS);
        let box_ = if random.random_bool(0.15) { Who::Other } else { Who::Edge };
        let line = Line { up: random.random_bool(0.4), down: random.random_bool(0.4) };
        match random.random_range(0..1000) {
            0..60 if setup.forgetting => Self::draw_forgetting(random, who, show, nth),
            60..105 if setup.boxes_multiply => Self::draw_boxes(random, show, scanner, line),
            0..220 => Self::Hold { who, show, first: seat, count: random.random_range(1..=3) },
            220..235 => Self::Pay { who, nth },
            235..242 => Self::Renew { who, nth },
            242..420 => Self::Sell { who: if random.random_bool(0.1) { Who::Other } else { who }, nth },
            420..440 => Self::Retry { nth },
            440..450 => Self::Release { who, nth },
            450..500 => Self::Void { nth },
            500..580 => Self::Scan { scanner, nth, forged: Self::draw_forgery(random) },
            580..592 => Self::Withhold { who, show, seat, withheld: random.random_bool(0.5) },
            592..612 => Self::HandOver { who, show, seat },
            612..614 => Self::Cancel { who, show },
            614..620 => Self::AddShow { who, slot: random.random_range(0..3) },
            620..660 => Self::Line { who: box_, line },
            660..700 => Self::Line { who: box_, line: Line::OPEN },
            700..710 => {
                Self::Flap { cut: line, every_ms: random.random_range(50..2_500), times: random.random_range(1..8) }
            }
            710..716 => Self::WipeBroker,
            716..726 => Self::Takeover { who: if random.random_bool(0.2) { Who::Other } else { who } },
            726..730 => Self::Garbage { who, byte: random.random_range(0..4096) },
            730..758 => Self::Crash { who, point: Self::draw_point(random) },
            758..868 => Self::Start { who: if random.random_bool(0.1) { Who::Other } else { who } },
            868..874 => Self::Clock { who, by_ms: Self::draw_jump(random) },
            874..878 => Self::Offline { who: Who::Edge, offline: random.random_bool(0.4) },
            878..900 => Self::Isolate { scanner, isolated: random.random_bool(0.5) },
            900..980 => Self::Wait { ms: random.random_range(10..2_000) },
            980..996 => Self::Wait { ms: random.random_range(2_000..15_000) },
            _ => Self::Wait { ms: random.random_range(15_000..60_000) },
        }
    }

    fn draw_forgetting(random: &mut StdRng, who: Who, show: ShowNumber, nth: usize) -> Self {
        let ago_ms =
            if random.random_bool(0.5) { random.random_range(0..2_000) } else { random.random_range(0..60_000) };
        match random.random_range(0..24) {
            0..4 => Self::PowerCut { who: Who::Edge, ago_ms: ago_ms % 2_000 },
            4..7 => Self::Restore { who: Who::Edge, ago_ms },
            7..9 => Self::Restore { who: Who::Central, ago_ms },
            9..13 => Self::OpenUnproven { who, two: random.random_bool(0.5) },
            13..21 => Self::SettleUnknown { who, show },
            _ => Self::FindTicket { nth },
        }
    }

    fn draw_boxes(random: &mut StdRng, show: ShowNumber, scanner: usize, line: Line) -> Self {
        match random.random_range(0..34) {
            0..5 => Self::StartClone { ago_ms: random.random_range(0..5_000) },
            5 => Self::EndOther,
            6..9 => Self::Turn { scanner, away: random.random_bool(0.7) },
            9 => Self::Retire { lives: random.random_bool(0.6) },
            10..15 => Self::TakeSeats { show },
            15 => Self::Replace,
            16..22 => Self::OpenUnproven { who: Who::Edge, two: true },
            22..25 => Self::Line { who: Who::Other, line },
            25..27 => Self::Line { who: Who::Other, line: Line::OPEN },
            27..29 => Self::Crash { who: Who::Edge, point: Self::draw_point(random) },
            29..31 => Self::Start { who: Who::Edge },
            _ => Self::OpenUnproven { who: Who::Other, two: random.random_bool(0.5) },
        }
    }

    fn draw_forgery(random: &mut StdRng) -> Option<Forgery> {
        match random.random_range(0..20) {
            0 => Some(Forgery::Key),
            1 => Some(Forgery::Seat),
            2 => Some(Forgery::Ticket(TicketId(random.random()))),
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
