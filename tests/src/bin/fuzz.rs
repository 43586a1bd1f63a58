//! `fuzz [--mutants N] [--seed K]`: drives every fuzz target with mutants of its corpus, where a panic names the fault, and shows as
//! many forged tickets at a door, which may let none in.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tests::{forgery, fuzz};

#[derive(Parser)]
struct Flags {
    /// Mutants of each target.
    #[arg(long, default_value_t = 1_000_000)]
    mutants: u64,
    /// What the mutants are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    for (name, target) in fuzz::TARGETS {
        fuzz::drive(name, target, flags.mutants, flags.seed);
        let _closed_pipe = writeln!(std::io::stdout(), "{name}: {} mutants", flags.mutants);
    }
    let mut admitted = 0;
    for (way, fared) in forgery::drive(flags.mutants, flags.seed) {
        admitted += fared.admitted;
        let _closed_pipe =
            writeln!(std::io::stdout(), "forged tickets, {way}: {} shown, {} admitted", fared.shown, fared.admitted);
    }
    if admitted == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
