//! A hand scanner on this machine that types: read from its own input device, so that no page needs the focus.
//!
//! The device is read as the kernel gives it (`/dev/input/…`); what it types is a code when Enter or Tab ends it, or when it falls
//! silent. A reader that is unplugged is waited for.
//!
//! Reading never waits for a verdict, for the kernel keeps only a few events: verdicts are asked for beside it, in the order of the codes.

mod hid;

use crate::departures::{DepartureRequest, end_entries};
use crate::group::AnswerView;
use crate::scan;
use crate::server::Device;
use axum::http::StatusCode;
use evdev::raw_stream::RawDevice;
use hid::{EVENT_BYTES, Keys, Typed};
use node::problem::Problem;
use node::shutdown::Shutdown;
use node::view::VerdictView;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

/// What is typed without an end is a code after so long a silence.
const SILENCE: Duration = Duration::from_millis(200);
/// Between two tries to open a device.
const AGAIN: Duration = Duration::from_secs(2);
/// Codes that may wait for their verdicts.
const WAITING_MAX: usize = 32;
/// Events that are read at once.
const EVENTS_MAX: usize = 64;

/// The way of those whose codes a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// Reads one device until shutdown.
pub(crate) async fn run(device: Arc<Device>, path: PathBuf, way: Way, shutdown: Shutdown) {
    let (codes, waiting) = mpsc::channel(WAITING_MAX);
    tokio::select! {
        () = read_on(&device, &path, &codes, &shutdown) => {}
        () = answer(&device, waiting, way) => {}
    }
}

async fn read_on(device: &Arc<Device>, path: &Path, codes: &mpsc::Sender<Typed>, shutdown: &Shutdown) {
    loop {
        tokio::select! {
            ended = read(device, path, codes) => tracing::warn!(path = %path.display(), why = %ended, "the reader is not there"),
            () = shutdown.wait() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = shutdown.wait() => return,
        }
    }
}

async fn read(device: &Arc<Device>, path: &Path, codes: &mpsc::Sender<Typed>) -> std::io::Error {
    // Input devices are polled as pipes are.
    let mut file = match pipe::OpenOptions::new().unchecked(true).open_receiver(path) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let grabbed = grab(&file);
    tracing::info!(path = %path.display(), grabbed = grabbed.is_some(), "a reader is there");
    let (mut keys, mut events, mut filled) = (Keys::default(), [[0; EVENT_BYTES]; EVENTS_MAX], 0);
    loop {
        match tokio::time::timeout(SILENCE, file.read(&mut events.as_flattened_mut()[filled..])).await {
            Err(_silence) => keys.finish().into_iter().for_each(|typed| take(device, typed, codes)),
            Ok(Ok(0)) => return std::io::ErrorKind::UnexpectedEof.into(),
            Ok(Ok(count)) => {
                filled += count;
                let whole = filled / EVENT_BYTES;
                for event in &events[..whole] {
                    keys.press(event).into_iter().for_each(|typed| take(device, typed, codes));
                }
                // A pipe may give a part of an event, which the next read completes.
                events.as_flattened_mut().copy_within(whole * EVENT_BYTES..filled, 0);
                filled -= whole * EVENT_BYTES;
            }
            Ok(Err(error)) => return error,
        }
    }
}

/// Takes the device for this program alone, for as long as the answer is kept: what a reader types must not reach the machine's
/// console as well. A pipe in its place has no such thing, and a device that another program has taken is read as far as it goes.
fn grab(file: &pipe::Receiver) -> Option<RawDevice> {
    let mut device = RawDevice::from_fd(file.as_fd().try_clone_to_owned().ok()?).ok()?;
    if let Err(error) = device.grab() {
        tracing::warn!(%error, "the reader is not this program's alone");
        return None;
    }
    Some(device)
}

/// Has a code wait for its verdict, in its turn.
fn take(device: &Device, typed: Typed, codes: &mpsc::Sender<Typed>) {
    if codes.try_send(typed).is_err() {
        not_checked(device, String::new(), "Too many codes wait for their verdicts: read it again.");
    }
}

/// Answers scans that nobody waits for by HTTP: the pages that are open show their verdicts.
async fn answer(device: &Arc<Device>, mut waiting: mpsc::Receiver<Typed>, way: Way) {
    while let Some(typed) = waiting.recv().await {
        let Typed::Code(code) = typed else {
            not_checked(device, String::new(), "A part of the code got lost: read it again.");
            continue;
        };
        let answered = match way {
            Way::In => scan::answer(device, &code, None, None).await,
            Way::Out => leave(device, &code).await,
        };
        match answered {
            Ok(view) => device.show(code, view),
            Err(problem) => {
                tracing::error!(?problem, "a scan of a reader could not be answered");
                not_checked(
                    device,
                    code,
                    "This device's program fails on this code: read it again, or ask the manager.",
                );
            }
        }
    }
}

/// Nothing is known of a code that was read, and whoever stands there must hear it.
fn not_checked(device: &Device, read: String, text: &str) {
    device.show(read, plain(device, "unknown", "not_checked", text, None).into());
}

/// A verdict that says nothing of the ticket beyond its words.
fn plain(device: &Device, verdict: &str, code: &str, text: &str, ticket: Option<String>) -> VerdictView {
    let own = device.clock.now();
    VerdictView {
        verdict: verdict.into(),
        code: code.into(),
        guarantee: device.contact.guarantee(own).word().into(),
        data_age_s: device.contact.data_age(own).map(|age| age.as_secs()),
        text: text.into(),
        seat: None,
        screen: None,
        show: None,
        ticket,
        first: None,
    }
}

/// A guest goes out, or may not.
async fn leave(device: &Arc<Device>, code: &str) -> Result<AnswerView, Problem> {
    let view = |verdict: &str, code: &str, text: &str, ticket| plain(device, verdict, code, text, ticket);
    match end_entries(device, DepartureRequest::of_code(code.to_owned())).await {
        Ok(departed) if departed.used => {
            Ok(view("out", "departed", "Counted out: nobody comes back in on this ticket.", departed.ticket).into())
        }
        Ok(departed) if departed.shared => {
            Ok(view("out", "departed", "The ticket may enter again at any door.", departed.ticket).into())
        }
        Ok(departed) => {
            let text = "The ticket may enter again here; other doors hear of it later.";
            Ok(view("out", "departed", text, departed.ticket).into())
        }
        Err(problem) if problem.status() == StatusCode::CONFLICT => {
            Ok(view("refuse", problem.code(), problem.sentence(), None).into())
        }
        // What is wrong with the code says nothing of the guest's ticket.
        Err(problem) if problem.status().is_client_error() => {
            Ok(view("unknown", "not_checked", problem.sentence(), None).into())
        }
        Err(problem) => Err(problem),
    }
}
