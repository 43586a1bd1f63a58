//! The command line of `usher-scanner`.

use crate::access;
use crate::config::Config;
use crate::pairing;
use crate::server;
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use node::shutdown::Shutdown;
use node::telemetry::{self, LogFormat};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// The door device: checks signed tickets with or without a network.
#[derive(Debug, Parser)]
#[command(name = "usher-scanner", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Pair this device with the theatre's edge; the address comes from the edge and works once.
    Pair {
        /// The pairing address, http://EDGE/v1/devices/pair?token=….
        url: String,
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
    },
    /// Print the link by which phones and tablets open the door's page, as text and as a picture.
    Link {
        /// Where they reach this device, https://HOST:PORT, or http:// where it has no certificate.
        url: String,
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
    },
    /// Serve the door page and its API until SIGTERM.
    Serve(Box<ServeFlags>),
}

#[derive(Debug, Args, Serialize)]
struct ServeFlags {
    /// A TOML file with the same names as the flags, `_` for `-`.
    #[arg(long, env = "USHER_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address of the door page and API.
    #[arg(long, env = "USHER_LISTEN")]
    listen: Option<String>,
    /// The data directory that `pair` prepared.
    #[arg(long, env = "USHER_DATA")]
    data: Option<PathBuf>,
    /// The edge, http://HOST:PORT, where it is not the one of the pairing.
    #[arg(long, env = "USHER_EDGE")]
    edge: Option<String>,
    /// The screens behind this door, comma-separated; all if not given.
    #[arg(long, env = "USHER_SCREENS", value_delimiter = ',')]
    screens: Option<Vec<u8>>,
    /// The shows this door is bound to, 12-345, comma-separated; all if not given.
    #[arg(long, env = "USHER_SHOWS", value_delimiter = ',')]
    shows: Option<Vec<String>>,
    /// Minutes before a show's start from which this door admits.
    #[arg(long, env = "USHER_EARLY_MIN")]
    early_min: Option<u64>,
    /// Minutes after a show's end until which it still admits.
    #[arg(long, env = "USHER_LATE_MIN")]
    late_min: Option<u64>,
    /// Age in seconds from which data counts as STALE.
    #[arg(long, env = "USHER_STALE_AFTER_S")]
    stale_after_s: Option<u64>,
    /// Milliseconds a scan waits for the edge.
    #[arg(long, env = "USHER_EDGE_TIMEOUT_MS")]
    edge_timeout_ms: Option<u64>,
    /// Ask pages on this machine for the door's link too, as where a proxy stands before the device.
    #[arg(long, env = "USHER_GUARD_LOOPBACK", num_args = 0..=1, default_missing_value = "true")]
    guard_loopback: Option<bool>,
    /// Serve the page over HTTPS with this certificate, a PEM file: phones use their camera on such pages only.
    #[arg(long, env = "USHER_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, a PEM file.
    #[arg(long, env = "USHER_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Input devices of hand scanners that type, comma-separated; they need no page in front.
    #[arg(long, env = "USHER_READERS", value_delimiter = ',')]
    readers: Option<Vec<PathBuf>>,
    /// Those of hand scanners on the way out, comma-separated.
    #[arg(long, env = "USHER_EXIT_READERS", value_delimiter = ',')]
    exit_readers: Option<Vec<PathBuf>>,
    /// Origins whose pages may show these pages in a frame, comma-separated.
    #[arg(long, env = "USHER_FRAME_ANCESTORS", value_delimiter = ',')]
    frame_ancestors: Option<Vec<String>>,
    /// Filter of log lines, for example info,scanner=debug.
    #[arg(long, env = "USHER_LOG")]
    log: Option<String>,
    /// Log lines as JSON.
    #[arg(long, env = "USHER_LOG_JSON", num_args = 0..=1, default_missing_value = "true")]
    log_json: Option<bool>,
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// If it cannot be done; the error says what was being done.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Pair { url, data } => {
                telemetry::install_crypto();
                let identity = pairing::pair(&url, &data).await?;
                print(&format!("{} is paired with {}", identity.door, identity.theatre_name))
            }
            Command::Link { url, data } => {
                let (link, picture) = access::link(&url, &data)?;
                print(&format!("{link}\n{picture}"))
            }
            Command::Serve(flags) => serve(*flags).await,
        }
    }
}

async fn serve(flags: ServeFlags) -> anyhow::Result<()> {
    let config: Config = node::config::load(&flags, flags.config.as_deref())?;
    telemetry::log_to_stderr(&config.log, if config.log_json { LogFormat::Json } else { LogFormat::Text })?;
    telemetry::install_crypto();
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    let listener = TcpListener::bind(&config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
    // Read once, before anybody is told where to come.
    let certificate = config.certificate()?;
    let scheme = if certificate.is_some() { "https" } else { "http" };
    print(&format!("listening on {scheme}://{}", listener.local_addr()?))?;
    server::serve(config, certificate, listener, shutdown).await
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("write to standard output")
}
