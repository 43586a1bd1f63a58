//! `GET /v1/status`: the badge of the door page.

use crate::server::Device;
use crate::store::{self, Counts};
use axum::Json;
use axum::extract::State;
use node::health::Readiness;
use node::problem::Problem;
use node::view::TheatreRef;
use serde::Serialize;
use std::sync::Arc;

/// How the door stands.
#[derive(Debug, Serialize)]
pub(crate) struct StatusView {
    door: String,
    theatre: TheatreRef,
    /// The screens behind this door; empty for all.
    screens: Vec<u8>,
    /// `SHARED SOLO STALE`.
    guarantee: &'static str,
    /// Age of what is known, seconds; absent if the list was never complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_age_s: Option<u64>,
    /// Scans the edge has still to store.
    queued: u64,
    /// Scans the edge does not take, which a person must look at.
    refused: u64,
    /// Scans the edge has stored since the start that were answered here before.
    delivered: u64,
    /// Entries among them that it found to be not the first or not valid.
    conflicts: u64,
    /// Tickets admitted, as far as known here.
    admitted: u64,
    /// Of the shows whose doors are open now.
    counts: Counts,
    edge_reachable: bool,
    /// The edge has said what time it is since this device was started; until then a ticket of another day may be green.
    clock_verified: bool,
    /// Somebody has declared this device off: it lets nobody in.
    off: bool,
    /// The page's settings are locked.
    locked: bool,
}

/// Answers with the status.
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn status(State(device): State<Arc<Device>>) -> Result<Json<StatusView>, Problem> {
    let own = device.clock.now();
    let counts = device.readers.read({
        let (door, now) = (device.door.clone(), device.contact.clock(own).now);
        move |db| {
            let locked = store::lock_of(db)?.is_some();
            let told = (store::queued_count(db)?, store::refused_count(db)?);
            Ok((told, store::admitted_count(db)?, store::counts(db, &door, now)?, locked))
        }
    });
    let ((queued, refused), admitted, counts, locked) = counts.await?;
    Ok(Json(StatusView {
        door: device.identity.door.clone(),
        theatre: TheatreRef { id: device.identity.theatre.0, name: device.identity.theatre_name.clone() },
        screens: device.door.screens.iter().map(|screen| screen.0).collect(),
        guarantee: device.contact.guarantee(own).word(),
        data_age_s: device.contact.data_age(own).map(|age| age.as_secs()),
        queued,
        refused,
        delivered: device.metrics.uploaded.get(),
        conflicts: device.metrics.duplicates.get(),
        admitted,
        counts,
        edge_reachable: device.contact.reachable(),
        clock_verified: device.contact.clock(own).verified,
        off: device.contact.is_off(),
        locked,
    }))
}

/// A door is ready when it can write down what it answers and knows a key to check by.
pub(crate) fn readiness(device: &Device) -> Readiness {
    let stopped = device.writer.stopped().map(|why| format!("store_stopped: {why}"));
    let keyless = device.ring().certificates().next().is_none().then(|| "no_certificates".to_owned());
    Readiness::unless(stopped.into_iter().chain(keyless))
}
