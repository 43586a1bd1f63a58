//! The world: sites, network, clock, and the loop that lets things happen.

use super::action::Action;
use super::invariants::{self, Violation};
use super::network::{Letter, Line, Network, Weather};
use super::site::Site;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::ids::{BookingId, RequestId, Side};
use shared::ledger::HoldKind;
use shared::time::Timestamp;
use sync_protocol::replica::Held;

/// Time between two actions, ms, at most.
const ACTION_EVERY_MS: i64 = 400;
/// Time everything has to become equal after healing, ms.
const HEALING_MS: i64 = 60_000;

/// What a run of a seed came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Actions taken.
    pub events: u64,
    /// Lines cut.
    pub partitions: u64,
    /// Tickets handed to customers.
    pub tickets: u64,
    /// Over everything that happened: equal for equal seeds.
    pub trace: [u8; 32],
    /// The first claim that did not hold, with the number of the event.
    pub violation: Option<(u64, Violation)>,
}

/// One seed's world.
#[derive(Debug)]
pub struct World {
    random: StdRng,
    sites: Vec<Site>,
    network: Network,
    now: Timestamp,
    trace: blake3::Hasher,
    events: u64,
    starts: u64,
}

impl World {
    /// The world of a seed: one to three theatres under its own weather.
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let weather = match random.random_range(0..4) {
            0 => Weather::FAIR,
            1 => Weather { loss: 5, doubled: 5, delay_ms: 60 },
            2 => Weather { loss: 20, doubled: 20, delay_ms: 300 },
            _ => Weather { loss: 30, doubled: 30, delay_ms: 900 },
        };
        let now = Timestamp(1_000);
        let theatres = random.random_range(1..=3u32);
        let mut world = Self {
            network: Network::new(theatres as usize, weather),
            sites: Vec::new(),
            now,
            trace: blake3::Hasher::new(),
            events: 0,
            starts: 0,
            random,
        };
        for index in 0..theatres {
            let seed = world.next_seed();
            world.sites.push(Site::new(index, seed, now));
        }
        world
    }

    /// Runs a seed for a number of actions, heals everything and checks that it converges.
    pub fn run(seed: u64, actions: u64) -> Outcome {
        let mut world = Self::new(seed);
        let violation = world.play(actions).err().map(|violation| (world.events, violation));
        let tickets = world.sites.iter().map(|site| site.ghost.tickets().count() as u64).sum();
        let trace = *world.trace.finalize().as_bytes();
        Outcome { events: world.events, partitions: world.network.partitions, tickets, trace, violation }
    }

    fn play(&mut self, actions: u64) -> Result<(), Violation> {
        for _ in 0..actions {
            let theatre = self.random.random_range(0..self.sites.len());
            let action = Action::draw(&mut self.random);
            self.events += 1;
            self.trace.update(format!("{} {theatre} {action:?}\n", self.now.0).as_bytes());
            self.act(theatre, &action);
            self.settle(theatre);
            self.check(theatre)?;
            let pause = self.random.random_range(1..ACTION_EVERY_MS);
            self.run_until(Timestamp(self.now.0 + pause))?;
        }
        self.heal()
    }

    fn act(&mut self, theatre: usize, action: &Action) {
        let now = self.now;
        let seed = self.next_seed();
        let Some(site) = self.sites.get_mut(theatre) else { return };
        match *action {
            Action::Hold { side, show, first, count } => {
                let seats: Vec<_> = (0..count).map(|i| shared::ids::SeatId(first.0 + i)).collect();
                let kind = if side == Side::Edge { HoldKind::Counter } else { HoldKind::Web };
                let node = site.node(side);
                let held = node.replica.as_mut().map(|replica| replica.hold(show, &seats, kind, now));
                if let Some(Ok(Held::Now(hold))) = held {
                    node.holds.push(hold.id);
                }
            }
            Action::Sell { side, nth } => {
                let node = site.node(side);
                if let (Some(replica), false) = (node.replica.as_mut(), node.holds.is_empty()) {
                    let hold = node.holds.remove(nth % node.holds.len());
                    let _refused_or_sold = replica.sell(hold, BookingId([7; 16]), RequestId([7; 8]), now);
                }
            }
            Action::Release { side, nth } => {
                let node = site.node(side);
                if let (Some(replica), false) = (node.replica.as_mut(), node.holds.is_empty()) {
                    replica.release(node.holds.remove(nth % node.holds.len()));
                }
            }
            Action::Void { side, nth } => {
                let sold: Vec<_> =
                    site.ghost.tickets().filter(|handed| handed.seller == side).map(|handed| handed.at).collect();
                if let (Some(replica), false) = (site.node(side).replica.as_mut(), sold.is_empty()) {
                    let _refused_or_void = replica.void(sold[nth % sold.len()].ticket, now);
                }
            }
            Action::AnswerVoid { nth } => {
                if let Some(replica) = site.edge.replica.as_mut() {
                    let waiting: Vec<_> = replica.ledger().pending_voids().map(|ticket| ticket.at.ticket).collect();
                    if !waiting.is_empty() {
                        let _refused_or_answered = replica.answer_void(waiting[nth % waiting.len()], now);
                    }
                }
            }
            Action::Admit { nth } => {
                let sold: Vec<_> =
                    site.ghost.tickets().filter(|handed| !handed.ended).map(|handed| handed.at).collect();
                if let (Some(replica), false) = (site.edge.replica.as_mut(), sold.is_empty()) {
                    // The door blocks what is void; it may meet a ticket before its sale is known.
                    let at = sold[nth % sold.len()];
                    let live = replica
                        .ledger()
                        .ticket(at.ticket)
                        .is_none_or(|ticket| ticket.state() == shared::ledger::TicketState::Live);
                    if live {
                        let _refused_or_admitted = replica.admit(at, now, "Door A".into(), now);
                    }
                }
            }
            Action::Withhold { side, show, seat, withheld } => {
                if let Some(replica) = site.node(side).replica.as_mut() {
                    let _refused_or_withheld = replica.withhold(show, &[seat], withheld, now);
                }
            }
            Action::HandOver { side, show, seat } => {
                if let Some(replica) = site.node(side).replica.as_mut() {
                    let _refused_or_given = replica.hand_over(show, &[seat], now);
                }
            }
            Action::Line(line) => self.network.set(theatre, line),
            Action::WipeBroker => {
                self.network.wipe();
                for node in [&mut site.central, &mut site.edge] {
                    if let Some(replica) = node.replica.as_mut() {
                        replica.handle_disconnected(now);
                        replica.handle_connected(now);
                    }
                }
            }
            Action::Crash { side, committed } => {
                if committed {
                    site.commit(side);
                }
                site.crash(side);
            }
            Action::Start { side } => {
                if site.node(side).replica.is_none() {
                    site.start(side, seed, now);
                }
            }
            Action::Wait { .. } => {}
        }
        if let Action::Wait { ms } = action {
            // What is due meanwhile happens at its time; only the people pause.
            let _checked_again_by_the_caller = self.run_until(Timestamp(now.0 + ms));
        }
    }

    /// Commits and sends what a theatre's nodes changed.
    fn settle(&mut self, theatre: usize) {
        let now = self.now;
        let Some(site) = self.sites.get_mut(theatre) else { return };
        site.now = now;
        for side in [Side::Central, Side::Edge] {
            site.commit(side);
            let node = site.node(side);
            let Some(replica) = node.replica.as_mut() else { continue };
            let transmits = replica.poll_transmit(now, &node.disk).expect("a store in memory can be read");
            for transmit in transmits {
                self.trace.update(&transmit.bytes);
                self.network.send(side, theatre, transmit.bytes, now, &mut self.random);
            }
        }
    }

    /// Lets everything that is due until then happen, in its order.
    fn run_until(&mut self, until: Timestamp) -> Result<(), Violation> {
        for _ in 0..1_000_000 {
            let timers = self.sites.iter().flat_map(|site| [&site.central.replica, &site.edge.replica]).flatten();
            let timer = timers.filter_map(|replica| replica.poll_timeout()).min();
            let Some(next) = timer.into_iter().chain(self.network.next_due()).min().filter(|next| *next <= until)
            else {
                self.now = until.max(self.now);
                return Ok(());
            };
            self.now = next.max(self.now);
            let now = self.now;
            if let Some(Letter { theatre, to, bytes }) = self.network.receive(now) {
                let node = self.sites[theatre].node(to);
                if let Some(replica) = node.replica.as_mut() {
                    replica.handle_message(&bytes, now, &node.disk).map_err(|error| error.to_string())?;
                }
                self.settle(theatre);
                self.check(theatre)?;
                continue;
            }
            for theatre in 0..self.sites.len() {
                for side in [Side::Central, Side::Edge] {
                    let replica = self.sites[theatre].node(side).replica.as_mut();
                    if let Some(replica) = replica.filter(|replica| replica.poll_timeout().is_some_and(|at| at <= now))
                    {
                        replica.handle_timeout(now);
                    }
                }
                self.settle(theatre);
            }
        }
        Err("the world never comes to rest".into())
    }

    fn check(&self, theatre: usize) -> Result<(), Violation> {
        let site = &self.sites[theatre];
        invariants::AFTER_EACH_EVENT.iter().try_for_each(|invariant| invariant(site))
    }

    /// Opens every line, starts every node, and requires that both sides become equal.
    fn heal(&mut self) -> Result<(), Violation> {
        self.network.weather = Weather::FAIR;
        for theatre in 0..self.sites.len() {
            self.network.set(theatre, Line { up: true, down: true });
            for side in [Side::Central, Side::Edge] {
                if self.sites[theatre].node(side).replica.is_none() {
                    let seed = self.next_seed();
                    self.sites[theatre].start(side, seed, self.now);
                }
            }
            self.settle(theatre);
        }
        self.run_until(Timestamp(self.now.0 + HEALING_MS))?;
        for site in &self.sites {
            invariants::invariant_both_sides_are_equal_again(site)?;
            invariants::invariant_every_ticket_handed_over_is_known_to_both_sides(site)?;
        }
        Ok(())
    }

    fn next_seed(&mut self) -> [u8; 32] {
        self.starts += 1;
        let mut seed = [0; 32];
        self.random.fill(&mut seed[..]);
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_worlds_sell_no_seat_twice_and_become_equal_again() {
        let mut partitions = 0;
        for seed in 0..200 {
            let outcome = World::run(seed, 120);
            assert_eq!(outcome.violation, None, "seed {seed}");
            partitions += outcome.partitions;
        }
        assert!(partitions > 200, "{partitions} partitions");
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        assert_eq!(World::run(7, 200), World::run(7, 200));
        assert_ne!(World::run(7, 200).trace, World::run(8, 200).trace);
    }
}
