//! Customers who hold two seats and book them, each over a connection that is kept open; whatever happens to a server meanwhile,
//! they ask again under the same key until there is an answer.

use super::generator::{Client, Reply};
use super::table::Timings;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
const ASKS_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Two seats of a show.
pub(super) type Pair = (Arc<str>, [String; 2]);

/// What a customer was told to have.
#[derive(Debug, Clone)]
pub(super) struct Bought {
    /// The show.
    pub(super) show: Arc<str>,
    /// The seats.
    pub(super) seats: [String; 2],
    /// The booking.
    pub(super) booking: String,
    /// The tickets.
    pub(super) tickets: Vec<String>,
}

/// What came of all customers.
#[derive(Debug, Default)]
pub(super) struct Sold {
    /// Who has got seats.
    pub(super) bought: Vec<Bought>,
    /// Who came too late.
    pub(super) refused: usize,
    /// Requests that were asked again.
    pub(super) repeats: u64,
    /// From the first request of a customer who got seats to the last answer.
    pub(super) timings: Timings,
    /// From the first customer to the last.
    pub(super) took: Duration,
}

impl Sold {
    /// Bookings in a second.
    pub(super) fn per_s(&self) -> f64 {
        self.bought.len() as f64 / self.took.as_secs_f64()
    }

    /// Seats and tickets that were given twice.
    pub(super) fn double(&self) -> usize {
        let (mut seats, mut tickets) = (BTreeSet::new(), BTreeSet::new());
        let mut twice = 0;
        for Bought { show, seats: of_it, tickets: with_it, .. } in &self.bought {
            twice += of_it.iter().filter(|seat| !seats.insert((show, *seat))).count();
            twice += with_it.iter().filter(|ticket| !tickets.insert(*ticket)).count();
        }
        twice
    }
}

#[derive(Deserialize)]
struct Held {
    hold: String,
}

#[derive(Deserialize)]
struct Booked {
    booking: String,
    state: String,
    tickets: Vec<BookedTicket>,
}

#[derive(Deserialize)]
struct BookedTicket {
    ticket: String,
}

/// One customer after the other, on one connection.
struct Shopper {
    nodes: Arc<[SocketAddr]>,
    node: usize,
    client: Option<Client>,
    repeats: Arc<AtomicU64>,
}

impl Shopper {
    /// An answer that counts.
    async fn insist(&mut self, path: &str, key: &str, body: &str) -> anyhow::Result<Reply> {
        let headers = format!("idempotency-key: {key}\r\n");
        let began = Instant::now();
        loop {
            match self.ask(path, &headers, body).await {
                Ok(reply) if reply.status < 500 => return Ok(reply),
                Ok(reply) if began.elapsed() > PATIENCE => bail!("{path}: {}", String::from_utf8_lossy(&reply.body)),
                Err(error) if began.elapsed() > PATIENCE => return Err(error),
                Ok(_) => {}
                Err(_) => self.client = None,
            }
            // As a balancer would: the next one.
            if self.nodes.len() > 1 {
                (self.client, self.node) = (None, self.node + 1);
            }
            self.repeats.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(ASKS_AGAIN_AFTER).await;
        }
    }

    async fn ask(&mut self, path: &str, headers: &str, body: &str) -> anyhow::Result<Reply> {
        let client = match &mut self.client {
            Some(client) => client,
            none => {
                let node = self.nodes.get(self.node % self.nodes.len()).context("find a node")?;
                none.insert(Client::connect(*node).await?)
            }
        };
        client.ask("POST", path, headers, body).await
    }

