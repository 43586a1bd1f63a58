//! `fuzz [--mutants N] [--seed K]`: drives every fuzz target with mutants of its corpus, where a panic names the fault, and shows as
//! many forged tickets at a door, which may let none in. Reading a ticket code has a limit of time and one of memory.

use clap::Parser;
use peak_alloc::PeakAlloc;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::{forgery, fuzz};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that reading one ticket code may take.
const CODE_WITHIN: Duration = Duration::from_millis(1);
/// The most memory that it may take meanwhile, bytes.
const CODE_BYTES_MAX: usize = 64 * 1024;
/// A reading may be held up by whoever else uses the machine, but not so often in a row.
const READINGS: usize = 3;

#[derive(Parser)]
struct Flags {
    /// Mutants of each target.
    #[arg(long, default_value_t = 1_000_000)]
    mutants: u64,
    /// What the mutants are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What readings took at most.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    time: Duration,
    bytes: usize,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    for (name, target) in fuzz::TARGETS {
        fuzz::drive(name, target, flags.mutants, flags.seed);
        let _closed_pipe = writeln!(std::io::stdout(), "{name}: {} mutants", flags.mutants);
    }
    let mut most = Spent::default();
    fuzz::drive("ticket_code", |bytes| read_within_limits(bytes, &mut most), flags.mutants, flags.seed);
    let (time, bytes) = (most.time.as_micros(), most.bytes);
    let _closed_pipe = writeln!(std::io::stdout(), "ticket_code: at most {time} \u{b5}s and {bytes} bytes for one");
    let mut admitted = 0;
    for (way, fared) in forgery::drive(flags.mutants, flags.seed) {
        admitted += fared.admitted;
        let _closed_pipe =
            writeln!(std::io::stdout(), "forged tickets, {way}: {} shown, {} admitted", fared.shown, fared.admitted);
    }
    if admitted == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads a code and panics where that takes more than it may.
fn read_within_limits(bytes: &[u8], most: &mut Spent) {
    let mut quickest = spent(bytes);
    for _ in 1..READINGS {
        if quickest.time < CODE_WITHIN {
            break;
        }
        quickest.time = quickest.time.min(spent(bytes).time);
    }
    assert!(quickest.time < CODE_WITHIN, "reading a code of {} bytes took {:?}", bytes.len(), quickest.time);
    assert!(quickest.bytes < CODE_BYTES_MAX, "a code of {} bytes took {} bytes", bytes.len(), quickest.bytes);
    *most = Spent { time: most.time.max(quickest.time), bytes: most.bytes.max(quickest.bytes) };
}

fn spent(bytes: &[u8]) -> Spent {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let started = Instant::now();
    fuzz::ticket_code(bytes);
    let time = started.elapsed();
    Spent { time, bytes: MEMORY.peak_usage().saturating_sub(before) }
}
