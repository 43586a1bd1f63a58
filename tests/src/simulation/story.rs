//! Stories: several actions in the order in which they hurt, which chance alone seldom finds. Other events happen in between.

use super::action::Action;
use super::event::Event;
use super::network::Line;
use super::node::{CrashPoint, Who};
use super::scanner::SCANNERS;
use super::setup::Setup;
use super::site::SHOWS;
use rand::RngExt;
use rand::rngs::StdRng;
use shared::ids::{SeatId, ShowNumber};
use std::collections::VecDeque;

/// A story begins with so many of 1000 events, while none is being told.
const BEGINS: u32 = 30;
/// Of 100 events meanwhile so many are the story's.
const GOES_ON: u32 = 65;
/// Long enough for a box to give up asking, ms.
const ASKED: std::ops::Range<i64> = 3_000..6_000;
/// Long enough for a session to begin, ms.
const MET: std::ops::Range<i64> = 500..8_000;
/// No direction is open.
const CUT: Line = Line { up: false, down: false };

/// What comes next, and in which theatre.
#[derive(Debug, Default)]
pub struct Story {
    theatre: usize,
    left: VecDeque<Action>,
}

impl Story {
    /// Draws the next event: of the story that is being told, or any other.
    pub fn draw(&mut self, random: &mut StdRng, setup: &Setup) -> Event {
        let mut event = Event::draw(random, setup);
        if self.left.is_empty() && random.random_range(0..1000) < BEGINS {
            (self.theatre, self.left) = (event.theatre, Self::begin(random, setup).into());
        }
        if !self.left.is_empty() && random.random_range(0..100) < GOES_ON {
            event.theatre = self.theatre;
            event.action = self.left.pop_front().unwrap_or(event.action);
        }
        event
    }

    fn begin(random: &mut StdRng, setup: &Setup) -> Vec<Action> {
        match random.random_range(0..8) {
            0 | 1 if setup.boxes_multiply => Self::two_boxes(random),
            2 if setup.boxes_multiply => Self::retired(random),
            3 | 4 if setup.forgetting => Self::box_put_back(random),
            5 if setup.forgetting => Self::central_put_back(random),
            _ => Self::void_at_the_door(random),
        }
    }

    /// The box sells in a cut while a clone of it goes on with the log; then the box comes back.
    fn two_boxes(random: &mut StdRng) -> Vec<Action> {
        let mut story = vec![
            Action::Line { who: Who::Edge, line: CUT },
            Action::StartClone { ago_ms: random.random_range(0..500) },
            Action::OpenUnproven { who: Who::Other, two: true },
        ];
        story.extend(Self::sale(Who::Edge, random));
        story.push(Action::Withhold { who: Who::Edge, show: show(random), seat: edge_seat(random), withheld: true });
        story.push(Action::Wait { ms: random.random_range(MET) });
        story.push(Action::Line { who: Who::Edge, line: Line::OPEN });
        story.push(Action::Wait { ms: random.random_range(MET) });
        story
    }

    /// The box is replaced, and central sells what was unknown.
    fn retired(random: &mut StdRng) -> Vec<Action> {
        let show = show(random);
        let mut story = Self::sale(Who::Edge, random);
        story.push(Action::Retire { lives: random.random_bool(0.6) });
        story.push(Action::TakeSeats { show });
        story.push(Action::Hold { who: Who::Central, show, first: edge_seat(random), count: 1 });
        story.push(Action::Sell { who: Who::Central, nth: 0 });
        story.push(Action::Replace);
        story.push(Action::Wait { ms: random.random_range(MET) });
        story
    }

    /// The box sells in a cut and forgets it; persons answer for it; then those come back who remember.
    fn box_put_back(random: &mut StdRng) -> Vec<Action> {
        let scanner = random.random_range(0..SCANNERS);
        let mut story = vec![Action::Line { who: Who::Edge, line: CUT }];
        story.extend(Self::sale(Who::Edge, random));
        story.push(Action::Isolate { scanner, isolated: true });
        story.push(Action::Restore { who: Who::Edge, ago_ms: random.random_range(0..10_000) });
        story.push(Action::Start { who: Who::Edge });
        story.push(Action::Wait { ms: random.random_range(ASKED) });
        story.push(Action::OpenUnproven { who: Who::Edge, two: random.random_bool(0.7) });
        story.extend(Self::sale(Who::Edge, random));
        story.push(Action::Isolate { scanner, isolated: false });
        story.push(Action::Line { who: Who::Edge, line: Line::OPEN });
        story.push(Action::Wait { ms: random.random_range(MET) });
        story.push(Action::FindTicket { nth: random.random_range(0..64) });
        story.push(Action::SettleUnknown { who: Who::Edge, show: show(random) });
        story.extend(Self::sale(Who::Edge, random));
        story
    }

    /// Central is put back while the box cannot tell it so.
    fn central_put_back(random: &mut StdRng) -> Vec<Action> {
        let mut story = Self::sale(Who::Central, random);
        story.push(Action::Wait { ms: random.random_range(MET) });
        story.push(Action::Line { who: Who::Edge, line: CUT });
        story.push(Action::Restore { who: Who::Central, ago_ms: random.random_range(0..15_000) });
        story.push(Action::Start { who: Who::Central });
        story.extend(Self::sale(Who::Central, random));
        story.push(Action::Line { who: Who::Edge, line: Line::OPEN });
        story.push(Action::Wait { ms: random.random_range(MET) });
        story.push(Action::SettleUnknown { who: Who::Central, show: show(random) });
        story
    }

    /// Somebody walks in at a door that is alone while the ticket is given up.
    fn void_at_the_door(random: &mut StdRng) -> Vec<Action> {
        let (scanner, nth) = (random.random_range(0..SCANNERS), random.random_range(0..64));
        let who = if random.random_bool(0.5) { Who::Central } else { Who::Edge };
        let mut story = Self::sale(who, random);
        story.push(Action::Wait { ms: random.random_range(MET) });
        story.push(Action::Isolate { scanner, isolated: true });
        story.push(Action::Scan { scanner, nth, forged: None });
        story.push(Action::Void { nth });
        story.push(Action::Wait { ms: random.random_range(MET) });
        story.push(Action::Isolate { scanner, isolated: false });
        if random.random_bool(0.3) {
            story.push(Action::Crash { who: Who::Edge, point: CrashPoint::Idle });
            story.push(Action::Start { who: Who::Edge });
        }
        story.push(Action::Scan { scanner, nth, forged: None });
        story
    }

    fn sale(who: Who, random: &mut StdRng) -> Vec<Action> {
        let first = if who == Who::Central { SeatId(random.random_range(1..5)) } else { edge_seat(random) };
        vec![Action::Hold { who, show: show(random), first, count: 1 }, Action::Sell { who, nth: 0 }]
    }
}

fn show(random: &mut StdRng) -> ShowNumber {
    ShowNumber(random.random_range(1..=SHOWS))
}

/// One of those that are the box's as a show opens.
fn edge_seat(random: &mut StdRng) -> SeatId {
    SeatId(random.random_range(9..13))
}
