//! `simulate --seeds N [--start K] [--actions A] [--plant NAME]`: the deterministic simulation; exits 1 if an invariant did not
//! hold. `--plant list` names the bugs that can be planted; `--plant NAME` plants one, `--plant all` each in turn, and exits 1 if
//! one got away.

use clap::Parser;
use shared::planted::Plant;
use std::io::{self, Write};
use std::process::ExitCode;
use tests::simulation::ghost::Cause;
use tests::simulation::plants::{self, Fate};
use tests::simulation::regressions;
use tests::simulation::seeds::{Failure, Seeds, Total};
use tests::simulation::setup::Setup;

#[derive(Parser)]
struct Flags {
    /// How many seeds; with a planted bug, how many at most.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Events of each seed.
    #[arg(long, default_value_t = 120)]
    actions: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// A bug to plant, `all` or `list`.
    #[arg(long)]
    plant: Option<String>,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let told = match flags.plant.as_deref() {
        None => simulate(&flags),
        Some("list") => list(),
        Some("all") => plant_all(&flags),
        Some(word) => plant_one(&flags, word),
    };
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

fn simulate(flags: &Flags) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let known = match regressions::all() {
        Ok(known) => known,
        Err(line) => {
            writeln!(out, "regressions.txt: not a seed and a number of events: {line}")?;
            return Ok(false);
        }
    };
    let again = regressions::run(&known);
    again.failures.iter().try_for_each(|failure| tell(&mut out, failure))?;
    writeln!(out, "regressions={} violations={}", known.len(), again.failed)?;
    let (start, actions, threads) = (flags.start, flags.actions, flags.threads);
    let count = flags.seeds.unwrap_or(1000);
    let total = Seeds { start, count, actions, threads, plant: None, until_failure: false }.run();
    total.failures.iter().try_for_each(|failure| tell(&mut out, failure))?;
    let (trace, unprovable) = (total.trace(), total.doubles(Cause::Unprovable));
    let excused = Cause::ALL.into_iter().filter(|cause| *cause != Cause::Unprovable);
    let excused: Vec<_> = excused.map(|cause| format!("{}={}", cause.word(), total.doubles(cause))).collect();
    let Total { seeds, partitions, events, tally, failed, .. } = total;
    let violations = failed + again.failed;
    let tally: Vec<String> = tally.iter().map(|(what, count)| format!("{what}={count}")).collect();
    writeln!(out, "first_seed={start} events_of_a_seed={actions} {}", tally.join(" "))?;
    writeln!(out, "{}", excused.join(" "))?;
    writeln!(out, "trace_hash={trace}")?;
    writeln!(
        out,
        "seeds={seeds} partitions={partitions} events={events} violations={violations} unprovable={unprovable}"
    )?;
    Ok(violations == 0)
}

fn tell(out: &mut impl Write, failure: &Failure) -> io::Result<()> {
    let Failure { seed, actions, violation, shortest } = failure;
    writeln!(out, "seed={seed} actions={actions} {violation}")?;
    writeln!(out, "  {}", Setup::draw(*seed))?;
    shortest.iter().enumerate().try_for_each(|(n, event)| writeln!(out, "  {:>3}. {event}", n + 1))
}

fn list() -> io::Result<bool> {
    let mut out = io::stdout().lock();
    Plant::ALL.iter().try_for_each(|plant| writeln!(out, "{}", plant.word()))?;
    Ok(true)
}

fn plant_one(flags: &Flags, word: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let Some(plant) = Plant::from_word(word) else {
        writeln!(out, "no bug is named {word}; --plant list names them")?;
        return Ok(false);
    };
    let fate = plants::run(plant, flags.start, flags.seeds.unwrap_or(plants::SEEDS_MAX), flags.actions);
    tell_fate(&mut out, &fate)?;
    fate.caught.iter().try_for_each(|failure| writeln!(out, "  seed={} {}", failure.seed, failure.violation.what))?;
    Ok(fate.caught.is_some())
}

fn plant_all(flags: &Flags) -> io::Result<bool> {
    let seeds = flags.seeds.unwrap_or(plants::SEEDS_MAX);
    let fates = plants::run_all(flags.start, seeds, flags.actions, flags.threads);
    let mut out = io::stdout().lock();
    fates.iter().try_for_each(|fate| tell_fate(&mut out, fate))?;
    let caught = fates.iter().filter(|fate| fate.caught.is_some()).count();
    writeln!(out, "planted={} caught={caught}", fates.len())?;
    Ok(caught == fates.len())
}

fn tell_fate(out: &mut impl Write, fate: &Fate) -> io::Result<()> {
    let (word, seeds) = (fate.plant.word(), fate.seeds);
    match &fate.caught {
        Some(failure) => writeln!(out, "plant={word} caught_after={seeds} invariant={}", failure.violation.invariant),
        None => writeln!(out, "plant={word} not caught in {seeds} seeds"),
    }
}
