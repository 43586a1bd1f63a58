//! One theatre in the simulation: central's node and the edge's node for it, each with a store and a process that may be down.

use super::disk::Disk;
use super::ghost::Ghost;
use shared::entry::{Fact, ShowFacts};
use shared::ids::{HoldId, MovieId, ScreenId, SeatId, ShowNumber, Side, TheatreId};
use shared::keys::SecretKey;
use shared::ledger::HoldTimes;
use shared::money::Currency;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::replica::{Event, LinkKeys};
use sync_protocol::{Replica, Settings};

/// Shows of each theatre, one per screen.
pub const SHOWS: u32 = 2;
/// Rows and seats of each screen.
pub const SEATS: u32 = 24;

/// One node: a store, and a process while it runs.
#[derive(Debug)]
pub struct Node {
    /// Which side it is.
    pub side: Side,
    /// What is committed.
    pub disk: Disk,
    /// The running process.
    pub replica: Option<Replica>,
    /// Holds people may come back with.
    pub holds: Vec<HoldId>,
}

/// A theatre.
#[derive(Debug)]
pub struct Site {
    /// Its id.
    pub theatre: TheatreId,
    /// Central's node.
    pub central: Node,
    /// The edge's node.
    pub edge: Node,
    /// What its customers remember.
    pub ghost: Ghost,
    /// The time of the last event here.
    pub now: Timestamp,
}

impl Site {
    /// A theatre with its plan and shows published by central.
    pub fn new(index: u32, seed: [u8; 32], now: Timestamp) -> Self {
        let node = |side| Node { side, disk: Disk::default(), replica: None, holds: Vec::new() };
        let (central, edge) = (node(Side::Central), node(Side::Edge));
        let mut site = Self { theatre: TheatreId(index + 1), central, edge, ghost: Ghost::default(), now };
        site.start(Side::Central, seed, now);
        let central = site.central.replica.as_mut().expect("just started");
        for number in 1..=SHOWS {
            let screen = ScreenId(u8::try_from(number).expect("few screens"));
            central.publish_plan(screen, &plan(), now).expect("a valid plan");
            central.add_show(facts(ShowNumber(number), screen), now).expect("a valid show");
        }
        site.commit(Side::Central);
        site.start(Side::Edge, seed, now);
        site
    }

    /// A side's node.
    pub fn node(&mut self, side: Side) -> &mut Node {
        if side == Side::Central { &mut self.central } else { &mut self.edge }
    }

    /// Starts a node's process from its store, with its broker at hand.
    pub fn start(&mut self, side: Side, mut seed: [u8; 32], now: Timestamp) {
        seed[31] ^= if side == Side::Central { 1 } else { 2 };
        let key = |side: Side| SecretKey::from_seed(&[if side == Side::Central { 1 } else { 2 }; 32]);
        let keys = LinkKeys { own: key(side), peer: vec![key(side.peer()).public()] };
        let times = if side == Side::Edge { HoldTimes::COUNTER } else { HoldTimes::WEB };
        let settings = Settings { heartbeat: Duration::from_secs(1), ..Settings::with_holds(times) };
        let theatre = self.theatre;
        let node = self.node(side);
        let snapshot = node.disk.snapshot(side);
        let mut replica = Replica::new(theatre, side, settings, keys, snapshot, seed, now);
        replica.handle_connected(now);
        node.replica = Some(replica);
    }

    /// The process is gone; what was not committed is lost.
    pub fn crash(&mut self, side: Side) {
        self.node(side).replica = None;
    }

    /// Commits what the node changed, and lets the customers remember what they are told only now.
    pub fn commit(&mut self, side: Side) {
        let node = if side == Side::Central { &mut self.central } else { &mut self.edge };
        let Some(replica) = node.replica.as_mut() else { return };
        node.disk.commit(replica.take_changes());
        while let Some(event) = replica.poll_event() {
            match event {
                Event::Applied { writer, fact: Fact::Sold { show, seats, .. }, .. } if writer == side => {
                    for line in seats {
                        let (seat, generation, ticket) = (line.seat, line.generation, line.ticket);
                        self.ghost.handed(shared::entry::TicketRef { show, seat, generation, ticket }, side);
                    }
                }
                Event::Applied { writer: Side::Edge, fact: Fact::Voided(at) | Fact::VoidAccepted(at), .. }
                    if side == Side::Edge =>
                {
                    self.ghost.ended(at.ticket);
                }
                Event::ClaimSettled { outcome: Ok(hold), .. } => node.holds.push(hold.id),
                _ => {}
            }
        }
    }
}

/// Two rows of a cheap and one of a dear category, eight seats each.
fn plan() -> SeatingPlan {
    let row = |i: u32| Row {
        label: char::from(b'A' + u8::try_from(i).expect("few rows")).to_string(),
        runs: vec![SeatRun {
            first: SeatId(i * 8 + 1),
            number: 1,
            count: 8,
            category: u8::from(i == 2),
            gap: 0,
            accessible: false,
        }],
    };
    SeatingPlan {
        version: 1,
        categories: vec!["Silver".into(), "Gold".into()],
        rows: (0..SEATS / 8).map(row).collect(),
    }
}

fn facts(number: ShowNumber, screen: ScreenId) -> ShowFacts {
    ShowFacts {
        number,
        screen,
        movie: MovieId(1),
        title: "A film".into(),
        starts: 600,
        ends: 800,
        plan: 1,
        currency: Currency::INR,
        prices: vec![15_000, 22_000],
        edge_seats: Vec::new(),
    }
}
