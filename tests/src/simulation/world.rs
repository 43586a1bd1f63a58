//! The world: theatres, and the loop that lets events happen to them, drawn from a seed or played again from a record.

use super::action::Action;
use super::event::Event;
use super::ghost::Cause;
use super::invariants::{self, Violation};
use super::node::{CrashPoint, Who};
use super::setup::{BEGINNING, Setup};
use super::site::Site;
use super::story::Story;
use rand::SeedableRng;
use rand::rngs::StdRng;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How long everything has to become equal after healing.
const HEALING_LASTS: Duration = Duration::from_secs(90);
/// How often the doors are looked at meanwhile.
const VISIT_EVERY: Duration = Duration::from_secs(2);
/// When people come to answer for what has not opened by itself.
const SEEN_TO_AFTER: Duration = Duration::from_secs(20);

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Events that happened.
    pub events: u64,
    /// Lines cut.
    pub partitions: u64,
    /// Double sales that are no fault of the core, by their cause.
    pub doubles: BTreeMap<&'static str, u64>,
    /// How often what happened that one wants to know of.
    pub tally: BTreeMap<&'static str, u64>,
    /// Over everything that happened: equal for equal runs.
    pub trace: [u8; 32],
    /// The first claim that did not hold.
    pub violation: Option<Violation>,
}

/// A run: its choices and its events.
#[derive(Debug)]
pub struct World {
    setup: Setup,
    sites: Vec<Site>,
    now: Timestamp,
    events: u64,
}

impl World {
    /// Runs a seed for a number of events. Returns what it came to and what happened.
    pub fn run(seed: u64, actions: u64) -> (Outcome, Vec<Event>) {
        let setup = Setup::draw(seed);
        let mut random = StdRng::seed_from_u64(seed);
        let (mut story, mut record) = (Story::default(), Vec::new());
        let events = (0..actions).map(|_| story.draw(&mut random, &setup)).inspect(|event| record.push(event.clone()));
        let outcome = Self::play(setup, events);
        (outcome, record)
    }

    /// Plays events again, or some of them.
    pub fn replay(seed: u64, events: &[Event]) -> Outcome {
        Self::play(Setup::draw(seed), events.iter().cloned())
    }

    fn play(setup: Setup, events: impl Iterator<Item = Event>) -> Outcome {
        let mut world = Self { setup, sites: Vec::new(), now: BEGINNING, events: 0 };
        let violation = match catch_unwind(AssertUnwindSafe(|| world.go(events))) {
            Ok(gone) => gone.err(),
            Err(_) => Some(Violation::of("invariant_nothing_panics", "a panic, told on the error output")),
        };
        let sites = &world.sites;
        let mut trace = blake3::Hasher::new();
        sites.iter().for_each(|site| {
            trace.update(site.trace.finalize().as_bytes());
        });
        Outcome {
            events: world.events,
            partitions: sites.iter().map(|site| site.network.partitions).sum(),
            doubles: world.doubles(),
            tally: world.tally(),
            trace: *trace.finalize().as_bytes(),
            violation,
        }
    }

