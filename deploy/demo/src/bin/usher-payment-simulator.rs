//! The payment simulator as a program.

use anyhow::Context;
use clap::Parser;
use demo::simulator::{self, SimulatorConfig};
use node::shutdown::Shutdown;
use node::telemetry::{self, LogFormat};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// A payment gateway to try Usher with. No real money moves.
#[derive(Debug, Parser)]
#[command(name = "usher-payment-simulator", version)]
struct Flags {
    /// Where to listen.
    #[arg(long, env = "USHER_SIMULATOR_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// What webhooks are signed with: `whsec_` and Base64, or any text.
    #[arg(long, env = "USHER_SIMULATOR_SECRET", hide_env_values = true)]
    secret: String,
    /// Where browsers reach it, where that is not the address it listens on.
    #[arg(long, env = "USHER_SIMULATOR_PUBLIC_URL")]
    public_url: Option<String>,
    /// The file the book is kept in; memory only if not given.
    #[arg(long, env = "USHER_SIMULATOR_FILE")]
    file: Option<PathBuf>,
    /// What to log.
    #[arg(long, env = "USHER_LOG", default_value = "info")]
    log: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    telemetry::install_crypto();
    telemetry::log_to_stderr(&flags.log, LogFormat::Text)?;
    let listener = TcpListener::bind(flags.listen).await.with_context(|| format!("listen on {}", flags.listen))?;
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    let config = SimulatorConfig {
        secret: flags.secret,
        public_url: flags.public_url,
        file: flags.file,
        ..SimulatorConfig::default()
    };
    simulator::run(config, listener, shutdown).await
}
