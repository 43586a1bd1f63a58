//! A window of a theatre that sells all the while, whatever befalls central: its own seats, and some of the web's where central gives
//! them.

use super::generator::{Client, Reply, Request};
use super::house::get;
use super::programs::Running;
use super::sales::{Pair, sale_request, sold};
use super::table::Timings;
use super::theatre::{self, CASHIER, Theatre};
use anyhow::{Context, ensure};
use node::view::LinkView;
use serde::Deserialize;
use shared::ids::TicketId;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A cashier takes so long between two sales.
const THINKS: Duration = Duration::from_millis(250);
/// Every so many sales one guest wants seats that are the web's.
const WANTS_THE_WEBS: usize = 4;
/// What a guest who wants the web's seats may be told while central is struck.
const REFUSED: [&str; 5] = ["link_down", "seat_elsewhere", "seat_in_transit", "peer_closed", "no_seats_together"];
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// A box that runs.
pub(super) struct RunningBox {
    /// Where it answers.
    pub(super) address: SocketAddr,
    running: Running,
}

/// What a window has sold.
#[derive(Default)]
pub(super) struct Takings {
    /// The tickets that were handed out.
    pub(super) tickets: Vec<TicketId>,
    /// Sales of own seats.
    pub(super) own: Timings,
    /// Sales of the web's seats.
    pub(super) claimed: usize,
    /// Guests who were told that the web's seats cannot be had just now.
    pub(super) refused: usize,
}

/// A window that sells until it is closed.
pub(super) struct Selling {
    closing: Arc<AtomicBool>,
    task: JoinHandle<anyhow::Result<Takings>>,
}

#[derive(Deserialize)]
struct Status {
    link: LinkView,
}

impl RunningBox {
    /// Starts the box of a theatre that was set up.
    ///
    /// # Errors
    /// If it does not listen.
    pub(super) fn start(theatre: &Theatre<'_>, broker: SocketAddr) -> anyhow::Result<Self> {
        let (running, address) = theatre.start(broker, "127.0.0.1:0").context("start the box")?;
        Ok(Self { address, running })
    }

    /// How it stands with central.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn link(&self) -> anyhow::Result<LinkView> {
        Ok(get::<Status>(self.address, "/v1/status").await?.link)
    }

    /// Waits until its line is live. Returns for how long.
    ///
    /// # Errors
    /// If it is not in time.
    pub(super) async fn until_live(&self, at_most: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        loop {
            let state = self.link().await?.state;
            if state == "live" {
                return Ok(began.elapsed());
            }
            ensure!(began.elapsed() < at_most, "the box's line is {state} still: {}", self.running.last_words());
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    /// Opens a window that sells these seats of the counter's, and wants these of the web's.
    ///
    /// # Errors
    /// If nobody can log in.
    pub(super) async fn sell(&self, own: VecDeque<Pair>, webs: VecDeque<Pair>) -> anyhow::Result<Selling> {
        let (address, counter) = (self.address, theatre::log_in(self.address, CASHIER).await?);
        let closing = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(serve(address, counter, own, webs, closing.clone()));
        Ok(Selling { closing, task })
    }

    /// Ends it.
    ///
    /// # Errors
    /// If it does not end in order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }
}

impl Selling {
    /// Closes the window.
    ///
    /// # Errors
    /// What went wrong at it.
    pub(super) async fn close(self) -> anyhow::Result<Takings> {
        self.closing.store(true, Ordering::Relaxed);
        self.task.await.context("run the window")?
    }
}

async fn serve(
    address: SocketAddr,
    counter: String,
    mut own: VecDeque<Pair>,
    mut webs: VecDeque<Pair>,
    closing: Arc<AtomicBool>,
) -> anyhow::Result<Takings> {
    let (mut client, mut takings) = (Client::connect(address).await?, Takings::default());
    for guest in 1_usize.. {
        if closing.load(Ordering::Relaxed) {
            break;
        }
        let wants_webs = guest.is_multiple_of(WANTS_THE_WEBS);
        let pair = if wants_webs { webs.pop_front() } else { own.pop_front() }.context("the window has sold out")?;
        let Request { path, headers, body } = sale_request(&pair, &counter);
        let asked = Instant::now();
        let reply = client.ask("POST", &path, &headers, &body).await?;
        if wants_webs && is_refused(&reply) {
            takings.refused += 1;
            webs.push_back(pair);
        } else {
            takings.tickets.extend(sold(guest, reply)?);
            if wants_webs {
                takings.claimed += 1;
            } else {
                takings.own.add(asked.elapsed());
            }
        }
        tokio::time::sleep(THINKS).await;
    }
    Ok(takings)
}

fn is_refused(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }
    let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
    reply.status != 201 && problem.is_some_and(|problem| REFUSED.contains(&problem.code.as_str()))
}
