//! `usher-scanner`: the door device.

use clap::Parser;
use scanner::cli::Cli;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Cli::parse().run().await
}
