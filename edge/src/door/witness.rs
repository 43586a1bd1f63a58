//! What paired devices keep of this box's log, and give back to a box that is behind.
//!
//! A device calls with the highest head it keeps; by that it says that all of it is on its own disk. It is answered with the
//! next head and, at the named witness, the entries up to it. While the box does not know whether its log is whole it asks for
//! what the device keeps, and answers nothing for it to keep. An open box asks too where the device keeps entries of a line that
//! was left: they are listed before the device makes room for the line that is.

pub mod naming;

use super::devices::{self, Device};
use crate::desk::{Desk, Standing};
use crate::house::House;
use crate::opening::{Attested, attest};
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use data_encoding::BASE64;
use node::ledger_store::StoredLogs;
use node::problem::{JsonBody, Problem};
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};
use shared::entry::Head;
use shared::ids::{Side, TheatreId};
use shared::keys::PublicKey;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::log::EntrySource;
use sync_protocol::message::{Batch, EntryBytes};
use sync_protocol::replica::Closed;
use sync_protocol::witness::SignedHead;

/// The most bytes of a call: a megabyte of entries in Base64.
pub const BODY_MAX: usize = 2 * 1024 * 1024;
/// Bytes of the entries of one answer.
const ANSWER_BYTES: usize = 256 * 1024;
/// The longest a call waits for news.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// The longest a sale waits for the witness.
const STORED_WITHIN: Duration = Duration::from_millis(1500);

/// What a device keeps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessCall {
    /// The highest head it keeps.
    kept: Option<SignedHead>,
    /// It has every entry after this number, up to that head.
    after: Option<u64>,
    /// Entries of this box's log, a batch as Base64.
    entries: Option<String>,
    #[serde(default)]
    wait_s: u64,
}

/// What it is to keep from now on.
#[derive(Debug, Serialize)]
pub struct WitnessView {
    boot: String,
    /// The caller is the named witness.
    named: bool,
    /// The box has its own log up to here.
    own: u64,
    /// Central has it up to here.
    acked: u64,
    /// A head that is committed, where the box is open.
    head: Option<SignedHead>,
    /// The entries up to it, a batch as Base64, at the named witness.
    entries: Option<String>,
    /// The box asks for what the caller keeps after `after`.
    wanted: bool,
    after: u64,
}

/// What a call says, read.
struct Memory {
    kept: Option<SignedHead>,
    after: Option<u64>,
    batch: Option<Batch>,
}

impl Memory {
    /// Nothing is missing between what central has and the head.
    fn is_whole(&self, acked: u64) -> bool {
        self.after.is_some_and(|after| after <= acked)
    }

    /// Entries of a line that was left, which the box has not been given yet: after which number.
    fn left_after(&self, own_keys: &[PublicKey], logs: &impl EntrySource) -> anyhow::Result<Option<u64>> {
        let Some(kept) = self.kept.as_ref().filter(|kept| kept.is_signed_by(own_keys)) else { return Ok(None) };
        let on_chain = logs.head_at(Side::Edge, kept.head.seq)? == Some(kept.head);
        let given = self.batch.as_ref().map(|batch| batch.before.seq + batch.entries.len() as u64);
        Ok(given.or(self.after).filter(|after| !on_chain && self.after.is_some() && *after < kept.head.seq))
    }

    /// From where on this device needs entries.
    fn reads_after(&self, acked: u64) -> u64 {
        self.kept
            .as_ref()
            .map(|kept| kept.head.seq)
            .filter(|_| self.is_whole(acked))
            .map_or(acked, |seq| seq.max(acked))
    }
}

/// `POST /v1/door/witness`.
pub async fn call(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(call): JsonBody<WitnessCall>,
) -> Result<Json<WitnessView>, Problem> {
    let device = house.any_device(&headers).await?;
    let wait = tokio::time::sleep(Duration::from_secs(call.wait_s).min(WAIT_MAX));
    let batch = call.entries.as_deref().map(read_batch).transpose()?;
    let memory = Arc::new(Memory { kept: call.kept, after: call.after, batch });
    let told = memory.clone();
    let number = DeviceNumber(device.number);
    house.writer.run(move |desk, tx, now| desk.hear_witness(tx, number, &told, now)).await?;
    let mut news = house.news();
    // A box put back to an older disk may think it off: what it remembers is heard, but it is given nothing to keep.
    let unproven = news.borrow().standing.closed == Some(Closed::HeadUnproven);
    let device = if unproven { device } else { device.on()? };
    tokio::pin!(wait);
    loop {
        let standing = news.borrow_and_update().standing.clone();
        let at_once =
            standing.closed == Some(Closed::HeadUnproven) || wait.is_elapsed() || house.shutdown.is_triggered();
        if at_once || has_news(&standing, number, &memory) {
            return view(&house, &device, standing, memory).await.map(Json);
        }
        let goes_on = tokio::select! {
            () = &mut wait => true,
            () = house.shutdown.wait() => true,
            // Without a writer there will be no news.
            changed = news.wait_for(|board| board.standing != standing) => changed.is_ok(),
        };
        if !goes_on {
            return view(&house, &device, standing, memory).await.map(Json);
        }
    }
}

fn read_batch(text: &str) -> Result<Batch, Problem> {
    let bytes = BASE64.decode(text.as_bytes()).ok();
    let batch = bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok());
    batch.ok_or_else(|| Problem::unprocessable("bad_entries", "These are not entries of a log."))
}

