//! `model [--threads T]`: the exhaustive check of the authority protocol; exits 1 if a claim does not hold, or if one still holds
//! without the rule it rests on.

use clap::Parser;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;
use tests::model::{Rule, Setting, Violation, catch, check};

#[derive(Parser)]
struct Flags {
    /// Threads that explore.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Only the settings whose name contains this, and no rule left out.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> io::Result<ExitCode> {
    let flags = Flags::parse();
    let mut out = io::stdout().lock();
    let (mut states, mut violations) = (0, 0);
    let wanted = |setting: &Setting| flags.only.as_ref().is_none_or(|only| setting.name.contains(only.as_str()));
    for setting in Setting::ALL.into_iter().filter(wanted) {
        let started = Instant::now();
        let found = check(setting, flags.threads);
        states += found.states;
        violations += found.violations.len() + found.missing.len();
        writeln!(
            out,
            "{}: states={} steps={} violations={} unprovable={} cloned={} overridden={} seconds={:.0}",
            setting.name,
            found.states,
            found.steps,
            found.violations.len(),
            found.unprovable,
            found.cloned,
            found.overridden,
            started.elapsed().as_secs_f64()
        )?;
        found.violations.iter().try_for_each(|violation| tell(&mut out, violation))?;
        found.missing.iter().try_for_each(|name| writeln!(out, "  never: {name}"))?;
    }
    let rules = if flags.only.is_none() { &Rule::ALL[..] } else { &[] };
    let mut caught = 0;
    for rule in rules {
        match catch(*rule) {
            Some(violation) => {
                caught += 1;
                writeln!(out, "left out: {rule}: caught after {} steps", violation.steps.len())?;
                tell(&mut out, &violation)?;
            }
            None => writeln!(out, "left out: {rule}: NOT caught")?,
        }
    }
    let removed = rules.len();
    writeln!(out, "states={states} violations={violations} removed_rules={removed} caught={caught}")?;
    Ok(if violations == 0 && caught == removed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(out: &mut impl Write, violation: &Violation) -> io::Result<()> {
    writeln!(out, "  does not hold: {}", violation.claim)?;
    violation.steps.iter().zip(1..).try_for_each(|(step, number)| writeln!(out, "  {number:>3}. {step}"))
}
