//! The part of central that works: the writer with the desk, the line to the boxes, the broker and the reconciler. On one machine it
//! is there as long as central is; of several nodes one has it at a time.

use crate::config::{Broker, Config};
use crate::database::{Database, Readers};
use crate::desk::{Desk, KeySource};
use crate::events::SeatBoard;
use crate::fleet::accounts::Accounts;
use crate::fleet::enrolment::{self, Enrolment};
use crate::fleet::keys::KeyStore;
use crate::link::{self, BrokerLogin};
use crate::office::Office;
use crate::operator::OperatorToken;
use crate::payments::gateway::Gateway;
use crate::payments::reconciler;
use crate::payments::schedule::PayingTimes;
use crate::pool::pass::Pass;
use crate::watermark::Watermark;
use crate::{router, setup};
use anyhow::Context;
use axum::Router;
use node::broker::EmbeddedBroker;
use node::clock::{self, StoreClock};
use node::mqtt::MqttUrl;
use node::shutdown::Shutdown;
use node::writer::{Writer, WriterThread};
use prometheus_client::registry::Registry;
use shared::ledger::HoldTimes;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::Settings;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Read-only connections.
const READERS: usize = 4;

/// The working part.
pub(crate) struct Working {
    broker: Option<EmbeddedBroker>,
    broker_url: MqttUrl,
    shutdown: Shutdown,
    link: JoinHandle<()>,
    reconciler: JoinHandle<()>,
    jobs: Writer<Desk>,
    writer: WriterThread,
}

impl Working {
    /// Loads the desk from the database, starts or joins the broker and begins to work; the routes are those of the whole central.
    ///
    /// # Errors
    /// If the store or a key cannot be read, the broker's port is taken, or a setting cannot be read.
    pub(crate) async fn start(
        config: &Config,
        db: Database,
        address: SocketAddr,
        pass: Option<Pass>,
        shutdown: Shutdown,
    ) -> anyhow::Result<(Self, Router)> {
        let gateway = Gateway::parse(&config.gateway, &config.gateway_secret)?;
        let settings = settings(config);
        let (board, payments) = (SeatBoard::default(), Arc::new(Notify::new()));
        let (place, keys) = (config.place()?, KeyStore::at(&config.keys));
        let readers = Readers::open(&place, READERS)?;
        let (woken, posted, keys_at) = (payments.clone(), board.clone(), config.keys.clone());
        // A long log takes longer to be loaded than the place is kept for one that says nothing.
        let tenure = db.tenure();
        // Loading waits for the disk or for a server.
        let loaded = tokio::task::spawn_blocking(move || Loaded::load(db, &keys_at, keys, settings, posted, woken));
        let Loaded { db, clock, mut desk, enrolled } = loaded.await.context("load the store")??;
        let Joined { broker, accounts, broker_url, login } = join_broker(config, &enrolled).await?;
        let (publisher, events) = link::connect(broker_url.clone(), login, settings.heartbeat, shutdown.clone());
        desk.publish_with(publisher.clone());
        desk.wait_for_payments(paying_times(config));
        desk.limit_seats(config.limits());
        desk.pay_back_early(Duration::from_secs(config.early_refund_h.saturating_mul(3600)));
        let metrics = desk.metrics().clone();
        let (writer, thread) = Writer::start(db, desk, clock.clone(), config.writes_waiting_max.max(4))
            .context("start the writer thread")?;
        let mut registry = Registry::with_prefix("usher_central");
        writer.metrics().register(&mut registry);
        metrics.register(&mut registry);
        // The first commit writes what loading has added, before anybody is answered.
        writer.run(|_, _, _| Ok(())).await.context("commit the first batch")?;
        drop(tenure);
        let link = tokio::spawn(link::deliver(events, writer.clone()));
        let public_url = match config.public_url.trim_end_matches('/') {
            "" => format!("http://{address}"),
            url => url.to_owned(),
        };
        let poll = Duration::from_millis(config.payment_poll_ms.max(50));
        let jobs = writer.clone();
        let operator_token = OperatorToken::of(&config.operator_token);
        let app = Arc::new(Office {
            publisher,
            writer,
            readers,
            clock,
            board,
            gateway,
            payments,
            poll,
            ending: shutdown.clone(),
            operator_token,
            accounts,
            metrics,
            proxies: config.behind_proxies,
            pass,
            public_url,
        });
        let reconciler = tokio::spawn(reconciler::run(app.clone(), shutdown.clone()));
        let routes = router::routes(app, Arc::new(registry));
        Ok((Self { broker, broker_url, shutdown, link, reconciler, jobs, writer: thread }, routes))
    }

    /// The writer.
    pub(crate) fn jobs(&self) -> &Writer<Desk> {
        &self.jobs
    }

