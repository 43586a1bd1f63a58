//! Keeping up with the edge: queued scans go up, the door feed comes down, in this order and one at a time.
//!
//! Asking the feed for what comes after a cursor tells the edge that this device knows everything up to it and has uploaded
//! every scan it answered before knowing it. The edge ends a ticket's validity on that word, so the queue is emptied before
//! every request of the feed.

use crate::edge::{DepartureUpload, EdgeError, FeedPage, Upload};
use crate::server::Device;
use crate::store::{self, Queued};
use anyhow::Context;
use node::shutdown::Shutdown;
use node::view::VerdictView;
use shared::admission::Effect;
use shared::ids::ScanId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Scans of one upload.
const BATCH_SCANS: usize = 50;

/// The least time between two feed requests that brought nothing, should the edge not wait for news.
const FEED_PAUSE: Duration = Duration::from_millis(200);

/// Why a round with the edge was not completed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    #[error(transparent)]
    Edge(#[from] EdgeError),
    #[error("the device's store failed: {0:#}")]
    Store(#[from] anyhow::Error),
}

/// Runs until shutdown.
pub(crate) async fn run(device: Arc<Device>, mut cursor: Option<String>, shutdown: Shutdown) {
    loop {
        let round = async {
            let round = round(&device, &mut cursor).await;
            if let Err(error) = round {
                failed(&device, &error).await;
                tokio::time::sleep(Duration::from_millis(device.config.retry_ms)).await;
            }
        };
        tokio::select! {
            () = round => {}
            () = shutdown.wait() => return,
        }
    }
}

async fn failed(device: &Arc<Device>, error: &SyncError) {
    let SyncError::Edge(error) = error else { return device.contact.lost(error) };
    device.edge_failed(error);
    if error.is_off() {
        keep_off(device, true).await;
    }
}

/// It is known after a restart too, when the edge may be out of reach.
async fn keep_off(device: &Arc<Device>, off: bool) {
    let is_new = device.readers.read(move |db| Ok(store::is_off(db)? != off)).await;
    if !is_new.unwrap_or(false) {
        return;
    }
    if let Err(error) = device.writer.run(move |_, tx, _| Ok(store::set_off(tx, off)?)).await {
        tracing::error!(%error, "it could not be kept whether this device is declared off");
    }
}

async fn round(device: &Arc<Device>, cursor: &mut Option<String>) -> Result<(), SyncError> {
    upload_all(device).await?;
    upload_departures(device).await?;
    // While the edge is out of reach the feed is the probe for it, and that must not take long.
    let wait = if device.contact.reachable() { Duration::from_secs(device.config.feed_wait_s) } else { Duration::ZERO };
    let asked = Instant::now();
    let page = tokio::select! {
        page = device.edge.feed(cursor.as_deref(), wait) => page?,
        () = device.contact.wait_lost(), if !wait.is_zero() => return Ok(()),
        () = device.unsent.notified() => return Ok(()),
    };
    let quiet = !page.more && cursor.as_deref() == Some(page.cursor.as_str());
    take_in(device, page, cursor).await?;
    if device.contact.declared(false) {
        tracing::info!("this device counts again");
        keep_off(device, false).await;
    }
    device.contact.found();
    if quiet && !wait.is_zero() && asked.elapsed() < FEED_PAUSE {
        tokio::time::sleep(FEED_PAUSE).await;
    }
    Ok(())
}

async fn take_in(device: &Arc<Device>, page: FeedPage, cursor: &mut Option<String>) -> Result<(), SyncError> {
    let own = device.clock.now();
    device.contact.set_clock(own, page.now);
    device.contact.promised(page.guarantee);
    let complete = !page.more;
    let identity = device.identity.clone();
    let taken = device.writer.run(move |core, tx, now| {
        let taken = store::take_in(tx, &page, now)?;
        if taken.keys_changed {
            core.keys_are(store::key_ring(tx, &identity)?);
        }
        Ok(taken)
    });
    let taken = taken.await.context("take in the door feed")?;
    *cursor = Some(taken.cursor);
    if complete {
        device.contact.set_synced(own);
    }
    Ok(())
}

async fn upload_all(device: &Arc<Device>) -> Result<(), SyncError> {
    loop {
        let batch = device.readers.read(|db| Ok(store::queued(db, BATCH_SCANS)?)).await?;
        if batch.is_empty() {
            return Ok(());
        }
        match upload(device, &batch).await {
            Err(SyncError::Edge(error)) if error.is_final() => one_by_one(device, &batch).await?,
            other => other?,
        }
    }
}

/// One scan that the edge will not take must not keep the others from it.
async fn one_by_one(device: &Arc<Device>, batch: &[Queued]) -> Result<(), SyncError> {
    for scan in batch {
        match upload(device, std::slice::from_ref(scan)).await {
            Err(SyncError::Edge(error)) if error.is_final() => {
                tracing::error!(scan = %scan.id, %error, "the edge does not take a scan; it stays on this device");
                device.metrics.refused_uploads.inc();
                let id = scan.id;
                let refused = device.writer.run(move |_, tx, _| Ok(store::refuse(tx, id)?));
                refused.await.context("note a scan that the edge does not take")?;
            }
            other => other?,
        }
    }
    Ok(())
}

/// Departures come after the entries that they end. Returns what each comes to by the edge's word, which counts here too.
pub(crate) async fn upload_departures(device: &Arc<Device>) -> Result<Vec<(ScanId, Effect)>, SyncError> {
    let mut all_told = Vec::new();
    loop {
        let batch = device.readers.read(|db| Ok(store::queued_departures(db, BATCH_SCANS)?)).await?;
        if batch.is_empty() {
            return Ok(all_told);
        }
        let uploads: Vec<_> = batch.iter().map(DepartureUpload::from).collect();
        let told = device.edge.depart(&uploads).await?;
        all_told.extend(&told);
        let stored: Vec<ScanId> = batch.iter().map(|departed| departed.id).collect();
        let acknowledged = device.writer.run(move |_, tx, _| {
            store::acknowledge_departures(tx, &stored)?;
            Ok(store::settle_departures(tx, &told)?)
        });
        acknowledged.await.context("note that departures are delivered")?;
    }
}

async fn upload(device: &Arc<Device>, batch: &[Queued]) -> Result<(), SyncError> {
    let uploads: Vec<_> = batch.iter().map(Upload::from).collect();
    let answers = device.edge.upload(&uploads).await?;
    let stored: Vec<ScanId> = answers.iter().map(|(id, _)| *id).collect();
    if !batch.iter().any(|scan| stored.contains(&scan.id)) {
        return Err(EdgeError::Unreadable("no scan of an upload was acknowledged".into()).into());
    }
    for (id, verdict) in &answers {
        count_duplicate(device, batch, *id, verdict);
    }
    device.metrics.uploaded.inc_by(stored.len() as u64);
    let acknowledged = device.writer.run(move |_, tx, _| Ok(store::acknowledge(tx, &stored)?));
    Ok(acknowledged.await.context("note that scans are delivered")?)
}

fn count_duplicate(device: &Device, batch: &[Queued], id: ScanId, verdict: &VerdictView) {
    let admitted = batch.iter().any(|scan| scan.id == id && scan.verdict == "admit");
    if admitted && verdict.verdict != "admit" {
        device.metrics.duplicates.inc();
        tracing::warn!(scan = %id, code = verdict.code, "an admission of this door was not the first or not valid");
    }
}
