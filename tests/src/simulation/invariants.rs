//! What must hold, each as a function named after its claim; the number is that of the claim in `tests/INVARIANTS.md`, which says
//! what else holds it.
//!
//! [`AT_EACH_COMMIT`] judges a transaction before it is written, against the node's disk and the ghost: it costs what the
//! transaction holds. [`AFTER_EACH_COMMIT`] judges what the nodes of the theatre have become, as far as the commit touched it.
//! [`AFTER_HEALING`] judges a theatre at rest. Those of requests and doors are called where the answer is given.

mod availability;
mod cuts;
mod doors;
mod forks;
mod healing;
mod logs;
mod runs;
mod sales;
mod seats;
mod standing;
mod trims;

pub use availability::*;
pub use cuts::*;
pub use doors::*;
pub use forks::*;
pub use healing::*;
pub use logs::*;
pub use runs::*;
pub use sales::*;
pub use seats::*;
pub use standing::*;
pub use trims::*;

use super::disk::{Commit, Disk};
use super::ghost::Ghost;
use super::node::{Node, Who};
use super::site::Site;
use shared::entry::{Entry, Fact, Hash};
use shared::ids::Side;
use shared::time::Timestamp;
use std::fmt;

/// A claim that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The function that said so.
    pub invariant: &'static str,
    /// What it found.
    pub what: String,
}

