//! One running central.

use crate::config::{Broker, Config};
use crate::database::{Database, Place, Readers};
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
use crate::watermark::Watermark;
use crate::{router, setup};
use anyhow::Context;
use node::broker::EmbeddedBroker;
use node::clock::{self, StoreClock};
use node::http::{self, HttpLimits};
use node::mqtt::MqttUrl;
use node::shutdown::{Shutdown, wait_for_end};
use node::writer::{Writer, WriterThread};
use prometheus_client::registry::Registry;
use shared::ledger::HoldTimes;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::Settings;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Jobs that may wait for the writer before callers are told to come back.
const WRITES_WAITING_MAX: usize = 4096;
/// Read-only connections.
const READERS: usize = 4;

/// A running central. Several run in one process; each ends by [`Central::stop`].
pub struct Central {
    address: SocketAddr,
    broker: Option<EmbeddedBroker>,
    broker_url: MqttUrl,
    shutdown: Shutdown,
    http: JoinHandle<anyhow::Result<()>>,
    link: JoinHandle<()>,
    reconciler: JoinHandle<()>,
    jobs: Writer<Desk>,
    writer: WriterThread,
}

impl Central {
    /// Opens the store, starts or joins the broker and serves on the listener.
    ///
    /// # Errors
    /// If the store or a key cannot be opened, the broker's port is taken, or a setting cannot be read.
    pub async fn start(config: Config, listener: TcpListener) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("read the address of the listener")?;
        let gateway = Gateway::parse(&config.gateway, &config.gateway_secret)?;
        let shutdown = Shutdown::new();
        let settings = settings(&config);
        let (board, payments) = (SeatBoard::default(), Arc::new(Notify::new()));
        let (place, keys) = (config.place()?, KeyStore::at(&config.keys));
        let readers = Readers::open(&place, READERS)?;
        let (woken, posted, keys_at) = (payments.clone(), board.clone(), config.keys.clone());
        // Opening waits for the disk or for a server.
        let opened = tokio::task::spawn_blocking(move || Opened::open(&place, &keys_at, keys, settings, posted, woken));
        let Opened { db, clock, mut desk, enrolled } = opened.await.context("open the store")??;
        let (broker, broker_url, login) = start_broker(&config, enrolled).await?;
        let (publisher, events) = link::connect(broker_url.clone(), login, settings.heartbeat, shutdown.clone());
        desk.publish_with(publisher.clone());
        desk.wait_for_payments(paying_times(&config));
        desk.pay_back_early(Duration::from_secs(config.early_refund_h.saturating_mul(3600)));
        let (writer, thread) =
            Writer::start(db, desk, clock.clone(), WRITES_WAITING_MAX).context("start the writer thread")?;
        let mut registry = Registry::with_prefix("usher_central");
        writer.metrics().register(&mut registry);
        // The first commit writes what loading has added, before anybody is answered.
        writer.run(|_, _, _| Ok(())).await.context("commit the first batch")?;
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
            operator_token,
            public_url,
        });
        let reconciler = tokio::spawn(reconciler::run(app.clone(), shutdown.clone()));
        let routes = router::routes(app, Arc::new(registry));
        let limits = HttpLimits { frame_ancestors: config.frame_ancestors, ..HttpLimits::default() };
        let ending = shutdown.clone();
        let http = tokio::spawn(async move {
            let served = http::serve_with(&limits, listener, routes, ending.clone()).await;
            // A central that nobody can reach must not go on as if it worked.
            ending.trigger();
            served
        });
        Ok(Self { address, broker, broker_url, shutdown, http, link, reconciler, jobs, writer: thread })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The broker that boxes connect to, the embedded one or another.
    pub fn broker_url(&self) -> &MqttUrl {
        &self.broker_url
    }

    /// Where the embedded broker listens, if there is one.
    pub fn broker_addr(&self) -> Option<SocketAddr> {
        self.broker.as_ref().map(EmbeddedBroker::local_addr)
    }

    /// The signal that ends it, also triggered when it ends by itself.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Waits until the store fails, and says why. Central then sells nothing and says so, until it is started again.
    pub fn failed(&self) -> impl Future<Output = Arc<str>> + use<> {
        self.jobs.until_stopped()
    }

    /// Drains requests, then the link, and last the writer.
    ///
    /// # Errors
    /// What made serving end, if it was not the signal.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        let served = self.http.await.context("wait for the HTTP server")?;
        self.reconciler.await.context("wait for the reconciler")?;
        self.link.await.context("wait for the link")?;
        self.writer.stop().await;
        if let Some(broker) = self.broker {
            broker.shutdown().await;
        }
        served
    }
}

/// Runs central until the shutdown.
///
/// # Errors
/// If it cannot start, or serving fails.
pub async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let central = Central::start(config, listener).await?;
    let over = wait_for_end(&shutdown, &central.shutdown(), central.failed()).await;
    central.stop().await?;
    over
}

async fn start_broker(
    config: &Config,
    enrolled: Vec<Enrolment>,
) -> anyhow::Result<(Option<EmbeddedBroker>, MqttUrl, BrokerLogin)> {
    match config.broker()? {
        Broker::External(url) => {
            let (username, password) = (config.mqtt_username.clone(), config.mqtt_password.clone());
            let tls = config.tls();
            tls.check(&url).with_context(|| format!("prepare the connection to {url}"))?;
            Ok((None, url, BrokerLogin { username, password, tls }))
        }
        Broker::Embedded(listen) => {
            let login = BrokerLogin::fresh();
            let accounts = Accounts::new(&login.password);
            for enrolment in &enrolled {
                accounts.enrol(enrolment);
            }
            let broker = EmbeddedBroker::start(listen, Arc::new(accounts)).await?;
            let address = broker.local_addr();
            let url = MqttUrl { host: address.ip().to_string(), port: address.port(), tls: false };
            Ok((Some(broker), url, login))
        }
    }
}

/// The store as a start finds it, with the desk that was loaded from it.
struct Opened {
    db: Database,
    clock: StoreClock,
    desk: Desk,
    enrolled: Vec<Enrolment>,
}

impl Opened {
    fn open(
        place: &Place,
        keys_at: &Path,
        keys: KeyStore,
        settings: Settings,
        board: SeatBoard,
        payments: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let mut db = Database::open(place)?;
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
    if watermark.is_above(persisted) {
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