    /// The broker that boxes connect to.
    pub(crate) fn broker_url(&self) -> &MqttUrl {
        &self.broker_url
    }

    /// Where the embedded broker listens, if there is one.
    pub(crate) fn broker_addr(&self) -> Option<SocketAddr> {
        self.broker.as_ref().map(EmbeddedBroker::local_addr)
    }

    /// Ends the reconciler, then the link, and last the writer, which gives its place up.
    ///
    /// # Errors
    /// If one of them ended in disorder.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        self.reconciler.await.context("wait for the reconciler")?;
        self.link.await.context("wait for the link")?;
        self.writer.stop().await;
        if let Some(broker) = self.broker {
            broker.shutdown().await;
        }
        Ok(())
    }
}

/// The broker that boxes and central connect to.
struct Joined {
    broker: Option<EmbeddedBroker>,
    accounts: Option<Arc<Accounts>>,
    broker_url: MqttUrl,
    login: BrokerLogin,
}

async fn join_broker(config: &Config, enrolled: &[Enrolment]) -> anyhow::Result<Joined> {
    match config.broker()? {
        Broker::External(url) => {
            let (username, password) = (config.mqtt_username.clone(), config.mqtt_password.clone());
            let tls = config.tls();
            tls.check(&url).with_context(|| format!("prepare the connection to {url}"))?;
            let login = BrokerLogin { username, password, tls };
            Ok(Joined { broker: None, accounts: None, broker_url: url, login })
        }
        Broker::Embedded(listen) => {
            let login = BrokerLogin::fresh();
            let accounts = Arc::new(Accounts::new(&login.password));
            for enrolment in enrolled {
                accounts.enrol(enrolment);
            }
            let broker = EmbeddedBroker::start(listen, accounts.clone()).await?;
            let address = broker.local_addr();
            let broker_url = MqttUrl { host: address.ip().to_string(), port: address.port(), tls: false };
            Ok(Joined { broker: Some(broker), accounts: Some(accounts), broker_url, login })
        }
    }
}

/// The store as it is found, with the desk that was loaded from it.
struct Loaded {
    db: Database,
    clock: StoreClock,
    desk: Desk,
    enrolled: Vec<Enrolment>,
}

impl Loaded {
    fn load(
        mut db: Database,
        keys_at: &Path,
        keys: KeyStore,
        settings: Settings,
        board: SeatBoard,
        payments: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let mut watermark = Watermark::open(keys_at)?;
        let clock = start_clock(&mut db, &mut watermark)?;
        let mut desk = Desk::load(db.sql(), KeySource::Directory(&keys), settings, board, payments, clock.now())?;
        desk.note_commits(watermark);
        desk.reload_with(keys, settings);
        let enrolled = enrolment::all(db.sql()).context("read the enrolled boxes")?;
        Ok(Self { db, clock, desk, enrolled })
    }
}

/// The clock that goes on from the store's last commit. A store that is older than its watermark is closed first.
fn start_clock(db: &mut Database, watermark: &mut Watermark) -> anyhow::Result<StoreClock> {
    let persisted = clock::last_persisted(db.sql()).context("read the store time")?;
    let clock = db.clock()?;
    // A further node of a cluster has no watermark of its own before it has worked for the first time.
    let first_time = matches!(db, Database::Postgres(_)) && !watermark.is_noted();
    if watermark.is_above(persisted) && !first_time {
        let theatres = setup::mark_store_restored(db, &clock).context("mark an older store as restored")?;
        tracing::warn!(
            theatres,
            "this store is an older copy: every theatre is closed until its box has given the log back"
        );
    }
    let persisted = clock::last_persisted(db.sql()).context("read the store time")?;
    watermark.begin(persisted)?;
    Ok(clock)
}

fn paying_times(config: &Config) -> PayingTimes {
    let seconds = |seconds: u64| Duration::from_secs(seconds.max(1));
    PayingTimes { payable: seconds(config.payable_s), grace: seconds(config.payment_grace_s) }
}

fn settings(config: &Config) -> Settings {
    let lasts = Duration::from_secs(config.hold_s.max(1));
    let PayingTimes { payable, grace } = paying_times(config);
    // A paying hold stands until the gateway was asked to end its payment, and a little longer.
    let holds = HoldTimes { lasts, cap: HoldTimes::WEB.cap.max(lasts), paying: payable + grace };
    Settings {
        heartbeat: Duration::from_millis(config.heartbeat_ms.max(50)),
        suspect_after: Duration::from_millis(config.suspect_after_ms),
        lock_down_after: Duration::from_millis(config.lock_down_after_ms),
        claim_wait: Duration::from_millis(config.claim_wait_ms),
        ..Settings::with_holds(holds)
    }
}
