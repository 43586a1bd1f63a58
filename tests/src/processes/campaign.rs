//! Many faults, split into rounds.

use super::fault::Fault;
use super::judge::{Findings, Listed};
use super::programs::Programs;
use super::{clone, round};
use anyhow::Context;
use demo::generate::generator;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Faults of one round: a house stays small enough to be read in whole, and a failure near enough to its cause.
const ROUND_FAULTS: usize = 40;

/// How many of each fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of those that share a house.
    pub of: BTreeMap<Fault, usize>,
    /// Clones, each with a house of its own.
    pub clones: usize,
}

impl Counts {
    /// Nothing is to happen.
    pub fn is_empty(&self) -> bool {
        self.clones == 0 && self.of.values().all(|count| *count == 0)
    }
}

/// What is to be played.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Everything that is left to chance comes from it.
    pub seed: u64,
    /// How many of each fault.
    pub counts: Counts,
    /// Only this round, counted from 1; the clones are left out then.
    pub only: Option<usize>,
}

/// What it has shown.
#[derive(Debug, Default)]
pub struct Summary {
    times: BTreeMap<Fault, Vec<Duration>>,
    stories: BTreeMap<Fault, BTreeMap<String, usize>>,
    refusals: BTreeMap<String, u64>,
    alarms: Vec<String>,
    discrepancies: BTreeMap<String, usize>,
    sold_while_cut: u64,
    repeats: u64,
    sold_by_both: usize,
    acknowledged: u64,
    forgotten: u64,
    sold_twice: usize,
    lost: usize,
    violations: Vec<String>,
}

impl Campaign {
    /// Plays everything and reports to `out` as it goes. Ends early at the first round that fails.
    ///
    /// # Errors
    /// If a house cannot be set up or read, or `out` cannot be written; a violation is in the summary.
    pub async fn play(&self, programs: &Programs, out: &mut impl Write) -> anyhow::Result<Summary> {
        let mut summary = Summary::default();
        for (number, faults) in (1..).zip(self.rounds()) {
            if self.only.is_some_and(|only| only != number) {
                continue;
            }
            let began = std::time::Instant::now();
            let seed = self.seed.wrapping_add(number as u64);
            let outcome = round::play(programs, seed, number % 2 == 1, &faults).await;
            let outcome = outcome.with_context(|| format!("play round {number} of seed {}", self.seed))?;
            let (done, sold) = (outcome.overcome.len(), outcome.acknowledged);
            let seconds = began.elapsed().as_secs();
            writeln!(
                out,
                "round {number}: {done} of {} faults overcome, {sold} sales acknowledged, {seconds} s",
                faults.len()
            )?;
            summary.add_round(number, outcome);
            if !summary.holds() {
                return Ok(summary);
            }
        }
        for number in 1..=self.counts.clones {
            if self.only.is_some() {
                break;
            }
            let outcome = clone::play(programs, self.seed, number, number.is_multiple_of(2)).await;
            let outcome = outcome.with_context(|| format!("play clone {number} of seed {}", self.seed))?;
            summary.add_clone(number, outcome);
            if !summary.holds() {
                break;
            }
        }
        Ok(summary)
    }

    /// All faults in an order made from the seed, round by round; at least two rounds, so that there is a house with a witness and
    /// one without.
    fn rounds(&self) -> Vec<Vec<Fault>> {
        let all = self.counts.of.iter().flat_map(|(fault, count)| std::iter::repeat_n(*fault, *count));
        let mut all: Vec<Fault> = all.collect();
        all.shuffle(&mut generator(self.seed, &["faults", "order"]));
        let at_once = all.len().div_ceil(2).clamp(1, ROUND_FAULTS);
        all.chunks(at_once).map(<[Fault]>::to_vec).collect()
    }
}

