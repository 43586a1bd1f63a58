//! One theatre in the simulation: central's node and the box for it, its doors and its network; and how a step of a node goes.

use super::codes::{self, Codes};
use super::disk::Disk;
use super::ghost::Ghost;
use super::invariants::{self, Violation};
use super::network::{Letter, Network};
use super::node::{Node, Who};
use super::scanner::{SCANNERS, Scanner};
use super::setup::{BEGINNING, Setup};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::entry::ShowFacts;
use shared::ids::{HoldId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TheatreId};
use shared::ledger::HoldTimes;
use shared::money::Currency;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::replica::LinkKeys;
use sync_protocol::{Replica, Settings};

/// Shows of each theatre, one per screen.
pub const SHOWS: u32 = 2;
/// Rows and seats of each screen.
pub const SEATS: u32 = 24;
/// Holds of both sides, short so that they end within a run.
pub const HOLDS: HoldTimes =
    HoldTimes { lasts: Duration::from_secs(20), cap: Duration::from_secs(30), paying: Duration::from_secs(40) };
/// How long the gate asks, short so that persons come to answer within a run.
const GATE_WAIT: Duration = Duration::from_secs(3);
/// A witness that was not heard for so long is not waited for.
pub(super) const WITNESS_SILENT_AFTER: Duration = Duration::from_secs(5);
/// The named witness, where there is one.
pub const NAMED: DeviceNumber = DeviceNumber(0);
/// Shows last this long, and the next one of a screen begins then.
const SHOW_MIN: u32 = 150;

/// A theatre.
#[derive(Debug)]
pub struct Site {
    /// The keys of its tickets.
    pub codes: Codes,
    /// Central's node.
    pub central: Node,
    /// The box.
    pub edge: Node,
    /// Another box of the same name, if there is one: a clone, or the old one that lives on.
    pub other: Option<Node>,
    /// The doors.
    pub scanners: Vec<Scanner>,
    /// The network.
    pub network: Network,
    /// What its people remember.
    pub ghost: Ghost,
    /// True time.
    pub now: Timestamp,
    /// What chance decides until the next event.
    pub dice: StdRng,
    /// Over everything that happened.
    pub trace: blake3::Hasher,
    /// The world's choices.
    pub setup: Setup,
    /// What people have asked for: the request, of whom, and the basket.
    pub requests: Vec<(RequestId, Who, HoldId)>,
    /// Central's process died in this theatre's step: it serves the others too.
    pub central_died: bool,
}

impl Site {
    /// A theatre with its plan and shows published by central.
    ///
    /// # Errors
    /// A claim that does not hold in the very first steps.
    pub fn new(index: u32, setup: Setup) -> Result<Self, Violation> {
        let theatre = TheatreId(index + 1);
        let mut site = Self {
            codes: Codes::new(theatre),
            central: Node::new(Who::Central, Disk::default()),
            edge: Node::new(Who::Edge, Disk::default()),
            other: None,
            scanners: (0..SCANNERS).map(|number| Scanner::new(number, theatre)).collect(),
            network: Network::new(setup.weather),
            ghost: Ghost::default(),
            now: BEGINNING,
            dice: StdRng::seed_from_u64(u64::from(index)),
            trace: blake3::Hasher::new(),
            setup,
            requests: Vec::new(),
            central_died: false,
        };
        site.start(Who::Central);
        let now = site.central.now(site.now);
        let central = site.central.replica.as_mut().expect("just started");
        for number in 1..=SHOWS {
            let show = ShowNumber(number);
            central.publish_plan(screen_of(show), &plan(), now).expect("a valid plan");
            central.add_show(facts(show, setup.starts_min), now).expect("a valid show");
        }
        site.settle(Who::Central)?;
        site.start(Who::Edge);
        site.settle(Who::Edge)?;
        site.visit()?;
        Ok(site)
    }

    /// A node. Who looks for another box where there is none finds the one.
    pub fn node(&mut self, who: Who) -> &mut Node {
        node_of(&mut self.central, &mut self.edge, &mut self.other, who)
    }

