//! `usher-central`: see `--help`.

use central::cli::Cli;
use clap::Parser;

fn main() -> anyhow::Result<()> {
    Cli::parse().run()
}
