//! The network between the edges and central: a broker that loses, doubles, delays and reorders, and lines that can be cut.

use rand::RngExt;
use rand::rngs::StdRng;
use shared::ids::Side;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// How bad the network is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Messages lost, of 100.
    pub loss: u32,
    /// Messages doubled, of 100.
    pub doubled: u32,
    /// The longest delay, ms.
    pub delay_ms: i64,
}

impl Weather {
    /// Nothing is lost and all is fast.
    pub const FAIR: Self = Self { loss: 0, doubled: 0, delay_ms: 8 };
}

/// One theatre's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// From the edge to central.
    pub up: bool,
    /// From central to the edge.
    pub down: bool,
}

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The theatre's index.
    pub theatre: usize,
    /// Who receives it.
    pub to: Side,
    /// The envelope.
    pub bytes: Vec<u8>,
}

/// All lines and everything on its way.
#[derive(Debug)]
pub struct Network {
    /// How bad it is.
    pub weather: Weather,
    lines: Vec<Line>,
    /// Cuts so far.
    pub partitions: u64,
    on_its_way: BTreeMap<(Timestamp, u64), Letter>,
    sent: u64,
}

impl Network {
    /// Open lines for this many theatres.
    pub fn new(theatres: usize, weather: Weather) -> Self {
        let lines = vec![Line { up: true, down: true }; theatres];
        Self { weather, lines, partitions: 0, on_its_way: BTreeMap::new(), sent: 0 }
    }

    /// Cuts or opens the directions of a line.
    pub fn set(&mut self, theatre: usize, line: Line) {
        if let Some(known) = self.lines.get_mut(theatre) {
            if known.up && known.down && !(line.up && line.down) {
                self.partitions += 1;
            }
            *known = line;
        }
    }

    /// The broker loses everything it holds.
    pub fn wipe(&mut self) {
        self.on_its_way.clear();
    }

    /// A message leaves.
    pub fn send(&mut self, from: Side, theatre: usize, bytes: Vec<u8>, now: Timestamp, random: &mut StdRng) {
        let line = self.lines.get(theatre).copied().unwrap_or(Line { up: false, down: false });
        let open = if from == Side::Edge { line.up } else { line.down };
        if !open || random.random_range(0..100) < self.weather.loss {
            return;
        }
        let copies = if random.random_range(0..100) < self.weather.doubled { 2 } else { 1 };
        for _ in 0..copies {
            self.sent += 1;
            let due = Timestamp(now.0 + random.random_range(1..=self.weather.delay_ms));
            let letter = Letter { theatre, to: from.peer(), bytes: bytes.clone() };
            self.on_its_way.insert((due, self.sent), letter);
        }
    }

    /// When the next message arrives.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.on_its_way.first_key_value().map(|((due, _), _)| *due)
    }

    /// A message that has arrived; what was on its way when the line was cut is lost.
    pub fn receive(&mut self, now: Timestamp) -> Option<Letter> {
        while let Some(first) = self.on_its_way.first_entry() {
            if first.key().0 > now {
                return None;
            }
            let letter = first.remove();
            let line = self.lines.get(letter.theatre).copied();
            if line.is_some_and(|line| if letter.to == Side::Central { line.up } else { line.down }) {
                return Some(letter);
            }
        }
        None
    }
}