    fn doubles(&self) -> BTreeMap<&'static str, u64> {
        let mut doubles: BTreeMap<_, _> = Cause::ALL.into_iter().map(|cause| (cause.word(), 0)).collect();
        let causes = self.sites.iter().flat_map(|site| site.ghost.doubles.iter()).filter_map(|double| double.cause);
        causes.for_each(|cause| *doubles.entry(cause.word()).or_default() += 1);
        doubles
    }

    fn tally(&self) -> BTreeMap<&'static str, u64> {
        let mut tally = BTreeMap::new();
        for site in &self.sites {
            let ghost = &site.ghost;
            ghost.tally.iter().for_each(|(what, count)| *tally.entry(*what).or_default() += count);
            let lost = ghost.tickets.values().filter(|handed| handed.lost).count();
            let counts = [
                ("tickets", ghost.tickets.len()),
                ("tickets_lost", lost),
                ("walks", ghost.walks.len()),
                ("disks_put_back", ghost.rollbacks as usize),
                ("stale_witnesses", ghost.stale_witnesses as usize),
                ("seats_sold_twice", ghost.doubles.len()),
            ];
            counts.into_iter().for_each(|(what, count)| *tally.entry(what).or_default() += count as u64);
        }
        tally
    }

    fn go(&mut self, events: impl Iterator<Item = Event>) -> Result<(), Violation> {
        for index in 0..self.setup.theatres {
            self.sites.push(Site::new(u32::try_from(index).expect("few theatres"), self.setup)?);
        }
        for event in events {
            self.events += 1;
            self.happen(&event)?;
        }
        self.heal()
    }

    fn happen(&mut self, event: &Event) -> Result<(), Violation> {
        for (index, site) in self.sites.iter_mut().enumerate() {
            site.dice = StdRng::seed_from_u64(event.dice ^ index as u64);
        }
        let theatre = event.theatre.min(self.sites.len() - 1);
        self.sites[theatre].trace.update(event.to_string().as_bytes());
        for index in self.concerned(theatre, &event.action) {
            let site = &mut self.sites[index];
            site.act(&event.action)?;
            site.fail(&event.action)?;
        }
        self.sites[theatre].visit()?;
        let wait = if let Action::Wait { ms } = event.action { ms } else { 0 };
        self.run_until(Timestamp(self.now.0 + wait + event.pause_ms))
    }

    /// One process of central and one broker serve every theatre.
    fn concerned(&self, theatre: usize, action: &Action) -> std::ops::Range<usize> {
        let everywhere = matches!(
            action,
            Action::WipeBroker
                | Action::Takeover { who: Who::Central }
                | Action::Clock { who: Who::Central, .. }
                | Action::Restore { who: Who::Central, .. }
                | Action::Start { who: Who::Central }
                | Action::Crash { who: Who::Central, point: CrashPoint::Idle }
        );
        if everywhere { 0..self.sites.len() } else { theatre..theatre + 1 }
    }

    fn run_until(&mut self, until: Timestamp) -> Result<(), Violation> {
        self.sites.iter_mut().try_for_each(|site| site.run_until(until))?;
        self.now = until;
        if self.sites.iter().any(|site| site.central_died) {
            for site in &mut self.sites {
                site.crash(Who::Central);
                site.central_died = false;
            }
        }
        Ok(())
    }

    /// Everything is well again, and both sides of each theatre must become equal.
    fn heal(&mut self) -> Result<(), Violation> {
        self.sites.iter_mut().try_for_each(Site::heal)?;
        let begun = self.now;
        // Once equal, the devices turn to the box once more: what they keep may have to be listed.
        let mut equal = 0;
        while self.now.since(begun) < HEALING_LASTS {
            self.sites.iter_mut().try_for_each(Site::visit)?;
            self.run_until(self.now + VISIT_EVERY)?;
            if self.now.since(begun) > SEEN_TO_AFTER {
                self.sites.iter_mut().try_for_each(Site::see_to)?;
            }
            let holds = |site| invariants::invariant_both_sides_are_equal_again(site).is_ok();
            equal = if self.sites.iter().all(holds) { equal + 1 } else { 0 };
            if equal > 2 {
                break;
            }
        }
        for site in &self.sites {
            invariants::AFTER_HEALING.iter().try_for_each(|invariant| invariant(site))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_worlds_sell_no_seat_twice_and_become_equal_again() {
        let mut partitions = 0;
        for seed in 0..200 {
            let (outcome, _) = World::run(seed, 120);
            assert_eq!(outcome.violation, None, "seed {seed}");
            partitions += outcome.partitions;
        }
        assert!(partitions > 200, "{partitions} partitions");
    }

    #[test]
    fn the_same_seed_gives_the_same_run_and_so_does_its_record() {
        let (outcome, record) = World::run(7, 200);
        assert_eq!(World::run(7, 200).0, outcome);
        assert_eq!(World::replay(7, &record), outcome);
        assert_ne!(World::run(8, 200).0.trace, outcome.trace);
    }
}