impl Summary {
    /// Nothing that must not be.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.sold_twice == 0 && self.lost == 0
    }

    /// What must not have happened, one line each: what and where.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// One line per kind of fault, and what else was seen.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (fault, times) in &self.times {
            let mean = times.iter().sum::<Duration>().as_secs_f64() / times.len().max(1) as f64;
            let most = times.iter().max().copied().unwrap_or_default().as_secs_f64();
            let stories: Vec<String> =
                self.stories[fault].iter().map(|(story, count)| format!("{count} {story}")).collect();
            let (count, stories) = (times.len(), stories.join("; "));
            lines.push(format!("{fault}: {count}, equal again after {mean:.2} s, at most {most:.2} s ({stories})"));
        }
        if !self.alarms.is_empty() {
            let (count, alarms) = (self.alarms.len(), self.alarms.join("; "));
            lines.push(format!("clones: {count}, noticed by: {alarms}; {} seats sold by both", self.sold_by_both));
        }
        let refusals: Vec<String> = self.refusals.iter().map(|(code, count)| format!("{count} {code}")).collect();
        let (cut, again) = (self.sold_while_cut, self.repeats);
        let listed: Vec<String> = self.discrepancies.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        lines.push(format!("{cut} counter sales during partitions; {again} requests asked again under their key"));
        lines.push(format!("discrepancies listed: {}; refusals: {}", listed.join(", "), refusals.join(", ")));
        lines
    }

    /// The last line.
    pub fn totals(&self) -> String {
        let count = |fault: Fault| self.times.get(&fault).map_or(0, Vec::len);
        let (before, after) = Fault::ALL.split_at(5);
        let pairs =
            |faults: &[Fault]| faults.iter().map(|fault| format!("{fault}={} ", count(*fault))).collect::<String>();
        let Self { alarms, acknowledged, forgotten, sold_twice, lost, .. } = self;
        let (before, clones, after) = (pairs(before), alarms.len(), pairs(after));
        let sales = format!("acknowledged={acknowledged} forgotten={forgotten} sold_twice={sold_twice} lost={lost}");
        format!("{before}clones={clones} {after}{sales}")
    }

    fn add_round(&mut self, number: usize, outcome: round::Outcome) {
        for overcome in outcome.overcome {
            self.times.entry(overcome.fault).or_default().push(overcome.healed);
            *self.stories.entry(overcome.fault).or_default().entry(overcome.story).or_default() += 1;
        }
        for (code, count) in outcome.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
        self.acknowledged += outcome.acknowledged;
        self.forgotten += outcome.forgotten;
        self.sold_while_cut += outcome.sold_while_cut;
        self.repeats += outcome.repeats;
        self.count(&outcome.findings);
        self.sold_twice += outcome.findings.sold_twice.len();
        self.lost += outcome.findings.lost.len();
        let violations = outcome.failures.into_iter().chain(outcome.findings.violations());
        self.violations.extend(violations.map(|story| format!("round {number}: {story}")));
        if let Some(kept) = outcome.kept {
            self.violations.extend(outcome.findings.listed().map(|story| format!("round {number}: {story}")));
            self.violations.push(format!("round {number}: its files are kept in {}", kept.display()));
        }
    }

    fn count(&mut self, findings: &Findings) {
        for Listed { at, kind, .. } in &findings.discrepancies {
            *self.discrepancies.entry(format!("{kind} at {at}")).or_default() += 1;
        }
    }

    fn add_clone(&mut self, number: usize, outcome: clone::CloneOutcome) {
        self.acknowledged += outcome.acknowledged;
        self.forgotten += outcome.forgotten;
        self.sold_by_both += outcome.sold_by_both;
        self.count(&outcome.findings);
        self.sold_twice += outcome.findings.sold_twice.len();
        self.lost += outcome.findings.lost.len();
        self.alarms.extend(outcome.alarm);
        let violations = outcome.failures.into_iter().chain(outcome.findings.violations());
        self.violations.extend(violations.map(|story| format!("clone {number}: {story}")));
        if let Some(kept) = outcome.kept {
            self.violations.extend(outcome.findings.listed().map(|story| format!("clone {number}: {story}")));
            self.violations.push(format!("clone {number}: its files are kept in {}", kept.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_played_once_and_the_same_seed_gives_the_same_order() {
        let counts = Counts { of: Fault::ALL.into_iter().map(|fault| (fault, 13)).collect(), clones: 0 };
        let campaign = |seed| Campaign { seed, counts: counts.clone(), only: None };
        let rounds = campaign(7).rounds();
        assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [40, 40, 11]);
        for fault in Fault::ALL {
            assert_eq!(rounds.iter().flatten().filter(|played| **played == fault).count(), 13, "{fault}");
        }
        assert_eq!(campaign(7).rounds(), rounds);
        assert_ne!(campaign(8).rounds(), rounds);
    }

    #[test]
    fn the_last_line_names_every_count() {
        let expected = "partitions=0 edge_kills=0 central_kills=0 broker_kills=0 stale_restores=0 clones=0 disk_full=0 \
                        fsync_errors=0 acknowledged=0 forgotten=0 sold_twice=0 lost=0";
        assert_eq!(Summary::default().totals(), expected);
    }
}