fn has_news(standing: &Standing, device: DeviceNumber, memory: &Memory) -> bool {
    let named = standing.named == Some(device);
    let kept = memory.kept.as_ref().map(|kept| kept.head);
    standing.closed.is_none() && (kept != Some(standing.own) || named && !memory.is_whole(standing.acked))
}

async fn view(house: &House, device: &Device, standing: Standing, memory: Arc<Memory>) -> Result<WitnessView, Problem> {
    let named = standing.named == Some(DeviceNumber(device.number));
    let theatre = house.identity.theatre;
    let left = match standing.closed {
        Some(_) => None,
        None => {
            let (own_keys, memory) = (house.identity.own_keys(), memory.clone());
            house.readers.read(move |db| memory.left_after(&own_keys, &StoredLogs::new(db, theatre))).await?
        }
    };
    let (head, entries) = match standing.closed {
        Some(_) => (None, None),
        None if left.is_some() => (None, None),
        None if named => {
            let after = memory.reads_after(standing.acked);
            let read = house.readers.read(move |db| entries_after(db, theatre, after, standing.own));
            let (head, batch) = read.await?;
            let bytes = postcard::to_extend(&batch, Vec::new()).context("write entries for a witness")?;
            (Some(head), Some(BASE64.encode(&bytes)))
        }
        None => (Some(standing.own), None),
    };
    // A board is published after its commit, so every head here is on disk.
    let head = head.map(|head| SignedHead::sign(theatre, Side::Edge, head, &house.identity.key));
    let wanted = standing.closed == Some(Closed::HeadUnproven) || left.is_some();
    let (boot, own) = (house.boot.clone(), standing.own.seq);
    Ok(WitnessView { boot, named, own, acked: standing.acked, head, entries, wanted, after: left.unwrap_or(own) })
}

/// Entries after a number up to a head, as many as one answer holds, and the head after the last of them.
fn entries_after(db: &Connection, theatre: TheatreId, after: u64, own: Head) -> anyhow::Result<(Head, Batch)> {
    let logs = StoredLogs::new(db, theatre);
    let head_at = |seq| logs.head_at(Side::Edge, seq)?.with_context(|| format!("find the own entry {seq}"));
    let after = after.min(own.seq);
    let mut entries = logs.entries(Side::Edge, after + 1, ANSWER_BYTES)?;
    entries.truncate(usize::try_from(own.seq - after).unwrap_or(usize::MAX));
    let head = head_at(after + entries.len() as u64)?;
    let entries = entries.into_iter().map(EntryBytes).collect();
    Ok((head, Batch { log: Side::Edge, before: head_at(after)?, entries }))
}

impl Desk {
    fn hear_witness(
        &mut self,
        tx: &Transaction<'_>,
        device: DeviceNumber,
        memory: &Memory,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let logs = StoredLogs::new(tx, self.replica().theatre());
        let kept = memory.kept.as_ref();
        let acked = self.replica().heads().acked;
        if self.witness() == Some(device) && self.replica().can_sell() && !memory.is_whole(acked) {
            // Just named: what it keeps is right, but it has not got all entries yet, and must not be taken to have them.
            let on_chain =
                |kept: &SignedHead| Ok::<_, anyhow::Error>(logs.head_at(Side::Edge, kept.head.seq)? == Some(kept.head));
            if kept.map(on_chain).transpose()? == Some(true) {
                return Ok(());
            }
        }
        self.replica_mut().handle_witness(device, kept, memory.batch.clone(), now, &logs).context("hear a witness")?;
        let vouches = kept.is_some_and(|kept| kept.is_signed_by(&[self.identity().key.public()]));
        if vouches && self.witness().is_none() && self.replica().can_sell() && naming::can_be_named(tx, device)? {
            self.name_witness(tx, Some(device))?;
            tracing::info!(device = devices::id(device.0), "this scanner is the box's named witness");
        }
        Ok(())
    }
}

/// `POST /v1/devices/{device}/witness`: names the scanner the box's witness. Answers 404 `unknown_device`, 409 `asking`.
pub async fn name(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(device): Path<String>,
) -> Result<StatusCode, Problem> {
    let session = house.authorise(&headers, Task::Devices).await?;
    let unknown = || Problem::not_found("unknown_device", "There is no such paired scanner.");
    let number = devices::parse_id(&device).map(DeviceNumber).ok_or_else(unknown)?;
    let named = house.writer.run(move |desk, tx, now| {
        // Whoever is asked for the head must have been named while it was proven.
        if desk.replica().asking().is_some() {
            return Ok(Err(Refusal::Asking));
        }
        if !naming::can_be_named(tx, number)? {
            return Ok(Ok(false));
        }
        desk.name_witness(tx, Some(number))?;
        attest(tx, Attested::NamedWitness, &device, &session.staff, None, now)?;
        Ok(Ok(true))
    });
    if named.await?? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

impl House {
    /// Waits until the named witness has stored what is committed now, if it is waited for: 1.5 s at most. What it has not
    /// stored then counts as unwitnessed.
    pub async fn wait_for_witness(&self) {
        let mut news = self.news();
        let written = {
            let board = news.borrow();
            board.standing.waits_for_witness.then_some(board.standing.own.seq)
        };
        let Some(written) = written else { return };
        let stored = news.wait_for(|board| board.standing.kept >= written);
        if tokio::time::timeout(STORED_WITHIN, stored).await.is_err() {
            tracing::warn!(seq = written, "the witness has not stored a sale in time");
        }
    }
}