    /// Holds and books; nothing where somebody else has the seats.
    async fn shop(&mut self, (show, seats): &Pair) -> anyhow::Result<Option<Bought>> {
        let key = node::random::hex::<12>();
        let [one, other] = seats;
        let body = format!(r#"{{"seats":["{one}","{other}"]}}"#);
        let reply = self.insist(&format!("/v1/shows/{show}/holds"), &key, &body).await?;
        if reply.status == 409 {
            return Ok(None);
        }
        ensure!(reply.status == 201, "a hold: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        let Held { hold } = serde_json::from_slice(&reply.body).context("read a hold")?;
        let body = format!(r#"{{"hold":"{hold}","contact":{{"email":"{key}@example.org"}}}}"#);
        let reply = self.insist("/v1/bookings", &key, &body).await?;
        ensure!(reply.status == 201, "a booking: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        let booked: Booked = serde_json::from_slice(&reply.body).context("read a booking")?;
        ensure!(booked.state == "booked" && booked.tickets.len() == 2, "a booking is {}", booked.state);
        let tickets = booked.tickets.into_iter().map(|ticket| ticket.ticket).collect();
        Ok(Some(Bought { show: show.clone(), seats: seats.clone(), booking: booked.booking, tickets }))
    }
}

/// Sends so many customers at a time, by turns to each node, one for each pair. `served` counts those who have been served.
///
/// # Errors
/// If one of them gets no answer that counts, or one that cannot be.
pub(super) async fn sell(
    nodes: &[SocketAddr],
    at_once: usize,
    pairs: Vec<Pair>,
    served: Arc<AtomicUsize>,
) -> anyhow::Result<Sold> {
    let (nodes, pairs, repeats): (Arc<[SocketAddr]>, Arc<[Pair]>, _) = (nodes.into(), pairs.into(), Arc::default());
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut shopping = JoinSet::new();
    for node in 0..at_once {
        let (pairs, next, served) = (pairs.clone(), next.clone(), served.clone());
        let mut shopper = Shopper { nodes: nodes.clone(), node, client: None, repeats: Arc::clone(&repeats) };
        shopping.spawn(async move {
            let (mut bought, mut refused, mut timings) = (Vec::new(), 0, Timings::default());
            while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                match shopper.shop(pair).await? {
                    Some(one) => {
                        timings.add(asked.elapsed());
                        bought.push(one);
                    }
                    None => refused += 1,
                }
                served.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok((bought, refused, timings))
        });
    }
    let mut sold = Sold::default();
    while let Some(done) = shopping.join_next().await {
        let (bought, refused, timings) = done.context("run a customer")??;
        sold.bought.extend(bought);
        sold.refused += refused;
        sold.timings.extend(timings);
    }
    (sold.took, sold.repeats) = (began.elapsed(), repeats.load(Ordering::Relaxed));
    Ok(sold)
}

/// How many of those who were told that they have a booking cannot find it, with its tickets.
///
/// # Errors
/// If a node does not answer.
pub(super) async fn lost(nodes: &[SocketAddr], bought: &[Bought]) -> anyhow::Result<usize> {
    let mut client = Client::connect(*nodes.first().context("find a node")?).await?;
    let mut lost = 0;
    for Bought { booking, tickets, .. } in bought {
        let reply = client.ask("GET", &format!("/v1/bookings/{booking}"), "", "").await?;
        let found = (reply.status == 200).then(|| serde_json::from_slice::<Booked>(&reply.body).ok()).flatten();
        let whole = found.is_some_and(|found| {
            let theirs = found.tickets.iter().map(|found| &found.ticket);
            found.state == "booked" && found.booking == *booking && theirs.eq(tickets)
        });
        lost += usize::from(!whole);
    }
    Ok(lost)
}

/// Central's own free seats of a show in pairs, at most so many.
///
/// # Errors
/// If there are not as many.
pub(super) fn pairs(show: &str, map: &node::view::SeatMapView, count: usize) -> anyhow::Result<Vec<Pair>> {
    let mut pairs = all_pairs(show, map);
    ensure!(pairs.len() >= count, "show {show} has {} pairs of free seats, not {count}", pairs.len());
    pairs.truncate(count);
    Ok(pairs)
}

/// Central's own free seats of a show in pairs.
pub(super) fn all_pairs(show: &str, map: &node::view::SeatMapView) -> Vec<Pair> {
    let show: Arc<str> = show.into();
    let mut pairs = Vec::new();
    for row in &map.rows {
        let own: Vec<&String> =
            row.seats.iter().filter(|seat| seat.state == "free" && !seat.by_claim).map(|seat| &seat.label).collect();
        pairs.extend(own.chunks_exact(2).map(|two| (show.clone(), [two[0].clone(), two[1].clone()])));
    }
    pairs
}
