//! `usher-edge`: the box in the theatre.

use clap::Parser;
use edge::cli::Cli;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Cli::parse().run().await
}
