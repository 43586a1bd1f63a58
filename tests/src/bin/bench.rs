//! `bench NAME [--quick]`: runs one benchmark on the real servers; the last line is its figures as `key=value` pairs.

use anyhow::{Context, bail};
use clap::Parser;
use node::shutdown::Shutdown;
use std::io::Write;
use std::path::PathBuf;
use tests::bench::{self, Name, Options};

#[derive(Parser)]
struct Flags {
    /// Which benchmark.
    name: Name,
    /// A short run.
    #[arg(long)]
    quick: bool,
    /// The cargo that builds the servers.
    #[arg(long, env = "CARGO", default_value = "cargo", hide = true)]
    cargo: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Flags { name, quick, cargo } = Flags::parse();
    let ended = Shutdown::on_signals().context("listen for signals")?;
    let options = Options { quick, cargo };
    let figures = tokio::select! {
        figures = bench::run(name, &options) => figures?,
        // Whatever was started is ended as this is dropped.
        () = ended.wait() => bail!("ended by a signal"),
    };
    let _closed_pipe = writeln!(std::io::stdout(), "{figures}");
    Ok(())
}
