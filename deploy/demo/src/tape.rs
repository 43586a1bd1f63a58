//! The operator's tape: what was written into the logs and what was switched, in the order it was noticed.

use crate::clock::now;
use crate::house::House;
use crate::truth::{Written, read_since};
use serde::Serialize;
use shared::entry::{Entry, Fact};
use shared::ids::Side;
use shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Older events are forgotten.
const EVENTS_MAX: usize = 400;
/// How often the books are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Grows by one per event.
    pub number: u64,
    /// When, by the clock of whoever did it; RFC 3339, India's time.
    pub at: String,
    /// The theatre's name, or `house`.
    pub place: String,
    /// `central`, `edge`, or `stage` for a switch.
    pub side: String,
    /// The kind of entry, or of switch.
    pub kind: String,
    /// One sentence.
    pub text: String,
}

#[derive(Debug)]
struct Watched {
    name: String,
    theatre: u32,
    /// Each side's own log is read where it is written.
    databases: BTreeMap<Side, PathBuf>,
    read_to: BTreeMap<Side, u64>,
}

#[derive(Debug, Default)]
struct Events {
    next: u64,
    kept: VecDeque<Event>,
}

/// The tape of one house.
#[derive(Debug)]
pub struct Tape {
    watched: Mutex<Vec<Watched>>,
    events: Mutex<Events>,
}

impl Tape {
    /// An empty tape of a house.
    pub fn of(house: &House) -> Self {
        let watched = house.theatres().iter().map(|place| Watched {
            name: place.name.clone(),
            theatre: place.id,
            databases: BTreeMap::from([
                (Side::Central, house.central_database()),
                (Side::Edge, place.database.clone()),
            ]),
            read_to: BTreeMap::new(),
        });
        Self { watched: Mutex::new(watched.collect()), events: Mutex::default() }
    }

    /// Adds a switch.
    pub fn note(&self, at: Timestamp, place: &str, kind: &str, text: String) {
        self.push(at, place, "stage", kind, text);
    }

    /// The events after a number, oldest first.
    pub fn after(&self, number: u64) -> Vec<Event> {
        lock(&self.events).kept.iter().filter(|event| event.number > number).cloned().collect()
    }

    /// Watches the books for ever.
    pub async fn follow(self: Arc<Self>) {
        loop {
            let tape = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || tape.look()).await {
                tracing::warn!(%error, "the tape could not look at the books");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look(&self) {
        let mut watched = lock(&self.watched);
        for place in watched.iter_mut() {
            for (side, database) in &place.databases {
                let read_to = place.read_to.entry(*side).or_insert(0);
                match read_since(database, place.theatre, *side, *read_to) {
                    Ok(written) => {
                        for Written { seq, bytes } in written {
                            *read_to = seq;
                            self.tell(&place.name, *side, &bytes);
                        }
                    }
                    // A stopped server's database may be away for a moment; the next look finds it.
                    Err(error) => tracing::debug!(error = format!("{error:#}"), "read the {side} log"),
                }
            }
        }
    }

    fn tell(&self, place: &str, side: Side, bytes: &[u8]) {
        match Entry::decode(bytes) {
            Ok(entry) => {
                if let Some(text) = sentence(&entry.fact) {
                    self.push(entry.at, place, side.word(), entry.fact.kind(), text);
                }
            }
            Err(error) => self.push(now(), place, side.word(), "Unreadable", error.to_string()),
        }
    }

    fn push(&self, at: Timestamp, place: &str, side: &str, kind: &str, text: String) {
        let at = node::zone::Zone::named(crate::generate::week::ZONE)
            .map_or_else(|_| String::new(), |zone| zone.rfc3339(at));
        let mut events = lock(&self.events);
        events.next += 1;
        let event = Event {
            number: events.next,
            at,
            place: place.to_owned(),
            side: side.to_owned(),
            kind: kind.to_owned(),
            text,
        };
        events.kept.push_back(event);
        if events.kept.len() > EVENTS_MAX {
            events.kept.pop_front();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Events and positions are whole at every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an entry tells an operator; nothing for what a set-up writes by the hundred.
fn sentence(fact: &Fact) -> Option<String> {
    let seats = |count: usize| if count == 1 { "1 seat".to_owned() } else { format!("{count} seats") };
    Some(match fact {
        Fact::LogOpened { parent: None, .. } => "a log was opened".to_owned(),
        Fact::LogOpened { .. } => "a log goes on after a cut".to_owned(),
        Fact::HandedOver { show, runs, claim } => {
            let count = runs.iter().map(|run| usize::from(run.count)).sum();
            let why = if claim.is_some() { ", as was asked" } else { "" };
            format!("{} of show {show} handed over{why}", seats(count))
        }
        Fact::Sold { show, seats: sold, .. } => format!("{} of show {show} sold", seats(sold.len())),
        Fact::Voided(ticket) => format!("ticket {} voided at the counter", ticket.ticket),
        Fact::VoidRequested(ticket) => format!("ticket {} is to be voided", ticket.ticket),
        Fact::VoidAccepted(ticket) => format!("ticket {} is void", ticket.ticket),
        Fact::VoidRefused(ticket) => format!("ticket {} was used before it could be voided", ticket.ticket),
        Fact::SeatReleased { show, seat, .. } => format!("seat #{seat} of show {show} is free again"),
        Fact::SeatWithheld { show, withheld: true, .. } => format!("seats of show {show} are kept off sale"),
        Fact::SeatWithheld { show, .. } => format!("seats of show {show} are back on sale"),
        Fact::ShowCancelled { show } => format!("show {show} is cancelled"),
        Fact::Admitted { ticket, door, .. } => format!("ticket {} admitted at {door}", ticket.ticket),
        Fact::PriceSet { show, .. } => format!("a price of show {show} changed"),
        Fact::KeyRevoked { key } => format!("key {key} is revoked"),
        Fact::UnknownSettled { show, .. } => format!("unknown seats of show {show} are for sale again"),
        Fact::TicketFound { show, seat, .. } => format!("ticket {} of show {show} has turned up", seat.ticket),
        Fact::BoxRetired { .. } => "the box is retired".to_owned(),
        Fact::BoxReplaced { .. } => "another box takes the place of the retired one".to_owned(),
        Fact::SeatsTaken { show, .. } => format!("seats of the retired box in show {show} moved to the web"),
        Fact::PlanPublished { .. } | Fact::ShowAdded(_) | Fact::ShowClosed { .. } | Fact::KeyCertified { .. } => {
            return None;
        }
    })
}
