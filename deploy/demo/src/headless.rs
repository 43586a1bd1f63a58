//! The storyboard, played against a running house by outside clients: over HTTP, with bounded times, one line per step.

use crate::house::House;
use crate::truth::{Panel, Truth};
use anyhow::{Context, bail, ensure};
use std::time::{Duration, Instant};

mod counter_crowd;
mod crowd;
mod fate;
mod story;
mod storyboard;
mod web_crowd;

use story::Story;

/// No step of the storyboard takes longer.
const STEP_MAX: Duration = Duration::from_secs(60);
/// The randomised part takes no longer.
const CROWD_MAX: Duration = Duration::from_secs(300);
/// After the last healing everything is settled within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(45);

/// How a play went.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Steps that held.
    pub passed: u32,
    /// Steps that did not, those that could not be reached included.
    pub failed: u32,
    /// The truth at the end, nothing where it could not be told.
    pub panel: Option<Panel>,
}

impl Outcome {
    /// Every step passed and the panel holds.
    pub fn is_good(&self) -> bool {
        self.failed == 0 && self.panel.as_ref().is_some_and(Panel::holds)
    }
}

/// Prints a line for each step as it ends.
struct Playbill<Print> {
    outcome: Outcome,
    print: Print,
}

impl<Print: FnMut(&str)> Playbill<Print> {
    async fn step(&mut self, name: &str, at_most: Duration, play: impl Future<Output = anyhow::Result<String>>) {
        let began = Instant::now();
        let played = match tokio::time::timeout(at_most, play).await {
            Ok(played) => played,
            Err(_) => Err(anyhow::anyhow!("not done within {} s", at_most.as_secs())),
        };
        let seconds = began.elapsed().as_secs_f64();
        match played {
            Ok(note) => {
                self.outcome.passed += 1;
                (self.print)(&format!("ok      {name}: {note} ({seconds:.1} s)"));
            }
            Err(error) => {
                self.outcome.failed += 1;
                (self.print)(&format!("FAILED  {name}: {error:#} ({seconds:.1} s)"));
            }
        }
    }
}

/// Plays everything and prints as it goes; the last two lines are the truth panel and the count.
pub async fn run(house: &House, truth: &Truth, print: impl FnMut(&str)) -> Outcome {
    let mut bill = Playbill { outcome: Outcome::default(), print };
    let mut story = Story::new(house, truth);
    bill.step("(a) a customer buys online and is let in", STEP_MAX, storyboard::buy_online(&mut story)).await;
    bill.step("(b) the line is cut: both sides notice", STEP_MAX, storyboard::cut(&mut story)).await;
    bill.step("(b) the counter sells its own seats and no others", STEP_MAX, storyboard::sell_at_counter(&mut story))
        .await;
    bill.step("(b) central sells its own seats and no others", STEP_MAX, storyboard::sell_online(&mut story)).await;
    bill.step("(c) a ticket bought during the cut is let in", STEP_MAX, storyboard::admit_by_signature(&mut story))
        .await;
    bill.step("(d) the same ticket at two doors", STEP_MAX, storyboard::two_doors(&mut story)).await;
    bill.step("(e) a forged and a foreign ticket", STEP_MAX, storyboard::false_tickets(&mut story)).await;
    bill.step("(f) a cancellation during the cut waits", STEP_MAX, storyboard::cancel(&mut story)).await;
    bill.step("(g) the line is healed: equal within 10 s, nothing lost", STEP_MAX, storyboard::heal(&mut story)).await;
    bill.step("(f) the cancellation completes, its seats are sold again", STEP_MAX, storyboard::resell(&mut story))
        .await;
    bill.step("(h) central is down: counter and doors go on", STEP_MAX, storyboard::central_down(&mut story)).await;
    bill.step("(r) a crowd on both sides over several cuts", CROWD_MAX, crowd::run(house, truth)).await;
    bill.step("(r) everything is healed and settled", SETTLED_WITHIN * 2, settle(house, truth)).await;
    let report = truth.report(Duration::ZERO).await;
    let Playbill { mut outcome, mut print } = bill;
    match report {
        Ok(report) => {
            report.stories.iter().for_each(|story| print(&format!("        {story}")));
            print(&serde_json::to_string(&report.panel).unwrap_or_default());
            outcome.panel = Some(report.panel);
        }
        Err(error) => {
            outcome.failed += 1;
            print(&format!("FAILED  the truth panel: {error:#}"));
        }
    }
    print(&format!("{} passed, {} failed", outcome.passed, outcome.failed));
    outcome
}

/// Heals and waits until the panel holds without any grace.
async fn settle(house: &House, truth: &Truth) -> anyhow::Result<String> {
    house.heal().await.context("heal")?;
    let began = Instant::now();
    loop {
        let report = truth.report(Duration::ZERO).await?;
        if report.panel.holds() {
            let seen = truth.tickets_seen();
            ensure!(seen > 0, "no ticket was ever handed out");
            return Ok(format!("{seen} tickets in people's hands, each in both logs"));
        }
        if began.elapsed() > SETTLED_WITHIN {
            let stories = report.stories.into_iter().take(5).collect::<Vec<_>>().join("; ");
            bail!("the panel does not hold: {:?}: {stories}", report.panel);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_step_that_fails_or_hangs_counts_and_says_why() {
        let mut lines = Vec::new();
        let mut bill = Playbill { outcome: Outcome::default(), print: |line: &str| lines.push(line.to_owned()) };
        bill.step("one", STEP_MAX, async { Ok("well done".to_owned()) }).await;
        bill.step("two", STEP_MAX, async { bail!("no such seat") }).await;
        bill.step("three", STEP_MAX, std::future::pending()).await;
        let outcome = bill.outcome;
        assert_eq!((outcome.passed, outcome.failed, outcome.is_good()), (1, 2, false));
        assert!(lines[0].starts_with("ok      one: well done"), "{lines:?}");
        assert!(lines[1].starts_with("FAILED  two: no such seat"), "{lines:?}");
        assert!(lines[2].starts_with("FAILED  three: not done within 60 s"), "{lines:?}");
    }

    #[test]
    fn an_outcome_without_a_panel_or_with_a_bad_one_is_not_good() {
        let good = Panel { digests_equal: true, admitted_twice_solo: 3, ..Panel::default() };
        let outcome = |panel| Outcome { passed: 13, failed: 0, panel };
        assert!(outcome(Some(good.clone())).is_good());
        assert!(!outcome(None).is_good());
        assert!(!outcome(Some(Panel { digests_equal: false, ..good.clone() })).is_good());
        assert!(!outcome(Some(Panel { entries_unsynced: 1, ..good.clone() })).is_good());
        assert!(!outcome(Some(Panel { seats_sold_twice: 1, ..good })).is_good());
    }
}