    /// The nodes there are.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        [&self.central, &self.edge].into_iter().chain(&self.other)
    }

    /// Starts a node's process from its store, with its broker at hand.
    pub fn start(&mut self, who: Who) {
        let seed = std::array::from_fn(|_| self.dice.random());
        let (theatre, setup, now) = (self.codes.theatre, self.setup, self.now);
        let side = who.side();
        let boxes = if side == Side::Edge { 0..1 } else { 0..2 };
        let heartbeat = Duration::from_millis(u64::from(setup.heartbeat_ms));
        let (gate_wait, witness_silent_after) = (GATE_WAIT, WITNESS_SILENT_AFTER);
        let settings = Settings { heartbeat, gate_wait, witness_silent_after, ..Settings::with_holds(HOLDS) };
        let node = self.node(who);
        // A new box has no paired device yet.
        let paired = side == Side::Edge && (node.box_number == 0 || node.disk.heads.own.seq > 0);
        let witness = (setup.witness && paired).then_some(NAMED);
        let peer = boxes.map(|number| codes::key(side.peer(), number).public()).collect();
        let keys = LinkKeys { own: codes::key(side, node.box_number), own_before: None, peer };
        node.start_clock(now);
        node.witness = witness;
        let at = node.now(now);
        let snapshot = node.disk.snapshot(side, node.beginning(), witness);
        let mut replica = Replica::new(theatre, side, settings, keys, snapshot, seed, at);
        replica.handle_connected(at);
        node.replica = Some(replica);
    }

    /// The process is gone; what was not committed is lost.
    pub fn crash(&mut self, who: Who) {
        self.node(who).crash();
        self.central_died |= who == Who::Central;
    }

    /// Lets everything that is due until then happen here, in its order.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn run_until(&mut self, until: Timestamp) -> Result<(), Violation> {
        for _ in 0..1_000_000 {
            let timer = self.nodes().filter_map(Node::next_due).min();
            let Some(next) = timer.into_iter().chain(self.network.next_due()).min().filter(|next| *next <= until)
            else {
                self.now = until.max(self.now);
                return Ok(());
            };
            self.now = next.max(self.now);
            self.network.handle_timeout(self.now);
            if let Some(Letter { to, bytes, .. }) = self.network.receive(self.now) {
                self.deliver(to, &bytes)?;
                continue;
            }
            for who in Who::ALL {
                self.handle_timeout(who)?;
            }
        }
        Err(Violation::of("invariant_the_world_comes_to_rest", "the world never comes to rest"))
    }

    /// A message reaches a node.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn deliver(&mut self, to: Who, bytes: &[u8]) -> Result<(), Violation> {
        if to == Who::Other && self.other.is_none() {
            return Ok(());
        }
        let now = self.now;
        let apart = match self.ghost.excuses.reopened {
            true => invariants::beyond_a_cut(
                &node_of(&mut self.central, &mut self.edge, &mut self.other, to).disk,
                to.side(),
                &self.codes,
                bytes,
            ),
            false => Vec::new(),
        };
        let disk = &node_of(&mut self.central, &mut self.edge, &mut self.other, to).disk;
        let contradicted = invariants::contradicted(disk, to.side(), &self.codes, bytes);
        let node = self.node(to);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return Ok(()) };
        let heard = replica.peer_last_heard();
        replica.handle_message(bytes, at, &node.disk).expect("a store in memory can be read");
        // Of a session that is over, or on a line that is switched off, nothing is taken in.
        let taken_in = heard != Some(at) && replica.peer_last_heard() == Some(at);
        self.settle(to)?;
        let node = self.node(to);
        if !taken_in || node.replica.is_none() {
            return Ok(());
        }
        if let Some(known) = contradicted {
            invariants::invariant_two_chains_of_one_log_stop_who_knows_both(node, known)?;
        }
        invariants::invariant_what_arrives_beyond_a_cut_is_listed(node, &apart)
    }

    fn handle_timeout(&mut self, who: Who) -> Result<(), Violation> {
        if who == Who::Other && self.other.is_none() {
            return Ok(());
        }
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut().filter(|replica| replica.poll_timeout().is_some_and(|due| due <= at))
        else {
            return Ok(());
        };
        replica.handle_timeout(at);
        self.settle(who)
    }
}

/// The node that is meant, beside what else a theatre is made of.
pub(super) fn node_of<'a>(
    central: &'a mut Node,
    edge: &'a mut Node,
    other: &'a mut Option<Node>,
    who: Who,
) -> &'a mut Node {
    match (who, other) {
        (Who::Central, _) => central,
        (Who::Other, Some(other)) => other,
        (Who::Edge | Who::Other, _) => edge,
    }
}

/// The screen of a show: the first shows have one each, later ones take turns.
pub fn screen_of(show: ShowNumber) -> ScreenId {
    let number = show.0 & !ShowNumber::EDGE_BIT;
    ScreenId(u8::try_from((number - 1) % SHOWS + 1).expect("few screens"))
}

/// Two rows of a cheap and one of a dear category, eight seats each.
pub fn plan() -> SeatingPlan {
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

/// A show. The first two start as the world says, the second one so late that its doors are still shut; shows added later
/// follow on their screens, in the slot that their number names.
pub fn facts(number: ShowNumber, starts_min: u32) -> ShowFacts {
    let nth = (number.0 & !ShowNumber::EDGE_BIT) - 1;
    let starts = BEGINNING.minutes() + starts_min + nth * 2 * SHOW_MIN;
    ShowFacts {
        number,
        screen: screen_of(number),
        movie: MovieId(1),
        title: "A film".into(),
        starts,
        ends: starts + SHOW_MIN,
        plan: 1,
        currency: Currency::INR,
        prices: vec![15_000, 22_000],
        edge_seats: Vec::new(),
    }
}
