//! The whole house in one command.

use anyhow::Context;
use clap::Parser;
use demo::control::{self, Stage};
use demo::headless;
use demo::house::{CASHIER, House, HouseConfig, MANAGER};
use demo::stage;
use edge::printing::PrinterSetting;
use node::http::HttpLimits;
use node::shutdown::Shutdown;
use node::telemetry::{self, LogFormat};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// A house that has not started by then never will.
const START_MAX: Duration = Duration::from_secs(120);
/// A house that has not stopped by then ends with the process.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A house to try Usher in: central, broker, payment simulator, two theatres with two doors each, and a stage to watch it from.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Flags {
    /// The stage's port; 0 takes any.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// What halls, shows and crowds are made from.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where all files go, kept for the next time; a temporary folder if not given.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Play the storyboard and exit: 0 if every step passed and the truth panel holds.
    #[arg(long)]
    headless: bool,
    /// A printer at each counter, as `usher-edge serve` takes it; may be given several times.
    #[arg(long = "printer")]
    printers: Vec<PrinterSetting>,
    /// What to log, for example `info,edge=debug`.
    #[arg(long, env = "USHER_LOG", default_value = "error")]
    log: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let flags = Flags::parse();
    telemetry::install_crypto();
    telemetry::log_to_stderr(&flags.log, LogFormat::Text)?;
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    let temporary = match flags.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("make a temporary folder")?),
    };
    let dir = match (&flags.data, &temporary) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) => dir.path().to_owned(),
        (None, None) => PathBuf::new(),
    };
    let code = if flags.headless {
        play(
            HouseConfig { dir, seed: flags.seed, theatres: 2, frame_ancestors: Vec::new(), printers: flags.printers },
            &shutdown,
        )
        .await?
    } else {
        show(dir, flags.seed, flags.port, flags.printers, &shutdown).await?;
        ExitCode::SUCCESS
    };
    if let Some(dir) = temporary {
        dir.close().context("remove the temporary folder")?;
    }
    Ok(code)
}

/// Plays the storyboard until its end or a signal.
async fn play(config: HouseConfig, shutdown: &Shutdown) -> anyhow::Result<ExitCode> {
    let (seed, house) = (config.seed, start(config).await?);
    say(&format!("seed {seed}, central at {}", house.central_url()));
    let truth = house.truth()?;
    let outcome = tokio::select! {
        outcome = headless::run(&house, &truth, say) => Some(outcome),
        () = shutdown.wait() => None,
    };
    stop(house).await?;
    Ok(if outcome.is_some_and(|outcome| outcome.is_good()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Serves the stage until a signal.
async fn show(
    dir: PathBuf,
    seed: u64,
    port: u16,
    printers: Vec<PrinterSetting>,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| format!("listen on port {port}"))?;
    let port = listener.local_addr().context("read the stage's port")?.port();
    let frame_ancestors = vec![format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")];
    let house = start(HouseConfig { dir, seed, theatres: 2, frame_ancestors, printers }).await?;
    print_addresses(&house, port);
    let truth = house.truth()?;
    let stage = Arc::new(Stage::new(house, truth));
    let following = tokio::spawn(Arc::clone(stage.tape()).follow());
    let routes = stage::router().merge(control::router(Arc::clone(&stage)));
    // The panes are the servers' own pages, each at a port of its own.
    let limits = HttpLimits { frame_sources: vec!["http:".to_owned()], ..HttpLimits::default() };
    let served = node::http::serve_with(&limits, listener, routes, shutdown.clone()).await;
    following.abort();
    let stopped = match Arc::try_unwrap(stage) {
        Ok(stage) => stop(stage.into_house()).await,
        // A request outlived the server's patience; its house ends with the process.
        Err(_) => Ok(()),
    };
    served.and(stopped)
}

async fn start(config: HouseConfig) -> anyhow::Result<House> {
    let started = tokio::time::timeout(START_MAX, House::start(config)).await;
    started.context("the house did not start in time")?
}

async fn stop(house: House) -> anyhow::Result<()> {
    tokio::time::timeout(STOP_MAX, house.stop()).await.context("the house did not stop in time")?
}

fn print_addresses(house: &House, port: u16) {
    say(&format!("stage      http://127.0.0.1:{port}"));
    say(&format!("customers  {}", house.central_url()));
    say(&format!("payments   {}", house.simulator_url()));
    for place in house.theatres() {
        say(&format!("{}, {}", place.name, place.city));
        say(&format!("  counter  {}", place.edge_url));
        for door in &place.doors {
            say(&format!("  {}   {}", door.name, door.url));
        }
    }
    say(&format!("log in as {} with PIN {}, or {} with PIN {}", CASHIER.name, CASHIER.pin, MANAGER.name, MANAGER.pin));
    say("Ctrl-C ends everything");
}

/// Prints a line. A reader that went away is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
