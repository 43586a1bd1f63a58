//! The server: opens the store, keeps up with the edge, answers scans, ends on the signal.

use crate::config::Config;
use crate::contact::Contact;
use crate::edge::{EdgeClient, EdgeError};
use crate::metrics::Metrics;
use crate::reader::Way;
use crate::store::{self, Identity, Keys, Store};
use crate::verdicts::Shown;
use crate::{reader, router, sync, witness};
use anyhow::Context;
use node::clock::{self, StoreClock};
use node::http::{Certificate, HttpLimits, serve_secured, serve_with};
use node::shutdown::Shutdown;
use node::sqlite::{self, Checkpoints, Readers};
use node::writer::Writer;
use shared::admission::{Door, Tries};
use shared::keys::KeyRing;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// The most that a request body may have, bytes: a ticket code is 173.
const BODY_MAX: usize = 4 * 1024;

/// Scans that may wait for the disk.
const WRITES_WAITING_MAX: usize = 1024;

/// One door device, as its requests and tasks share it.
pub(crate) struct Device {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) door: Door,
    pub(crate) clock: StoreClock,
    pub(crate) contact: Contact,
    pub(crate) edge: EdgeClient,
    pub(crate) writer: Writer<Store>,
    pub(crate) readers: Readers,
    pub(crate) metrics: Metrics,
    /// Rung when a scan was queued for upload.
    pub(crate) unsent: Notify,
    /// The last verdicts on scans of readers.
    pub(crate) shown: watch::Sender<Shown>,
    /// What pages of other machines must show.
    pub(crate) access_key: String,
    /// Its page is served over HTTPS.
    pub(crate) https: bool,
    /// Whoever tries the PIN of the lock, one at a time.
    pub(crate) unlocking: tokio::sync::Mutex<()>,
    /// Short codes that were guessed.
    pub(crate) tries: Mutex<Tries>,
    keys: Keys,
}

impl Device {
    /// The keys known now.
    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        self.keys.now()
    }

    /// The edge did not answer, or not as it should.
    pub(crate) fn edge_failed(&self, error: &EdgeError) {
        if error.is_off() && self.contact.declared(true) {
            tracing::warn!("somebody has declared this device off: it lets nobody in");
        }
        self.contact.lost(error);
    }
}

/// Serves the door of a paired data directory until `shutdown`.
///
/// # Errors
/// If the device is not paired, its store cannot be opened, or the listener fails.
pub async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let certificate = config.certificate()?;
    serve(config, certificate, listener, shutdown).await
}

/// [`run`] with the certificate that was read before.
pub(crate) async fn serve(
    config: Config,
    certificate: Option<Certificate>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let _lock = sqlite::lock(&config.data)?;
    let path = config.data.join(store::FILE);
    let mut db = sqlite::open(&path, &store::SCHEMA)?;
    let identity = store::identity(&db).context("read the device's identity")?;
    let identity = identity.with_context(|| {
        format!("{} is not paired: run `usher-scanner pair URL --data {0}` first", config.data.display())
    })?;
    let (cursor, synced_at) = store::synced_at(&db).context("read how far the feed was taken in")?;
    let keys = Keys::new(store::key_ring(&db, &identity).context("read the keys")?);
    let clock = StoreClock::starting_at(clock::last_persisted(&db)?);
    let edge = if config.edge.is_empty() { &identity.edge } else { &config.edge };
    let incarnation = store::incarnation(&db).context("read which life of the device this is")?;
    let access_key = store::access_key(&db).context("read the key of the door's link")?;
    let https = certificate.is_some();
    store::note_https(&db, https).context("note how the door's page is served")?;
    let off = store::is_off(&db).context("read whether this device is declared off")?;
    let edge = EdgeClient::new(edge, &identity, incarnation)?;
    if let Err(error) = sqlite::lay_out_log(&path, &mut db) {
        tracing::warn!(error = format!("{error:#}"), "verdicts will take longer until the log has grown");
    }
    let checkpoints = Checkpoints::start(&path, &db)?;
    let (writer, writer_thread) = Writer::start(db, Store::new(keys.clone()), clock.clone(), WRITES_WAITING_MAX)?;
    let device = Arc::new(Device {
        door: config.door(identity.theatre)?,
        contact: Contact::new(synced_at, Duration::from_secs(config.stale_after_s), off),
        readers: Readers::open(&path, 2)?,
        metrics: Metrics::default(),
        unsent: Notify::new(),
        shown: watch::Sender::default(),
        access_key,
        https,
        unlocking: tokio::sync::Mutex::default(),
        tries: Mutex::default(),
        keys,
        config,
        identity,
        clock,
        edge,
        writer,
    });
    tracing::info!(door = ?device.identity, "door device starts");
    let syncing = tokio::spawn(sync::run(device.clone(), cursor, shutdown.clone()));
    let witnessing = tokio::spawn(witness::run(device.clone(), shutdown.clone()));
    let mut reading = JoinSet::new();
    for path in &device.config.readers {
        reading.spawn(reader::run(device.clone(), path.clone(), Way::In, shutdown.clone()));
    }
    for path in &device.config.exit_readers {
        reading.spawn(reader::run(device.clone(), path.clone(), Way::Out, shutdown.clone()));
    }
    let limits = HttpLimits {
        frame_ancestors: device.config.frame_ancestors.clone(),
        body_max: BODY_MAX,
        ..HttpLimits::default()
    };
    let routes = router::routes(&device);
    let served = match certificate {
        Some(certificate) => serve_secured(&limits, certificate, listener, routes, shutdown.clone()).await,
        None => serve_with(&limits, listener, routes, shutdown.clone()).await,
    };
    shutdown.trigger();
    syncing.await.context("end the task that keeps up with the edge")?;
    witnessing.await.context("end the task that is the edge's witness")?;
    while reading.join_next().await.is_some() {}
    drop(device);
    drop(checkpoints);
    writer_thread.stop().await;
    served
}
