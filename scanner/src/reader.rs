//! A hand scanner on this machine that types: read from its own input device, so that no page needs the focus.
//!
//! The device is read as the kernel gives it (`/dev/input/…`); what it types is a code when Enter or Tab ends it, or when it falls
//! silent. A reader that is unplugged is waited for.

mod hid;

use crate::scan;
use crate::server::Device;
use evdev::raw_stream::RawDevice;
use hid::{EVENT_BYTES, Keys};
use node::shutdown::Shutdown;
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

/// Reads one device until shutdown.
pub(crate) async fn run(device: Arc<Device>, path: PathBuf, shutdown: Shutdown) {
    loop {
        tokio::select! {
            ended = read(&device, &path) => tracing::warn!(path = %path.display(), why = %ended, "the reader is not there"),
            () = shutdown.wait() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = shutdown.wait() => return,
        }
    }
}

async fn read(device: &Arc<Device>, path: &Path) -> std::io::Error {
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
                    take(device, code).await;
                }
            }
            Ok(Ok(0)) => return std::io::ErrorKind::UnexpectedEof.into(),
            Ok(Ok(count)) => {
                filled += count;
                if filled == EVENT_BYTES {
                    filled = 0;
                    if let Some(code) = keys.press(&event) {
                        take(device, code).await;
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
async fn take(device: &Arc<Device>, code: String) {
    match scan::answer(device, &code, None).await {
        Ok(view) => device.show(view),
        Err(problem) => tracing::error!(?problem, "a scan of a reader could not be answered"),
    }
}
