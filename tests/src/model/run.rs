//! Exploring a setting.

use super::action::Action;
use super::setting::{Rule, Setting};
use super::theatre::Theatre;
use stateright::{Checker, Expectation, HasDiscoveries, Model};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// A claim that does not hold, with a way to where it does not.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The claim.
    pub claim: &'static str,
    /// The steps.
    pub steps: Vec<Action>,
}

/// What a whole exploration found.
#[derive(Debug)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// Claims that do not hold.
    pub violations: Vec<Violation>,
    /// What should be possible and is not.
    pub missing: Vec<&'static str>,
    /// States in which a seat is sold twice and nobody can prove it.
    pub unprovable: usize,
    /// States in which a seat is sold twice by a box that runs twice.
    pub cloned: usize,
    /// States in which a seat is sold twice by a logged override.
    pub overridden: usize,
}

/// Explores a setting whole.
pub fn check(setting: Setting, threads: usize) -> Explored {
    let checker = Theatre::new(setting).checker().threads(threads).spawn_bfs().join();
    let theatre = checker.model();
    let (mut violations, mut missing) = (Vec::new(), Vec::new());
    let mut found = checker.discoveries();
    for property in theatre.properties() {
        match (property.expectation, found.remove(property.name)) {
            (Expectation::Sometimes, None) => missing.push(property.name),
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                violations.push(Violation { claim: property.name, steps: path.into_actions() });
            }
            (Expectation::Sometimes, Some(_)) | (Expectation::Always | Expectation::Eventually, None) => {}
        }
    }
    let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    Explored {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        violations,
        missing,
        unprovable: count(&theatre.unprovable),
        cloned: count(&theatre.cloned),
        overridden: count(&theatre.overridden),
    }
}

/// The shortest way to where a rule's claim does not hold without the rule; nothing if it holds all the same.
pub fn catch(rule: Rule) -> Option<Violation> {
    let mut shortest = find(rule, None)?;
    // The checker keeps the last example of those it meets in one stretch, not the first.
    while let Some(shorter) = find(rule, Some(shortest.steps.len())) {
        shortest = shorter;
    }
    Some(shortest)
}

fn find(rule: Rule, fewer_than: Option<usize>) -> Option<Violation> {
    let claim = rule.claim();
    let until = HasDiscoveries::AllOf(BTreeSet::from([claim]));
    let mut search = Theatre::new(rule.setting()).checker().finish_when(until);
    if let Some(steps) = fewer_than {
        // The beginning counts as one, and the last is not looked at.
        search = search.target_max_depth(steps + 1);
    }
    let path = search.spawn_bfs().join().discovery(claim)?;
    Some(Violation { claim, steps: path.into_actions() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calm_theatre_has_no_violation_and_misses_nothing() {
        let explored = check(Setting::CALM, 2);
        assert_eq!(explored.violations.len(), 0, "{:?}", explored.violations);
        assert_eq!(explored.missing, [""; 0]);
        assert_eq!((explored.unprovable, explored.cloned, explored.overridden), (0, 0, 0));
    }

    #[test]
    fn each_rule_that_is_left_out_is_missed() {
        for rule in Rule::ALL {
            let violation = catch(rule).unwrap_or_else(|| panic!("nothing fails without the {rule}"));
            assert!(violation.steps.len() > 2, "{rule}: {:?}", violation.steps);
        }
    }

    #[test]
    fn the_double_sale_of_a_restored_box_is_the_known_one_without_the_boot_gate() {
        let violation = catch(Rule::BootGate).expect("caught");
        assert!(violation.steps.iter().any(|step| matches!(step, Action::Restore(..))));
    }
}
