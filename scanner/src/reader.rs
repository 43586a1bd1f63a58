//! A hand scanner on this machine that types: read from its own input device, so that no page needs the focus.
//!
//! The device is read as the kernel gives it (`/dev/input/…`); what it types is a code when Enter or Tab ends it, or when it falls
//! silent. A reader that is unplugged is waited for.

mod hid;

use crate::departures::{DepartureRequest, end_entries};
use crate::group::AnswerView;
use crate::scan;
use crate::server::Device;
use evdev::raw_stream::RawDevice;
use hid::{EVENT_BYTES, Keys};
use node::problem::Problem;
use node::shutdown::Shutdown;
use node::view::VerdictView;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// What is typed without an end is a code after so long a silence.
const SILENCE: Duration = Duration::from_millis(200);
/// Between two tries to open a device.
const AGAIN: Duration = Duration::from_secs(2);

/// The way of those whose codes a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// Reads one device until shutdown.
pub(crate) async fn run(device: Arc<Device>, path: PathBuf, way: Way, shutdown: Shutdown) {
    loop {
        tokio::select! {
            ended = read(&device, &path, way) => tracing::warn!(path = %path.display(), why = %ended, "the reader is not there"),
            () = shutdown.wait() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = shutdown.wait() => return,
        }
    }
}

async fn read(device: &Arc<Device>, path: &Path, way: Way) -> std::io::Error {
    // Input devices are polled as pipes are.
    let mut file = match pipe::OpenOptions::new().unchecked(true).open_receiver(path) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let grabbed = grab(&file);
    tracing::info!(path = %path.display(), grabbed = grabbed.is_some(), "a reader is there");
    let (mut keys, mut event, mut filled) = (Keys::default(), [0; EVENT_BYTES], 0);
    loop {
        match tokio::time::timeout(SILENCE, file.read(&mut event[filled..])).await {
            Err(_silence) => {
                if let Some(code) = keys.finish() {
                    take(device, code, way).await;
                }
            }
            Ok(Ok(0)) => return std::io::ErrorKind::UnexpectedEof.into(),
            Ok(Ok(count)) => {
                filled += count;
                if filled == EVENT_BYTES {
                    filled = 0;
                    if let Some(code) = keys.press(&event) {
                        take(device, code, way).await;
                    }
                }
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

/// A scan that nobody waits for by HTTP: the pages that are open show its verdict.
async fn take(device: &Arc<Device>, code: String, way: Way) {
    let answered = match way {
        Way::In => scan::answer(device, &code, None, None).await,
        Way::Out => leave(device, &code).await,
    };
    match answered {
        Ok(view) => device.show(code, view),
        Err(problem) => tracing::error!(?problem, "a scan of a reader could not be answered"),
    }
}

/// A guest goes out, or may not.
async fn leave(device: &Arc<Device>, code: &str) -> Result<AnswerView, Problem> {
    let view = |verdict: &str, code: &str, text: &str, ticket| VerdictView {
        verdict: verdict.into(),
        code: code.into(),
        guarantee: device.contact.guarantee(device.clock.now()).word().into(),
        data_age_s: None,
        text: text.into(),
        seat: None,
        screen: None,
        show: None,
        ticket,
        first: None,
    };
    match end_entries(device, DepartureRequest::of_code(code.to_owned())).await {
        Ok(departed) if departed.shared => {
            Ok(view("out", "departed", "The ticket may enter again at any door.", departed.ticket).into())
        }
        Ok(departed) => {
            let text = "The ticket may enter again here; other doors hear of it later.";
            Ok(view("out", "departed", text, departed.ticket).into())
        }
        Err(problem) if problem.status().is_client_error() => {
            Ok(view("refuse", problem.code(), problem.sentence(), None).into())
        }
        Err(problem) => Err(problem),
    }
}
