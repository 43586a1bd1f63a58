//! One running box.

use crate::config::Config;
use crate::desk::Desk;
use crate::door::tokens::Tokens;
use crate::house::House;
use crate::printing::{Printers, jobs};
use crate::{identity, link, router, schema};
use anyhow::Context;
use node::clock::{self, StoreClock};
use node::http::{self, HttpLimits};
use node::shutdown::{Shutdown, wait_for_end};
use node::sqlite::{self, Checkpoints, Readers, StoreLock};
use node::writer::{WriteError, Writer, WriterThread};
use prometheus_client::registry::Registry;
use shared::ledger::HoldTimes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::Settings;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Jobs that may wait for the writer before callers are told to come back.
const WRITES_WAITING_MAX: usize = 4096;
/// Read-only connections.
const READERS: usize = 2;

/// A running box. Several run in one process; each ends by [`Edge::stop`].
pub struct Edge {
    house: Arc<House>,
    shutdown: Shutdown,
    http: JoinHandle<anyhow::Result<()>>,
    link: Option<JoinHandle<()>>,
    writer: WriterThread,
    checkpoints: Checkpoints,
    _lock: StoreLock,
}

impl Edge {
    /// Opens the store, connects to the broker and serves on the listener.
    ///
    /// # Errors
    /// If the box has not joined, its store cannot be opened, or a setting cannot be read.
    pub async fn start(config: Config, listener: TcpListener) -> anyhow::Result<Self> {
        let lock = sqlite::lock(&config.data)?;
        let identity = Arc::new(identity::load(&config.data)?);
        let path = config.data.join(schema::FILE);
        let db = sqlite::open(&path, &schema::SCHEMA)?;
        let printers = Printers::new(config.printers.clone(), &config.templates)?;
        let readers = Readers::open(&path, READERS)?;
        let checkpoints = Checkpoints::start(&path, &db)?;
        let clock = StoreClock::starting_at(clock::last_persisted(&db).context("read the store time")?);
        let address = listener.local_addr().context("read the address of the listener")?;
        let shutdown = Shutdown::new();
        let settings = settings(&config);
        let (door, counter) = (config.door(identity.theatre), config.counter()?);
        let line = match config.mqtt.as_str() {
            "" => None,
            url => Some(link::config(url, config.tls(), &identity, settings.heartbeat)?),
        };
        let line = line.map(|line| link::start(line, identity.theatre, shutdown.clone()));
        let (publisher, events) = line.unzip();
        let (desk, board) = Desk::load(&db, identity.clone(), settings, door, publisher.clone(), None, clock.now())?;
        let (writer, thread) =
            Writer::start(db, desk, clock.clone(), WRITES_WAITING_MAX).context("start the writer thread")?;
        let mut registry = Registry::with_prefix("usher_edge");
        writer.metrics().register(&mut registry);
        // The first commit opens the log where it is a first start, before anybody is answered.
        match writer.run(|_, tx, now| Ok(jobs::give_up_waiting(tx, now)?)).await {
            Err(WriteError::Unwritable(why)) => tracing::error!(reason = why.code(), "the box can only be read"),
            first => first.context("commit the first batch")?,
        }
        let link = events.map(|events| tokio::spawn(link::deliver(events, writer.clone())));
        let house = Arc::new(House {
            writer,
            readers,
            clock,
            identity,
            board,
            tokens: Tokens::default(),
            publisher,
            boot: node::random::hex::<8>(),
            public_url: config.public_url,
            unproven: config.unproven,
            printers,
            counter,
            address,
            shutdown: shutdown.clone(),
            login_turn: Arc::default(),
        });
        let routes = router::routes(house.clone(), Arc::new(registry));
        let limits = HttpLimits { frame_ancestors: config.frame_ancestors, ..HttpLimits::default() };
        let ending = shutdown.clone();
        let http = tokio::spawn(async move {
            let served = http::serve_with(&limits, listener, routes, ending.clone()).await;
            // A box that nobody can reach must not go on as if it worked.
            ending.trigger();
            served
        });
        Ok(Self { house, shutdown, http, link, writer: thread, checkpoints, _lock: lock })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.house.address
    }

    /// The signal that ends it, also triggered when it ends by itself.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Waits until the store fails, and says why. The box then sells nothing and says so, until it is started again.
    pub fn failed(&self) -> impl Future<Output = Arc<str>> + use<> {
        self.house.writer.until_stopped()
    }

    /// Drains requests, then the link, and last the writer.
    ///
    /// # Errors
    /// What made serving end, if it was not the signal.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        let served = self.http.await.context("wait for the HTTP server")?;
        if let Some(link) = self.link {
            link.await.context("wait for the link")?;
        }
        drop(self.checkpoints);
        self.writer.stop().await;
        served
    }
}

/// Runs a box until the shutdown.
///
/// # Errors
/// If it cannot start, or serving fails.
pub async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let edge = Edge::start(config, listener).await?;
    let over = wait_for_end(&shutdown, &edge.shutdown(), edge.failed()).await;
    edge.stop().await?;
    over
}

fn settings(config: &Config) -> Settings {
    Settings {
        heartbeat: Duration::from_millis(config.heartbeat_ms.max(50)),
        suspect_after: Duration::from_millis(config.suspect_after_ms),
        lock_down_after: Duration::from_millis(config.lock_down_after_ms),
        claim_wait: Duration::from_millis(config.claim_wait_ms),
        gate_wait: Duration::from_millis(config.gate_wait_ms),
        witness_silent_after: Duration::from_millis(config.witness_silent_after_ms),
        ..Settings::with_holds(HoldTimes::COUNTER)
    }
}