impl Violation {
    /// A claim did not hold.
    pub fn of(invariant: &'static str, what: impl fmt::Display) -> Self {
        Self { invariant, what: what.to_string() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// An entry in a transaction, of the log of the node that commits it.
#[derive(Debug)]
pub struct Written {
    /// Whose log.
    pub log: Side,
    /// Its number.
    pub seq: u64,
    /// The chain's hash after it.
    pub hash: Hash,
    /// What it says.
    pub entry: Entry,
    /// It was never written before: it was not taken back.
    pub fresh: bool,
}

/// A transaction that is about to be written.
#[derive(Debug)]
pub struct Step<'a> {
    /// The memory of the theatre.
    pub ghost: &'a Ghost,
    /// The node, its disk as it was before.
    pub node: &'a Node,
    /// The transaction.
    pub commit: &'a Commit,
    /// True time.
    pub now: Timestamp,
    /// The node's own entries in it.
    pub written: Vec<Written>,
}

impl<'a> Step<'a> {
    /// Reads a transaction.
    pub fn new(ghost: &'a Ghost, node: &'a Node, commit: &'a Commit, now: Timestamp) -> Self {
        let side = node.who.side();
        let own = commit.changes.entries.iter().filter(|entry| entry.log == side);
        let written = own
            .filter_map(|stored| {
                let fresh = !ghost.was_written(side, stored.seq, stored.hash);
                let entry = Entry::decode(&stored.bytes).ok()?;
                Some(Written { log: side, seq: stored.seq, hash: stored.hash, entry, fresh })
            })
            .collect();
        Self { ghost, node, commit, now, written }
    }

    /// The node's disk before the transaction.
    pub fn before(&self) -> &Disk {
        &self.node.disk
    }

    /// Facts that were not known to anybody before.
    pub fn fresh(&self) -> impl Iterator<Item = (&Written, &Fact)> {
        self.written.iter().filter(|written| written.fresh).map(|written| (written, &written.entry.fact))
    }
}

/// A claim about a transaction.
pub type AtCommit = fn(&Step<'_>) -> Result<(), Violation>;
/// A claim about a theatre after a node's commit.
pub type AfterCommit = fn(&Site, Who) -> Result<(), Violation>;
/// A claim about a theatre at rest.
pub type AtRest = fn(&Site) -> Result<(), Violation>;

/// Judged before each transaction is written.
pub const AT_EACH_COMMIT: &[AtCommit] = &[
    invariant_a_log_grows_without_gaps_by_its_chain,
    invariant_an_entry_arrives_only_after_its_writer_committed_it,
    invariant_an_entry_comes_in_only_after_what_its_writer_had_seen,
    invariant_an_ack_never_runs_ahead_of_the_receivers_store,
    invariant_what_is_cut_off_a_log_is_kept,
    invariant_what_was_set_aside_is_written_again_or_listed,
    invariant_nothing_of_a_forked_log_is_applied,
    invariant_an_incarnation_begins_where_it_says_and_the_one_before_ends_there,
    invariant_each_epoch_is_left_by_one_handover,
    invariant_only_the_authority_holds,
    invariant_only_free_seats_are_handed_over,
    invariant_seats_move_only_while_live,
    invariant_only_the_authority_sells_and_only_what_has_arrived,
    invariant_a_seat_is_released_only_after_its_void_was_accepted,
    invariant_a_cancelled_show_is_not_sold,
    invariant_an_expired_hold_sells_nothing,
    invariant_a_closed_node_sells_and_gives_nothing,
    invariant_a_closed_node_opens_only_by_a_logged_proof,
    invariant_a_node_that_forgot_appends_nothing,
    invariant_a_box_that_starts_writes_nothing_before_its_proof,
    invariant_a_cut_leaves_no_seat_on_sale,
    invariant_what_was_on_its_way_at_a_cut_arrives_unknown,
    invariant_a_seat_is_sold_again_only_with_a_later_generation,
    invariant_no_ticket_ends_on_which_somebody_walked_in,
];

/// Judged as a process starts from its store.
pub const AT_EACH_START: &[AfterCommit] = &[
    invariant_a_store_holds_what_its_logs_come_to,
    invariant_what_does_not_apply_is_listed,
    invariant_a_store_that_was_put_back_starts_closed,
];

/// Judged after each commit.
pub const AFTER_EACH_COMMIT: &[AfterCommit] = &[
    invariant_no_seat_is_sold_twice,
    invariant_one_side_at_most_may_sell_a_seat,
    invariant_every_seat_stands_as_its_ticket_says,
    invariant_free_seats_are_counted_as_they_stand,
    invariant_no_hold_outlives_its_cap,
    invariant_live_sides_have_one_chain,
    invariant_nobody_closes_and_nothing_is_in_dispute_without_a_cause,
];

/// Judged after everything has healed.
pub const AFTER_HEALING: &[AtRest] = &[
    invariant_both_sides_are_equal_again,
    invariant_what_does_not_apply_is_listed_by_both_sides,
    invariant_every_ticket_handed_out_is_known_to_both_sides,
    invariant_no_admission_is_forgotten,
    invariant_a_cancelled_show_is_cancelled_everywhere,
    invariant_the_fold_depends_only_on_the_entries,
    invariant_no_log_was_trimmed,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    const PAGE: &str = include_str!("../../INVARIANTS.md");

    /// The functions of every file below a folder.
    fn functions(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if entry.is_dir() && !name.starts_with('.') && name != "target" {
                functions(&entry, found);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&entry).expect("a source file");
                let named = text.split("fn ").skip(1).map(|rest| {
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
                });
                found.extend(named);
            }
        }
    }

    #[test]
    fn the_page_of_invariants_names_functions_that_exist_and_every_one_of_these() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let mut there = BTreeSet::new();
        functions(root, &mut there);
        let rows =
            PAGE.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2));
        let named: BTreeSet<&str> = rows.filter(|name| *name != "simulate").collect();
        let missing: Vec<_> = named.iter().filter(|name| !there.contains(**name)).collect();
        assert!(missing.is_empty(), "no such function: {missing:?}");
        let mut here = BTreeSet::new();
        functions(&root.join("tests/src/simulation/invariants"), &mut here);
        let untold: Vec<_> =
            here.iter().filter(|name| name.starts_with("invariant_") && !named.contains(name.as_str())).collect();
        assert!(untold.is_empty(), "not on the page: {untold:?}");
    }
}
