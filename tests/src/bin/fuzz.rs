//! `fuzz [--mutants N] [--seed K]`: drives every fuzz target with mutants of its corpus; a panic names the fault.

use clap::Parser;
use std::io::Write;
use tests::fuzz;

#[derive(Parser)]
struct Flags {
    /// Mutants of each target.
    #[arg(long, default_value_t = 1_000_000)]
    mutants: u64,
    /// What the mutants are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() {
    let flags = Flags::parse();
    for (name, target) in fuzz::TARGETS {
        fuzz::drive(name, target, flags.mutants, flags.seed);
        let _closed_pipe = writeln!(std::io::stdout(), "{name}: {} mutants", flags.mutants);
    }
}
