//! The truth panel: what an outsider with all the books finds, while everything runs and after it.
//!
//! It believes nobody. It reads the logs of both sides out of their databases, entry by entry, and folds them itself; it reads the
//! scans at the doors and the payment simulator's ledger; and it keeps a ghost set of every ticket that was ever handed to somebody
//! ([`Truth::saw_ticket`]) and of every entry a door granted ([`Truth::saw_admission`]).

use anyhow::Context;
use findings::{Findings, Views};
use ghosts::Ghosts;
use serde::{Deserialize, Serialize};
use shared::ids::TicketId;
use sources::Shelf;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod book;
mod findings;
mod ghosts;
mod link;
mod sources;

pub use ghosts::Handed;
pub use sources::{Written, read_since};

/// What is true now, in eight numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// Seats of a show with more than one live ticket.
    pub seats_sold_twice: u64,
    /// Captured payments without a ticket or a refund.
    pub paid_without_ticket: u64,
    /// Tickets without a sale, and sold tickets without their money.
    pub ticket_without_sale: u64,
    /// Tickets admitted more than once although the theatre's edge was asked.
    pub admitted_twice_shared: u64,
    /// Tickets admitted more than once where a door stood alone: possible, and on record.
    pub admitted_twice_solo: u64,
    /// Entries that one side has and the other has not.
    pub entries_unsynced: u64,
    /// Age of the oldest of them, seconds.
    pub oldest_unsynced_s: u64,
    /// Both sides of every theatre have the same logs, heads and digests.
    pub digests_equal: bool,
}

impl Panel {
    /// Everything is as it must be with all lines healed and all work done.
    pub fn holds(&self) -> bool {
        let never =
            [self.seats_sold_twice, self.paid_without_ticket, self.ticket_without_sale, self.admitted_twice_shared];
        never == [0; 4] && self.entries_unsynced == 0 && self.digests_equal
    }
}

/// Where one theatre's books are.
#[derive(Debug, Clone)]
pub struct TheatreSource {
    /// The theatre's id.
    pub theatre: u32,
    /// The edge's address.
    pub edge_url: String,
    /// The edge's database.
    pub edge_database: PathBuf,
}

/// Where all books are.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Central's address.
    pub central_url: String,
    /// Central's database.
    pub central_database: PathBuf,
    /// The payment simulator's address.
    pub simulator_url: String,
    /// The theatres.
    pub theatres: Vec<TheatreSource>,
}

/// What is found, with the story of each finding.
#[derive(Debug, Clone)]
pub struct Report {
    /// The numbers.
    pub panel: Panel,
    /// One line per finding.
    pub stories: Vec<String>,
}

/// The checker of one house.
#[derive(Debug)]
pub struct Truth {
    sources: Sources,
    link: link::Links,
    ghosts: Mutex<Ghosts>,
    shelf: Arc<Mutex<Shelf>>,
    /// When each story that time may settle was first found.
    pending: Mutex<BTreeMap<String, Instant>>,
}

impl Truth {
    /// A checker that has seen nothing yet.
    ///
    /// # Errors
    /// If the HTTP clients cannot be built.
    pub fn new(sources: Sources) -> anyhow::Result<Self> {
        let link = link::Links::new(&sources).context("set up the checker's clients")?;
        let shelf = Arc::new(Mutex::new(Shelf::new(&sources)));
        Ok(Self { sources, link, ghosts: Mutex::default(), shelf, pending: Mutex::default() })
    }

    /// A ticket was handed to somebody, or taken back (`live` false).
    pub fn saw_ticket(&self, theatre: u32, show: &str, seat: &str, ticket: TicketId, live: bool) {
        lock(&self.ghosts).saw_ticket(Handed { theatre, show: show.to_owned(), seat: seat.to_owned(), ticket }, live);
    }

    /// A door let the bearer of a ticket in.
    pub fn saw_admission(&self, ticket: TicketId, guarantee: &str) {
        lock(&self.ghosts).saw_admission(ticket, guarantee == "SHARED");
    }

    /// How many different tickets were handed out so far.
    pub fn tickets_seen(&self) -> usize {
        lock(&self.ghosts).tickets_count()
    }

    /// What is true now. Money and sales that are on their way count only once they are late by `grace`.
    ///
    /// # Errors
    /// If a database or the simulator cannot be read.
    pub async fn report(&self, grace: Duration) -> anyhow::Result<Report> {
        let ledger = self.link.money().await.context("read the simulator's ledger")?;
        let shelf = Arc::clone(&self.shelf);
        let ghosts = lock(&self.ghosts).clone();
        let findings = tokio::task::spawn_blocking(move || {
            let mut shelf = lock(&shelf);
            let scans = shelf.refresh()?;
            anyhow::Ok(Findings::of(&Views {
                theatres: shelf.theatres(),
                ghosts: &ghosts,
                ledger: &ledger,
                scans: &scans,
            }))
        });
        let findings = findings.await.context("read the books")??;
        let links_equal = self.link.equal(&self.sources).await;
        Ok(self.settle(findings, links_equal, grace))
    }

    fn settle(&self, findings: Findings, links_equal: bool, grace: Duration) -> Report {
        let mut pending = lock(&self.pending);
        let late = pending.clone();
        pending.clear();
        let now = Instant::now();
        let mut stories = Vec::new();
        let mut overdue = |found: Vec<String>| {
            let mut count = 0;
            for story in found {
                let since = late.get(&story).copied().unwrap_or(now);
                if now.duration_since(since) >= grace {
                    count += 1;
                    stories.push(story.clone());
                }
                pending.insert(story, since);
            }
            count
        };
        let paid_without_ticket = overdue(findings.paid_without_ticket);
        let ticket_without_sale = overdue(findings.ticket_without_sale);
        let count = |found: &[String]| found.len() as u64;
        let panel = Panel {
            seats_sold_twice: count(&findings.seats_sold_twice),
            paid_without_ticket,
            ticket_without_sale,
            admitted_twice_shared: count(&findings.admitted_twice_shared),
            admitted_twice_solo: count(&findings.admitted_twice_solo),
            entries_unsynced: findings.entries_unsynced,
            oldest_unsynced_s: findings.oldest_unsynced.map_or(0, |at| crate::clock::now().since(at).as_secs()),
            digests_equal: links_equal && findings.logs_differ.is_empty(),
        };
        stories.extend(findings.seats_sold_twice);
        stories.extend(findings.admitted_twice_shared);
        stories.extend(findings.admitted_twice_solo);
        stories.extend(findings.logs_differ);
        Report { panel, stories }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is rebuilt or only grows: a panic elsewhere leaves nothing half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
