//! Benchmarks: each builds and starts the real servers itself, measures them from outside, checks its own result and ends in one
//! line of `key=value` pairs.
//!
//! A new one is a variant of [`Name`], a module with a `run` like the others', and a line in [`run`].

mod bare;
mod bookings;
mod books;
mod bursts;
mod claims;
mod classical;
mod counter;
mod door;
mod drill;
mod entrance;
mod generator;
mod hall;
mod house;
mod in_process;
mod mosquitto;
mod partition;
mod pgbench;
mod pool;
mod postgres;
mod programs;
mod races;
mod reconnect;
mod rush;
mod sales;
mod scaling;
mod scanner_program;
mod season;
mod sellout;
mod shoppers;
mod stand;
mod table;
mod theatre;
mod window;

#[cfg(test)]
pub(crate) use postgres::Postgres;
#[cfg(test)]
pub(crate) use programs::{Programs, Running};

use anyhow::Context;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// How many customers a second hold and book, beside the classical design.
    Bookings,
    /// Scanners killed in the middle of a rush: nothing they answered is lost, nobody is let in twice by one of them.
    Bursts,
    /// How long a seat of the other side takes to be held, on a live link and on none.
    Claims,
    /// How long a cashier waits for a sale while the doors are busy, and eight windows with one show.
    Counter,
    /// How fast a door answers, alone and by the box.
    Door,
    /// A box's key is stolen and revoked: how long its forged tickets are believed.
    Drill,
    /// Whether the hot tables gain by partitions.
    Partition,
    /// Nodes and PostgreSQL killed under load: nothing acknowledged is lost, nothing sold twice.
    Pool,
    /// Many doors and one ticket: exactly one lets it in, or every further one is told.
    Races,
    /// How long a box takes to catch up after a cut, and the bytes per sale on the line.
    Reconnect,
    /// What a cashier notices of a rush on the web.
    Rush,
    /// What a box with a season of sales takes to start, and in memory.
    Season,
    /// How long it takes to sell a stadium out.
    Sellout,
}

/// What every benchmark is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// A short run: the same steps with smaller numbers.
    pub quick: bool,
    /// The `cargo` that builds the servers.
    pub cargo: PathBuf,
}

/// What a benchmark came to, in the order in which it is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures(Vec<(&'static str, String)>);

impl Figures {
    fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.push((key, value.to_string()));
        self
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{key}={value}")?;
        }
        Ok(())
    }
}

/// Tells whoever waits what is being done.
fn say(progress: fmt::Arguments<'_>) {
    let _closed_pipe = writeln!(std::io::stderr(), "{progress}");
}

/// Runs one.
///
/// # Errors
/// If a server cannot be built or started, or the result does not hold: a seat sold twice, a sale that is missing.
pub async fn run(name: Name, options: &Options) -> anyhow::Result<Figures> {
    programs::raise_file_limit().context("raise the limit of open files")?;
    match name {
        Name::Bookings => bookings::run(options).await,
        Name::Bursts => bursts::run(options).await,
        Name::Claims => claims::run(options).await,
        Name::Counter => counter::run(options).await,
        Name::Door => door::run(options).await,
        Name::Drill => drill::run(options).await,
        Name::Partition => partition::run(options).await,
        Name::Pool => pool::run(options).await,
        Name::Races => races::run(options).await,
        Name::Reconnect => reconnect::run(options).await,
        Name::Rush => rush::run(options).await,
        Name::Season => season::run(options).await,
        Name::Sellout => sellout::run(options).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_one_line_of_pairs() {
        let figures = Figures::default().with("seconds", format_args!("{:.2}", 4.126)).with("bytes_per_sale", 74);
        assert_eq!(figures.to_string(), "seconds=4.13 bytes_per_sale=74");
    }
}
