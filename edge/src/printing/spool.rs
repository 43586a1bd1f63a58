//! Bytes on their way to a printer. One print at a time goes to each; what a printer says about its paper is believed, and one
//! that says nothing is taken at its connection's word.

use super::jobs::{self, Outcome, Print};
use super::printer::{Address, PrinterSetting};
use crate::house::House;
use anyhow::Context;
use node::paper::{Templates, escpos};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// All bytes of one print must be taken by then.
const TAKE_WITHIN: Duration = Duration::from_secs(15);
/// Printers that tell how they are do it at once.
const SAY_WITHIN: Duration = Duration::from_millis(300);

/// Asks why the printer is off line, and for its paper (`DLE EOT`).
const ASK_OFFLINE: &[u8] = b"\x10\x04\x02";
const ASK_PAPER: &[u8] = b"\x10\x04\x04";
/// Bits that no answer lacks, and the same with those that must be off.
const FIXED: (u8, u8) = (0b1001_0011, 0b0001_0010);
const COVER_OPEN: u8 = 0b0000_0100;
const PAPER_OUT: u8 = 0b0110_0000;

/// What comes of bytes for a printer that is not set any more.
const NO_SUCH_PRINTER: Outcome = Outcome::Failed { reason: "no_such_printer", maybe_out: false };

/// The printers of this box, and what is printed on them.
#[derive(Debug)]
pub struct Printers {
    /// The templates.
    pub templates: Templates,
    stations: Vec<Arc<Station>>,
}

/// A printer and its turn.
#[derive(Debug)]
struct Station {
    setting: PrinterSetting,
    turn: Mutex<()>,
    /// A write to its device does not end.
    stuck: Arc<AtomicBool>,
}

impl Printers {
    /// Reads the templates of the folder.
    ///
    /// # Errors
    /// If a template is not good, or two printers have one name.
    pub fn new(settings: Vec<PrinterSetting>, folder: &Path) -> anyhow::Result<Self> {
        for (at, setting) in settings.iter().enumerate() {
            let twice = settings.iter().take(at).any(|other| other.name == setting.name);
            anyhow::ensure!(!twice, "two printers are called {:?}", setting.name);
        }
        let station =
            |setting| Arc::new(Station { setting, turn: Mutex::new(()), stuck: Arc::new(AtomicBool::new(false)) });
        let templates = Templates::load(folder).context("read the templates of tickets and receipts")?;
        Ok(Self { templates, stations: settings.into_iter().map(station).collect() })
    }

    /// The printers as they are set.
    pub fn settings(&self) -> impl Iterator<Item = &PrinterSetting> {
        self.stations.iter().map(|station| &station.setting)
    }

    fn station(&self, name: &str) -> Option<Arc<Station>> {
        self.stations.iter().find(|station| station.setting.name == name).cloned()
    }
}

impl Station {
    async fn take(&self, bytes: Vec<u8>) -> Outcome {
        let _turn = self.turn.lock().await;
        match &self.setting.address {
            Address::Tcp(host) => to_network(host, &bytes).await,
            Address::Device(path) => to_device(path.clone(), bytes, self.stuck.clone()).await,
        }
    }
}

impl House {
    /// Sends a print to its printer and writes down what came of it, while others go on.
    pub fn spool(self: &Arc<Self>, print: Print) {
        let house = self.clone();
        tokio::spawn(async move {
            let outcome = house.print(&print).await.unwrap_or_else(|error| {
                tracing::error!(print = %print.id, error = format!("{error:#}"), "cannot print");
                Outcome::Failed { reason: "not_drawn", maybe_out: false }
            });
            if let Outcome::Failed { reason, maybe_out } = outcome {
                tracing::warn!(printer = print.printer, reason, maybe_out, "a print has failed");
            }
            let written = house.writer.run(move |_, tx, now| Ok(jobs::ended(tx, print.id, outcome, now)?)).await;
            if let Err(error) = written {
                tracing::error!(print = %print.id, %error, "cannot write down what came of a print");
            }
        });
    }

    async fn print(&self, print: &Print) -> anyhow::Result<Outcome> {
        let Some(station) = self.printers.station(&print.printer) else { return Ok(NO_SUCH_PRINTER) };
        let sheets = self.sheets(print).await?;
        let bytes = escpos::draw(&sheets, station.setting.width, print.kick).context("draw for a printer")?;
        Ok(station.take(bytes).await)
    }

    /// Sends a printer bytes that are no paper.
    pub async fn send(&self, printer: &str, bytes: Vec<u8>) -> Outcome {
        match self.printers.station(printer) {
            Some(station) => station.take(bytes).await,
            None => NO_SUCH_PRINTER,
        }
    }
}

async fn to_network(host: &str, bytes: &[u8]) -> Outcome {
    let failed = |reason, maybe_out| Outcome::Failed { reason, maybe_out };
    let Ok(Ok(mut printer)) = timeout(CONNECT_WITHIN, TcpStream::connect(host)).await else {
        return failed("unreachable", false);
    };
    if let Some(reason) = complaint(&mut printer).await {
        return failed(reason, false);
    }
    match timeout(TAKE_WITHIN, printer.write_all(bytes)).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return failed("cut_off", true),
        Err(_) => return failed("stuck", true),
    }
    let complains = complaint(&mut printer).await;
    // A connection with unread answers would be reset, and what is under way with it.
    let (mut rest, ended) = ([0; 64], printer.shutdown().await);
    while let Ok(Ok(1..)) = timeout(SAY_WITHIN, printer.read(&mut rest)).await {}
    match (complains, ended) {
        (Some(reason), _) => failed(reason, true),
        (None, Err(_)) => failed("cut_off", true),
        (None, Ok(())) => Outcome::Printed,
    }
}

/// What the printer says is wrong with it, if it says anything.
async fn complaint(printer: &mut TcpStream) -> Option<&'static str> {
    for (ask, bits, reason) in [(ASK_OFFLINE, COVER_OPEN, "cover_open"), (ASK_PAPER, PAPER_OUT, "paper_out")] {
        printer.write_all(ask).await.ok()?;
        let answer = timeout(SAY_WITHIN, printer.read_u8()).await.ok()?.ok()?;
        if answer & FIXED.0 == FIXED.1 && answer & bits == bits {
            return Some(reason);
        }
    }
    None
}

/// A device without paper takes nothing and lets its writer wait, so the write has a thread that may stay behind.
async fn to_device(path: PathBuf, bytes: Vec<u8>, stuck: Arc<AtomicBool>) -> Outcome {
    let failed = |reason, maybe_out| Outcome::Failed { reason, maybe_out };
    if stuck.swap(true, Ordering::AcqRel) {
        return failed("stuck", false);
    }
    let (done, written) = oneshot::channel();
    let free = stuck.clone();
    let write = move || {
        let outcome = match std::fs::OpenOptions::new().append(true).open(&path) {
            Err(_) => failed("unreachable", false),
            Ok(mut device) => match device.write_all(&bytes).and_then(|()| device.flush()) {
                Err(_) => failed("cut_off", true),
                Ok(()) => Outcome::Printed,
            },
        };
        stuck.store(false, Ordering::Release);
        // Nobody waits any more where it took too long.
        done.send(outcome).ok();
    };
    if std::thread::Builder::new().name("printer".into()).spawn(write).is_err() {
        free.store(false, Ordering::Release);
        return failed("unreachable", false);
    }
    match timeout(TAKE_WITHIN, written).await {
        Ok(Ok(outcome)) => outcome,
        _ => failed("stuck", true),
    }
}
