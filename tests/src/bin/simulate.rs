//! `simulate --seeds N [--start K] [--actions A]`: the deterministic simulation; exits 1 if an invariant did not hold.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tests::simulation::World;

#[derive(Parser)]
struct Flags {
    /// How many seeds.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Actions of each seed.
    #[arg(long, default_value_t = 120)]
    actions: u64,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let (mut partitions, mut events, mut violations) = (0, 0, 0);
    let mut out = std::io::stdout().lock();
    for seed in flags.start..flags.start.saturating_add(flags.seeds) {
        let outcome = World::run(seed, flags.actions);
        partitions += outcome.partitions;
        events += outcome.events;
        if let Some((event, violation)) = outcome.violation {
            violations += 1;
            let _closed_pipe = writeln!(out, "seed={seed} actions={} event={event}: {violation}", flags.actions);
        }
    }
    let _closed_pipe =
        writeln!(out, "seeds={} partitions={partitions} events={events} violations={violations}", flags.seeds);
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
