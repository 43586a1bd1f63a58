//! One theatre's network: a broker that loses, doubles, delays and reorders, and lines that can be cut in each direction.

use super::node::Who;
use rand::RngExt;
use rand::rngs::StdRng;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// How bad the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Messages lost, of 100.
    pub loss: u32,
    /// Messages doubled, of 100.
    pub doubled: u32,
    /// Messages of which a copy comes again much later, of 100.
    pub late: u32,
    /// The longest usual delay, ms.
    pub delay_ms: i64,
}

impl Weather {
    /// Nothing is lost and all is fast.
    pub const FAIR: Self = Self { loss: 0, doubled: 0, late: 0, delay_ms: 8 };
}

/// How late the copies are that come again: some sessions later, ms.
const LATE_MS: std::ops::Range<i64> = 3_000..40_000;

/// The line between one box and the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// From the box to central.
    pub up: bool,
    /// From central to the box.
    pub down: bool,
}

impl Line {
    /// Open in both directions.
    pub const OPEN: Self = Self { up: true, down: true };

    fn is_open(self) -> bool {
        self.up && self.down
    }
}

/// A line that goes on and off by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flap {
    cut: Line,
    every_ms: i64,
    left: u32,
    next: Timestamp,
}

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Who receives it.
    pub to: Who,
    /// The box at the other end of the line it takes.
    pub by: Who,
    /// The envelope.
    pub bytes: Vec<u8>,
}

/// The lines of a theatre's boxes and everything on its way.
#[derive(Debug)]
pub struct Network {
    /// How bad it is.
    pub weather: Weather,
    /// Cuts so far.
    pub partitions: u64,
    lines: BTreeMap<Who, Line>,
    flap: Option<Flap>,
    on_its_way: BTreeMap<(Timestamp, u64), Letter>,
    sent: u64,
}

impl Network {
    /// Open lines.
    pub fn new(weather: Weather) -> Self {
        Self { weather, partitions: 0, lines: BTreeMap::new(), flap: None, on_its_way: BTreeMap::new(), sent: 0 }
    }

    /// Cuts or opens the directions of a box's line.
    pub fn set(&mut self, who: Who, line: Line) {
        let known = self.lines.insert(who, line).unwrap_or(Line::OPEN);
        if known.is_open() && !line.is_open() {
            self.partitions += 1;
        }
    }

    /// The line of a box.
    pub fn line(&self, who: Who) -> Line {
        self.lines.get(&who).copied().unwrap_or(Line::OPEN)
    }

    /// The edge's line goes off and on, this many times.
    pub fn flap(&mut self, cut: Line, every_ms: i64, times: u32, now: Timestamp) {
        self.flap = Some(Flap { cut, every_ms, left: times * 2, next: now });
    }

    /// Everything is well from now on.
    pub fn heal(&mut self) {
        self.weather = Weather::FAIR;
        self.lines.clear();
        self.flap = None;
    }

    /// The broker loses everything it holds.
    pub fn wipe(&mut self) {
        self.on_its_way.clear();
    }

    /// A message leaves on a box's line.
    pub fn send(&mut self, to: Who, by: Who, bytes: &[u8], now: Timestamp, random: &mut StdRng) {
        let line = self.line(by);
        let open = if to == Who::Central { line.up } else { line.down };
        let Weather { loss, doubled, late, delay_ms } = self.weather;
        if !open || random.random_range(0..100) < loss {
            return;
        }
        let copies = if random.random_range(0..100) < doubled { 2 } else { 1 };
        let again = (random.random_range(0..100) < late).then(|| random.random_range(LATE_MS));
        for delay in (0..copies).map(|_| random.random_range(1..=delay_ms)).collect::<Vec<_>>().into_iter().chain(again)
        {
            self.sent += 1;
            let letter = Letter { to, by, bytes: bytes.to_vec() };
            self.on_its_way.insert((Timestamp(now.0 + delay), self.sent), letter);
        }
    }

    /// When something happens next.
    pub fn next_due(&self) -> Option<Timestamp> {
        let letter = self.on_its_way.first_key_value().map(|((due, _), _)| *due);
        let flap = self.flap.map(|flap| flap.next);
        letter.into_iter().chain(flap).min()
    }

    /// A flapping line changes when its time has come.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let Some(flap) = self.flap.filter(|flap| flap.next <= now) else { return };
        self.set(Who::Edge, if flap.left.is_multiple_of(2) { flap.cut } else { Line::OPEN });
        let left = flap.left.saturating_sub(1);
        self.flap = (left > 0).then_some(Flap { left, next: Timestamp(now.0 + flap.every_ms), ..flap });
    }

    /// A message that has arrived; what was on its way when the line was cut is lost.
    pub fn receive(&mut self, now: Timestamp) -> Option<Letter> {
        while let Some(first) = self.on_its_way.first_entry() {
            if first.key().0 > now {
                return None;
            }
            let letter = first.remove();
            let line = self.line(letter.by);
            if if letter.to == Who::Central { line.up } else { line.down } {
                return Some(letter);
            }
        }
        None
    }
}
