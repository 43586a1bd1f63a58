//! This device as the edge's witness: it keeps the edge's highest signed head, and the edge's entries where it is the named
//! witness, on its own disk before it says so; and gives them to an edge that asks for them after a restart.

use crate::edge::{EdgeError, WitnessAnswer, WitnessCall};
use crate::server::Device;
use crate::store::{self, Keeping, Kept};
use anyhow::Context;
use data_encoding::BASE64;
use node::shutdown::Shutdown;
use shared::ids::Side;
use shared::keys::PublicKey;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::message::Batch;

/// How long one call waits for news; well under the time after which the edge takes a witness for silent.
const WAIT: Duration = Duration::from_secs(8);
/// Bytes of entries pushed at once.
const PUSH_BYTES: usize = 512 * 1024;
/// The first and the longest pause after a call that failed.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// The pause before an edge is asked again that could not use what was pushed.
const UNUSED: Duration = Duration::from_millis(300);
/// The pause while there is no room: long enough for the edge to take this device for silent and to wait for it no more.
const FULL: Duration = Duration::from_secs(30);

/// Why a round was not completed.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Edge(#[from] EdgeError),
    #[error("the edge's answer is not believed: {0}")]
    Unbelieved(&'static str),
    #[error("the device's store failed: {0:#}")]
    Store(#[from] anyhow::Error),
}

/// What to push at the next call: the edge asks for what is kept after this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Wanted {
    after: Option<u64>,
    pause: Duration,
}

/// Runs until shutdown.
pub(crate) async fn run(device: Arc<Device>, shutdown: Shutdown) {
    let (mut wanted, mut pause, mut failing) = (Wanted::default(), RETRY, false);
    loop {
        let next = async {
            match round(&device, wanted).await {
                Ok(next) => {
                    (wanted, pause, failing) = (next, RETRY, false);
                    tokio::time::sleep(wanted.pause).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::info!(%error, "not a witness at present");
                    }
                    wanted = Wanted::default();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MAX);
                }
            }
        };
        tokio::select! {
            () = next => {}
            () = shutdown.wait() => return,
        }
    }
}

async fn round(device: &Arc<Device>, wanted: Wanted) -> Result<Wanted, RoundError> {
    let theatre = device.identity.theatre;
    let (kept, push) = device
        .readers
        .read(move |db| {
            let kept = store::kept(db, theatre)?;
            let push = wanted.after.map(|after| store::entries_after(db, theatre, after, PUSH_BYTES)).transpose()?;
            Ok((kept, push.flatten()))
        })
        .await?;
    let pushed = push.is_some();
    // Whoever is asked and has nothing to give says so: an edge that waits for it would wait for ever.
    let keeps = wanted.after.is_none() || pushed;
    let call = call(kept.as_ref(), keeps, push)?;
    let answer = device.edge.witness(&call, WAIT).await?;
    if answer.wanted {
        let moved = wanted.after != Some(answer.after);
        let helps = kept.is_some_and(|kept| kept.head.head.seq > answer.after);
        // An edge that moves on takes more at once; one that waits for somebody else is not to be pressed.
        let pause = if moved && (helps || pushed) { Duration::ZERO } else { UNUSED };
        return Ok(Wanted { after: Some(answer.after), pause });
    }
    let pause = keep(device, answer).await?;
    Ok(Wanted { after: None, pause })
}

fn call(kept: Option<&Kept>, keeps: bool, push: Option<Batch>) -> anyhow::Result<WitnessCall> {
    let encode = |batch: &Batch| anyhow::Ok(BASE64.encode(&postcard::to_extend(batch, Vec::new())?));
    Ok(WitnessCall {
        kept: kept.map(|kept| kept.head.clone()),
        after: kept.and_then(|kept| kept.before).filter(|_| keeps).map(|before| before.seq),
        entries: push.as_ref().map(encode).transpose().context("write entries for the edge")?,
        wait_s: WAIT.as_secs(),
    })
}

/// Checks and stores what the edge gave; how long to wait before the next call.
async fn keep(device: &Arc<Device>, answer: WitnessAnswer) -> Result<Duration, RoundError> {
    // Closed for another reason: there is nothing to keep at present.
    let Some(head) = answer.head else { return Ok(UNUSED) };
    let keys: Vec<PublicKey> = {
        let ring = device.ring();
        ring.certificates().filter(|one| one.side == Side::Edge).map(|one| one.public_key).collect()
    };
    if head.theatre != device.identity.theatre || head.log != Side::Edge || !head.is_signed_by(&keys) {
        return Err(RoundError::Unbelieved("the head is not signed by this theatre's edge"));
    }
    let batch = answer.entries.filter(|_| answer.named).map(|text| {
        let bytes = BASE64.decode(text.as_bytes()).ok()?;
        postcard::from_bytes::<Batch>(&bytes).ok().filter(|batch| batch.log == Side::Edge)
    });
    let batch = match batch {
        Some(None) => return Err(RoundError::Unbelieved("the entries cannot be read")),
        Some(Some(batch)) => Some(batch),
        None => None,
    };
    let acked = answer.acked;
    let stored = device.writer.run(move |_, tx, _| store::keep_witness(tx, &head, batch.as_ref(), acked));
    match stored.await.context("keep the edge's head")? {
        Keeping::Stored => Ok(Duration::ZERO),
        Keeping::Full => {
            tracing::warn!("no room for more of the edge's entries");
            Ok(FULL)
        }
        Keeping::Unfit => Err(RoundError::Unbelieved("the head does not follow on what is kept")),
    }
}
