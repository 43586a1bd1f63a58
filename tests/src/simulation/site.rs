//! One theatre in the simulation: central's node and the box for it, its doors and its network; and how a step of a node goes.

use super::codes::{self, Codes};
use super::disk::{Commit, Disk};
use super::ghost::{Ghost, Handed};
use super::invariants::{self, Step, Violation};
use super::network::{Letter, Network};
use super::node::{CrashPoint, Node, Who};
use super::scanner::{SCANNERS, Scanner};
use super::setup::{BEGINNING, Setup};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::entry::{Fact, OpenedBy, ShowFacts, TicketRef};
use shared::ids::{HoldId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TheatreId};
use shared::ledger::{HoldTimes, LedgerChanges};
use shared::money::Currency;
use shared::planted::{self, Plant};
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use sync_protocol::gate::{DeviceNumber, Memory};
use sync_protocol::message::Channel;
use sync_protocol::replica::{DiscrepancyKind, Event, LinkKeys, Proof, StandingChange, Transmit};
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
        let keys = LinkKeys { own: codes::key(side, node.box_number), peer };
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

    /// Commits and sends what a node changed, unless its process dies meanwhile, and tells the people.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn settle(&mut self, who: Who) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return Ok(()) };
        let (mut answers, mut rewound) = (Vec::new(), false);
        while let Some(event) = replica.poll_event() {
            match event {
                Event::Applied { writer, seq, fact: Fact::Sold { show, request, seats, .. }, .. }
                    if writer == who.side() =>
                {
                    let ticket = |line: shared::entry::SoldSeat| TicketRef {
                        show,
                        seat: line.seat,
                        generation: line.generation,
                        ticket: line.ticket,
                    };
                    answers.push((request, seq, seats.into_iter().map(ticket).collect()));
                }
                Event::Rewound => rewound = true,
                Event::ClaimSettled { outcome: Ok(hold), .. } => node.holds.push(hold.id),
                _ => {}
            }
        }
        let (changes, doors) = (replica.take_changes(), std::mem::take(&mut node.door_writes));
        let commit = Commit { side: who.side(), at: now, store_time: at, changes, answers, doors };
        let wrote = !commit.is_empty();
        if wrote {
            if node.dies == Some(CrashPoint::BeforeCommit) {
                self.fail_before_commit(who, commit)?;
                self.crash(who);
                return Ok(());
            }
            self.commit(who, commit)?;
            if self.node(who).dies == Some(CrashPoint::AfterCommit) {
                self.crash(who);
                return self.check(who);
            }
        }
        if self.send(who, |_| true) && self.node(who).dies == Some(CrashPoint::AfterPublish) {
            self.crash(who);
            return if wrote { self.check(who) } else { Ok(()) };
        }
        let node = self.node(who);
        node.live = node.is_live();
        node.rewound |= rewound;
        self.show_witness(who)?;
        self.answer(who)?;
        if wrote { self.check(who) } else { Ok(()) }
    }

    fn commit(&mut self, who: Who, commit: Commit) -> Result<(), Violation> {
        let now = self.now;
        let site = &mut *self;
        let node = node_of(&mut site.central, &mut site.edge, &mut site.other, who);
        let step = Step::new(&site.ghost, node, &commit, now);
        invariants::AT_EACH_COMMIT.iter().try_for_each(|invariant| invariant(&step))?;
        let written = step.written;
        written.iter().for_each(|written| site.ghost.note(written));
        let terms = commit.changes.ledger.holds.iter().filter_map(|(id, hold)| Some((*id, hold.as_ref()?.deadline)));
        let (at, store_now) = (node.now(now), node.store_now(now));
        for (id, deadline) in terms {
            site.ghost.holds.insert(id, store_now + deadline.since(at));
        }
        for listed in &commit.changes.discrepancies {
            if let DiscrepancyKind::BeyondCut { .. } = listed.kind {
                let what = if listed.log == who.side() { "entries_of_a_left_line" } else { "entries_beyond_a_cut" };
                *site.ghost.tally.entry(what).or_default() += 1;
            }
        }
        node.touch(&commit);
        node.restored = false;
        let proof = |change: &StandingChange| change.closed.is_none() && change.proof.is_some();
        node.proven |= commit.changes.standings.iter().any(proof);
        node.overridden |= written.iter().any(|written| {
            let persons = |by| matches!(by, OpenedBy::ManagerPin | OpenedBy::TwoPersons);
            written.fresh && matches!(written.entry.fact, Fact::LogOpened { by, .. } if persons(by))
        });
        let vouched = commit
            .changes
            .standings
            .iter()
            .any(|change| matches!(change.proof, Some(Proof::Confirmed(Memory::Device(_)))));
        let unheard = node.behind.iter().any(|(device, head)| {
            let back = commit.changes.entries.iter().any(|entry| entry.hash == head.hash);
            device.is_none() && !back && !node.disk.holds_entry(who.side(), head.seq, head.hash)
        });
        site.ghost.excuses.stale_witness |= vouched && unheard;
        node.disk.commit(commit);
        let log = who.side().peer();
        let durable = site.ghost.durable.entry(log).or_default();
        *durable = node.disk.heads.peer.seq.max(*durable);
        Ok(())
    }

    /// Nothing must be left of a transaction whose process dies before it; a planted bug leaves something.
    fn fail_before_commit(&mut self, who: Who, mut commit: Commit) -> Result<(), Violation> {
        let channel = if planted::is(Plant::AckBeforeCommit) { Channel::Control } else { Channel::Log };
        if planted::is(Plant::AckBeforeCommit) || planted::is(Plant::PublishBeforeCommit) {
            self.node(who).disk.commit(commit);
            self.send(who, |transmit| transmit.channel == channel);
            let disk = &mut self.node(who).disk;
            *disk = disk.without_last(1);
        } else if planted::is(Plant::AnswerBeforeCommit) {
            let tickets = commit.answers.iter().flat_map(|(_, _, tickets)| tickets);
            tickets.copied().try_for_each(|at| self.hand(who, at, false))?;
        } else if planted::is(Plant::BatchHalfApplied) {
            commit.changes.ledger = LedgerChanges::default();
            self.commit(who, commit)?;
        }
        Ok(())
    }

    /// Sends what may leave and is wanted; says whether anything did.
    fn send(&mut self, who: Who, wanted: impl Fn(&Transmit) -> bool) -> bool {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return false };
        let mut transmits = replica.poll_transmit(at, &node.disk).expect("a store in memory can be read");
        transmits.retain(wanted);
        let other = self.other.is_some();
        for transmit in &transmits {
            self.trace.update(&transmit.bytes);
            let (network, dice) = (&mut self.network, &mut self.dice);
            match who {
                Who::Central => {
                    network.send(Who::Edge, Who::Edge, &transmit.bytes, now, dice);
                    if other {
                        network.send(Who::Other, Who::Other, &transmit.bytes, now, dice);
                    }
                }
                Who::Edge | Who::Other => network.send(Who::Central, who, &transmit.bytes, now, dice),
            }
        }
        !transmits.is_empty()
    }

    /// Tells the people what their requests came to. In a cut a sale is told only once the witness has it, if it is there.
    fn answer(&mut self, who: Who) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let node_hears_witness = node.hears_witness(at);
        let Node { waiting, disk, replica, .. } = node;
        let Some(replica) = replica.as_ref().filter(|_| !waiting.is_empty()) else { return Ok(()) };
        let covered = replica.heads().own.seq - replica.unwitnessed();
        let promised = node_hears_witness;
        let waits = replica.waits_for_witness(at);
        let told = |tickets: &[TicketRef]| {
            let sold = tickets.iter().filter_map(|at| disk.sale(who.side(), at.ticket));
            !waits || sold.map(|(seq, _)| seq).max().is_none_or(|seq| seq <= covered)
        };
        let (mut ready, mut late) = (Vec::new(), BTreeSet::new());
        for request in std::mem::take(waiting) {
            match disk.answers.get(&request) {
                Some(tickets) if told(tickets) => ready.push((request, tickets.clone())),
                Some(_) => {
                    late.insert(request);
                }
                None => {}
            }
        }
        *waiting = late;
        for (request, tickets) in ready {
            for at in &tickets {
                self.hand(who, *at, promised)?;
            }
            let known = self.ghost.answers.entry(request).or_insert_with(|| tickets.clone());
            invariants::invariant_a_request_asked_again_gets_the_same_tickets(known, &tickets)?;
        }
        Ok(())
    }

    fn hand(&mut self, who: Who, at: TicketRef, promised: bool) -> Result<(), Violation> {
        let node = self.node(who);
        let (by, sale) = (node.who, node.disk.sale(who.side(), at.ticket));
        let sale = invariants::invariant_a_ticket_is_handed_out_only_when_its_sale_is_on_disk(at, sale)?;
        if promised && !self.ghost.tickets.contains_key(&at.ticket) {
            invariants::invariant_a_sale_is_told_only_once_the_witness_has_it(self, who, at, sale)?;
        }
        let rollbacks = self.ghost.rollbacks;
        let handed =
            Handed { at, by, sale, promised, rollbacks, ended: false, end: None, lost: false, end_lost: false };
        let first = self.ghost.hand_over(handed);
        if let Some(first) = first {
            let double = self.judge_double(first, at.ticket);
            self.ghost.doubles.push(double);
        }
        Ok(())
    }

    fn check(&self, who: Who) -> Result<(), Violation> {
        invariants::AFTER_EACH_COMMIT.iter().try_for_each(|invariant| invariant(self, who))
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
        let node = self.node(to);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return Ok(()) };
        let heard = replica.peer_last_heard();
        replica.handle_message(bytes, at, &node.disk).expect("a store in memory can be read");
        // Of a session that is over, or on a line that is switched off, nothing is taken in.
        let taken_in = heard != Some(at) && replica.peer_last_heard() == Some(at);
        self.settle(to)?;
        let node = self.node(to);
        match taken_in && node.replica.is_some() {
            true => invariants::invariant_what_arrives_beyond_a_cut_is_listed(node, &apart),
            false => Ok(()),
        }
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
