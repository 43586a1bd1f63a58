//! Central and one edge on a virtual clock, with stores in memory and a pipe that can be cut in each direction.

use shared::entry::{Entry, Head, ShowFacts};
use shared::ids::{BookingId, HoldId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{PublicKey, SecretKey};
use shared::ledger::{HoldKind, HoldTimes, Ledger, LedgerSnapshot};
use shared::money::Currency;
use shared::refusal::Refusal;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use sync_protocol::log::{EntrySource, StoredEntry, UnreadableLog};
use sync_protocol::replica::{
    Changes, DiscrepancyKind, Event, Heads, Held, LinkKeys, Rewound, Snapshot, StandingChange, Start,
};
use sync_protocol::{LinkState, Replica, Settings};

pub(crate) const SHOW: ShowNumber = ShowNumber(1);

#[derive(Default, Clone)]
pub(crate) struct Disk {
    pub(crate) logs: BTreeMap<(Side, u64), StoredEntry>,
    pub(crate) heads: Heads,
    pub(crate) aside: Vec<StoredEntry>,
    pub(crate) stories: Vec<DiscrepancyKind>,
    pub(crate) standings: Vec<StandingChange>,
    pub(crate) discrepancies: usize,
    pub(crate) dead_letters: usize,
}

impl EntrySource for Disk {
    fn entries(&self, log: Side, from: u64, bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog> {
        let (mut size, mut taken) = (0, Vec::new());
        for (_, entry) in self.logs.range((log, from)..=(log, u64::MAX)) {
            if size > bytes_max {
                break;
            }
            size += entry.bytes.len();
            taken.push(entry.bytes.clone());
        }
        Ok(taken)
    }

    fn head_at(&self, log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog> {
        Ok(if seq == 0 { Some(Head::default()) } else { self.logs.get(&(log, seq)).map(StoredEntry::head) })
    }
}

impl Disk {
    /// What a start reads back: the state is folded from the logs.
    pub(crate) fn snapshot(&self, me: Side) -> Snapshot {
        let mut ledger = Ledger::new(me);
        let mut done = [0, 0];
        while let Some((at, log)) = [me, me.peer()].into_iter().enumerate().find(|(at, log)| {
            self.logs.get(&(*log, done[*at] + 1)).is_some_and(|entry| read(entry).seen <= done[1 - at])
        }) {
            done[at] += 1;
            let _listed = ledger.apply(log, done[at], &read(&self.logs[&(log, done[at])]));
        }
        let state = ledger.take_changes();
        let acked = self.heads.acked;
        let unacknowledged = self.logs.range((me, acked + 1)..=(me, u64::MAX));
        Snapshot {
            ledger: LedgerSnapshot {
                plans: state.plans.into_iter().map(|(screen, plan)| (screen, plan.plan.clone())).collect(),
                shows: state.shows.into_iter().filter_map(|(_, show)| show).collect(),
                seats: state.seats,
                tickets: state.tickets,
                certificates: state.certificates,
                revoked: state.revoked,
                marks: state.marks.unwrap_or_default(),
                ..LedgerSnapshot::default()
            },
            heads: self.heads,
            unacknowledged: unacknowledged.map(|((_, seq), entry)| (*seq, entry.bytes.clone())).collect(),
            aside: self.aside.clone(),
            ..Snapshot::default()
        }
    }
}

fn read(entry: &StoredEntry) -> Entry {
    Entry::decode(&entry.bytes).expect("own entries decode")
}

pub(crate) struct Node {
    pub(crate) replica: Replica,
    pub(crate) disk: Disk,
    pub(crate) events: Vec<Event>,
}

impl Node {
    pub(crate) fn start(me: Side, disk: Disk, snapshot: Snapshot, seed: u8, now: Timestamp) -> Self {
        Self::start_with(me, key(me), None, disk, snapshot, seed, now)
    }

    pub(crate) fn start_with(
        me: Side,
        own: SecretKey,
        own_before: Option<PublicKey>,
        disk: Disk,
        snapshot: Snapshot,
        seed: u8,
        now: Timestamp,
    ) -> Self {
        let times = if me == Side::Edge { HoldTimes::COUNTER } else { HoldTimes::WEB };
        let settings = Settings { heartbeat: Duration::from_secs(1), ..Settings::with_holds(times) };
        let keys = LinkKeys { own, own_before, peer: vec![key(me.peer()).public()] };
        let replica = Replica::new(TheatreId(7), me, settings, keys, snapshot, [seed; 32], now);
        Self { replica, disk, events: Vec::new() }
    }

    pub(crate) fn commit(&mut self) {
        let Changes { rewound, aside, heads, entries, discrepancies, dead_letters, standings, .. } =
            self.replica.take_changes();
        if let Some(Rewound { me, own, peer }) = rewound {
            self.disk.logs.retain(|(log, seq), _| *seq <= if *log == me { own } else { peer });
        }
        self.disk.heads = heads.unwrap_or(self.disk.heads);
        self.disk.aside = aside.unwrap_or(std::mem::take(&mut self.disk.aside));
        self.disk.stories.extend(discrepancies.iter().map(|found| found.kind.clone()));
        self.disk.standings.extend(standings);
        self.disk.logs.extend(entries.into_iter().map(|entry| ((entry.log, entry.seq), entry)));
        self.disk.discrepancies += discrepancies.len();
        self.disk.dead_letters += dead_letters.len();
        self.events.extend(std::iter::from_fn(|| self.replica.poll_event()));
    }
}

thread_local! {
    /// What both sides called themselves last, central first: for whoever forges within their session.
    pub(crate) static NONCES: std::cell::RefCell<[u64; 2]> = const { std::cell::RefCell::new([0; 2]) };
}

pub(crate) struct House {
    pub(crate) central: Node,
    pub(crate) edge: Node,
    pub(crate) now: Timestamp,
    /// Messages on their way: due time, receiver, bytes.
    pipe: VecDeque<(Timestamp, Side, Vec<u8>)>,
    pub(crate) up: bool,
    pub(crate) down: bool,
    /// Every nth message is lost, another one doubled; 0 for none.
    pub(crate) lossy: usize,
    sent: usize,
    pub(crate) bytes: usize,
    pub(crate) double_control: bool,
    pub(crate) keep_hellos: bool,
    pub(crate) hellos: Vec<(Side, Vec<u8>)>,
    pub(crate) early_live: Option<usize>,
    pub(crate) latency: i64,
    /// Bytes per second of each direction, 0 for no limit; and until when each is busy, micros.
    pub(crate) line: i64,
    pub(crate) busy: [i64; 2],
    pub(crate) queue_max: i64,
    pub(crate) starts: u8,
}

pub(crate) fn key(side: Side) -> SecretKey {
    SecretKey::from_seed(&[if side == Side::Central { 1 } else { 2 }; 32])
}

impl House {
    pub(crate) fn new() -> Self {
        let first = |side, seed| Node::start(side, Disk::default(), Snapshot::default(), seed, Timestamp(0));
        let mut house = Self {
            central: first(Side::Central, 3),
            edge: first(Side::Edge, 4),
            now: Timestamp(0),
            pipe: VecDeque::new(),
            up: true,
            down: true,
            lossy: 0,
            sent: 0,
            bytes: 0,
            double_control: false,
            keep_hellos: false,
            hellos: Vec::new(),
            early_live: None,
            latency: 5,
            line: 0,
            busy: [0; 2],
            queue_max: 0,
            starts: 0,
        };
        house.central.replica.publish_plan(ScreenId(1), &plan(), Timestamp(0)).expect("plan");
        house.central.replica.add_show(facts(SHOW), Timestamp(0)).expect("show");
        house.central.replica.handle_connected(Timestamp(0));
        house.edge.replica.handle_connected(Timestamp(0));
        house
    }

    pub(crate) fn live() -> Self {
        let mut house = Self::new();
        house.run(2_000);
        assert_eq!(house.links(), (LinkState::Live, LinkState::Live));
        house
    }

    /// The node's program ends and starts again from a disk.
    pub(crate) fn restart(&mut self, side: Side, disk: Disk, start: Start) {
        let snapshot = Snapshot { start, ..disk.snapshot(side) };
        self.restart_with(side, disk, snapshot);
    }

    pub(crate) fn restart_with(&mut self, side: Side, disk: Disk, snapshot: Snapshot) {
        self.starts += 1;
        let (now, seed) = (self.now, 40 + self.starts);
        *self.node(side) = Node::start(side, disk, snapshot, seed, now);
        self.node(side).replica.handle_connected(now);
    }

    pub(crate) fn links(&self) -> (LinkState, LinkState) {
        (self.central.replica.link_state().0, self.edge.replica.link_state().0)
    }

    pub(crate) fn node(&mut self, side: Side) -> &mut Node {
        if side == Side::Central { &mut self.central } else { &mut self.edge }
    }

    pub(crate) fn cut(&mut self, up: bool, down: bool) {
        (self.up, self.down) = (up, down);
        self.pipe.clear();
    }

    /// Runs the world for some milliseconds of its own time, event by event.
    pub(crate) fn run(&mut self, ms: i64) {
        let until = Timestamp(self.now.0 + ms);
        for _ in 0..200_000 {
            for side in [Side::Central, Side::Edge] {
                self.flush(side);
            }
            let timers = [&self.central, &self.edge].map(|node| node.replica.poll_timeout());
            let next = self.pipe.iter().map(|(due, _, _)| *due).chain(timers.into_iter().flatten()).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = next.max(self.now);
            let now = self.now;
            for side in [Side::Central, Side::Edge] {
                self.node(side).replica.handle_timeout(now);
            }
            while let Some(at) = self.pipe.iter().position(|(due, _, _)| *due <= now) {
                let (_, to, bytes) = self.pipe.remove(at).expect("position");
                let node = self.node(to);
                node.replica.handle_message(&bytes, now, &node.disk).expect("readable");
            }
        }
        panic!("the house never comes to rest");
    }

    fn flush(&mut self, side: Side) {
        let (now, lossy) = (self.now, self.lossy);
        let open = if side == Side::Edge { self.up } else { self.down };
        let node = self.node(side);
        let seen = node.events.len();
        node.commit();
        let became_live =
            node.events[seen..].contains(&Event::LinkChanged(LinkState::Live)) && node.replica.backlog() > 0;
        let transmits = node.replica.poll_transmit(now, &node.disk).expect("readable");
        if became_live
            && side == Side::Edge
            && let Some(count) = &mut self.early_live
        {
            *count += 1;
        }
        for transmit in transmits.iter().filter(|sent| sent.channel == sync_protocol::message::Channel::Control) {
            let keys = [key(side).public()];
            if let Ok(said) = sync_protocol::envelope::Envelope::open(&transmit.bytes, TheatreId(7), side, &keys) {
                NONCES.with_borrow_mut(|nonces| nonces[usize::from(side == Side::Edge)] = said.from_nonce);
            }
        }
        if self.keep_hellos {
            for transmit in &transmits {
                let keys = [SecretKey::from_seed(&[1; 32]).public(), SecretKey::from_seed(&[2; 32]).public()];
                if let Ok(envelope) =
                    sync_protocol::envelope::Envelope::open(&transmit.bytes, TheatreId(7), side, &keys)
                    && matches!(envelope.message, sync_protocol::message::Message::Hello(_))
                {
                    self.hellos.push((side.peer(), transmit.bytes.clone()));
                }
            }
        }
        let (double, latency) = (self.double_control, self.latency);
        for transmit in transmits.into_iter().filter(|_| open) {
            self.sent += 1;
            self.bytes += transmit.bytes.len();
            let copies = match lossy {
                0 if double && transmit.channel == sync_protocol::message::Channel::Control => 2,
                0 => 1,
                n if self.sent.is_multiple_of(n) => 0,
                n if self.sent % n == 1 => 2,
                _ => 1,
            };
            for copy in 0..copies {
                let delay = if lossy == 0 { latency } else { 5 + (self.sent as i64 * 7 + copy * 31) % 60 };
                let mut due = now.0 + delay;
                if self.line > 0 {
                    let busy = &mut self.busy[usize::from(side == Side::Edge)];
                    *busy = (*busy).max(now.0 * 1000) + transmit.bytes.len() as i64 * 1_000_000 / self.line;
                    due = *busy / 1000 + delay;
                    self.queue_max = self.queue_max.max((*busy / 1000 - now.0) * self.line / 1000);
                }
                self.pipe.push_back((Timestamp(due), side.peer(), transmit.bytes.clone()));
            }
        }
    }

    /// Holds and sells seats by label at one side, waiting for a claim if it takes one.
    pub(crate) fn sell(&mut self, side: Side, labels: &[&str]) -> Result<Vec<TicketId>, Refusal> {
        let hold = self.hold(side, labels)?;
        self.sell_hold(side, hold)
    }

    pub(crate) fn sell_hold(&mut self, side: Side, hold: HoldId) -> Result<Vec<TicketId>, Refusal> {
        let now = self.now;
        let lines = self.node(side).replica.sell(hold, BookingId([9; 16]), RequestId([8; 8]), now)?;
        Ok(lines.into_iter().map(|line| line.at.ticket).collect())
    }

    pub(crate) fn hold(&mut self, side: Side, labels: &[&str]) -> Result<HoldId, Refusal> {
        let seats: Vec<SeatId> = labels.iter().map(|label| seat(label)).collect();
        let now = self.now;
        let kind = if side == Side::Edge { HoldKind::Counter } else { HoldKind::Web };
        match self.node(side).replica.hold(SHOW, &seats, kind, now)? {
            Held::Now(hold) => Ok(hold.id),
            Held::Waiting(id) => {
                self.run(1_600);
                let settled = self.node(side).events.iter().find_map(|event| match event {
                    Event::ClaimSettled { hold, outcome } if *hold == id => Some(outcome.clone()),
                    _ => None,
                });
                settled.expect("a claim is settled in time").map(|hold| hold.id)
            }
        }
    }

    pub(crate) fn assert_equal(&mut self) {
        let (central, edge) = (self.central.replica.cut(), self.edge.replica.cut());
        assert_eq!(central, edge);
        assert_eq!((self.central.replica.backlog(), self.edge.replica.backlog()), (0, 0));
        assert_eq!((self.central.disk.discrepancies, self.edge.disk.discrepancies), (0, 0));
        assert_eq!((self.central.replica.heads().closed, self.edge.replica.heads().closed), (None, None));
    }
}

/// Rows A to H of ten seats; Silver in front, Gold from E on. The counter begins with D and H.
pub(crate) fn plan() -> SeatingPlan {
    let rows = (0..8u8).map(|i| Row {
        label: char::from(b'A' + i).to_string(),
        runs: vec![SeatRun {
            first: SeatId(u32::from(i) * 10 + 1),
            number: 1,
            count: 10,
            category: i / 4,
            gap: 0,
            accessible: false,
        }],
    });
    SeatingPlan { version: 1, categories: vec!["Silver".into(), "Gold".into()], rows: rows.collect() }
}

pub(crate) fn seat(label: &str) -> SeatId {
    plan().seat_labelled(label).expect("seat").id
}

pub(crate) fn facts(number: ShowNumber) -> ShowFacts {
    ShowFacts {
        number,
        screen: ScreenId(1),
        movie: MovieId(1),
        title: "Sholay".into(),
        starts: 240,
        ends: 440,
        plan: 1,
        currency: Currency::INR,
        prices: vec![15_000, 22_000],
        edge_seats: Vec::new(),
    }
}
