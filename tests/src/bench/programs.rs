//! The servers as programs: built, started, found listening, and ended.

use super::Options;
use anyhow::{Context, bail, ensure};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What `cargo run` tells this program about its own package. Handed on to another cargo it makes build scripts run anew that look
/// at it, and with them half of all crates.
const OWN_PACKAGE: [&str; 8] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];
/// How long a program may take to end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
/// Lines of a program's log that an error quotes.
const LOG_LINES: usize = 5;

/// Lets this process, and those it starts, open as many files as the system allows.
///
/// # Errors
/// If the limit cannot be read or set.
pub(super) fn raise_file_limit() -> anyhow::Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("read the limits of this process")?;
    let of_files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = of_files.and_then(|line| line.split_whitespace().nth(1)).context("find the limit of open files")?;
    let (own, most) = (std::process::id().to_string(), format!("--nofile={most}:{most}"));
    let set = Command::new("prlimit").args(["--pid", &own, &most]).status().context("run prlimit")?;
    ensure!(set.success(), "prlimit does not set {most}");
    Ok(())
}

/// The programs of this workspace.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    dir: PathBuf,
}

impl Programs {
    /// Builds the servers in the profile of this program.
    ///
    /// # Errors
    /// If it does not build.
    pub(super) fn build(options: &Options) -> anyhow::Result<Self> {
        let mut build = Command::new(&options.cargo);
        build.args(["build", "--quiet", "--bins", "-p", "central", "-p", "edge", "-p", "scanner", "-p", "demo"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        for name in OWN_PACKAGE {
            build.env_remove(name);
        }
        let status = build.status().context("run cargo")?;
        ensure!(status.success(), "the servers do not build");
        let own = std::env::current_exe().context("find this program")?;
        Ok(Self { dir: own.parent().context("find the folder of this program")?.to_owned() })
    }

    /// The servers as they were built with this crate's tests.
    ///
    /// # Errors
    /// If they were not.
    #[cfg(test)]
    pub(crate) fn built() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("find this program")?;
        let dir = own.ancestors().nth(2).context("find the folder of the programs")?.to_owned();
        let built = dir.join("usher-central").exists();
        ensure!(built, "there are no programs in {}: cargo build --workspace --bins", dir.display());
        Ok(Self { dir })
    }

    /// Where they are.
    #[cfg(test)]
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// How large one of them is, bytes.
    ///
    /// # Errors
    /// If it is not there.
    pub(super) fn bytes_of(&self, program: &str) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(self.dir.join(program)).with_context(|| format!("look at {program}"))?.len())
    }

    /// One of them, to be given arguments.
    pub(crate) fn command(&self, program: &str) -> Command {
        Command::new(self.dir.join(program))
    }

    /// Runs one to its end and returns what it printed.
    ///
    /// # Errors
    /// If it fails; the error has its last words.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> anyhow::Result<String> {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {program}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that reads nothing may have closed it.
            let _not_read = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().with_context(|| format!("wait for {program}"))?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A program that runs until it is ended. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    log: PathBuf,
    child: Child,
    ended: bool,
}

impl Running {
    /// Starts a server, its log in a file, and waits for the line in which it says where it listens.
    ///
    /// # Errors
    /// If it ends before that.
    pub(super) fn listening(name: &str, command: Command, log: &Path) -> anyhow::Result<(Self, String)> {
        let mut running = Self::start(name, command, log)?;
        let stdout = running.child.stdout.take().context("take a server's standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).with_context(|| format!("read what {name} prints"))?;
        if line.is_empty() {
            bail!("{name} did not start: {}", running.last_words());
        }
        Ok((running, line.trim().to_owned()))
    }

    /// Starts a program, its log in a file.
    ///
    /// # Errors
    /// If there is no such program.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child, ended: false })
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().with_context(|| format!("kill {}", self.name))?;
        self.child.wait().with_context(|| format!("wait for {}", self.name))?;
        self.ended = true;
        Ok(())
    }

    /// Ends it by SIGQUIT, which asks for no order.
    ///
    /// # Errors
    /// If it does not end.
    pub(super) fn quit(mut self) -> anyhow::Result<()> {
        self.signal("QUIT")?;
        self.child.wait().with_context(|| format!("wait for {}", self.name))?;
        self.ended = true;
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// If it is not there.
    pub(super) fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let told = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        ensure!(told.context("run kill")?.success(), "{} cannot be told {signal}: {}", self.name, self.last_words());
        Ok(())
    }

    /// Sends a signal to it and to what it has started.
    ///
    /// # Errors
    /// If it is not there, or has started nothing.
    pub(super) fn signal_family(&self, signal: &str) -> anyhow::Result<()> {
        let told = Command::new("pkill").args([&format!("-{signal}"), "-P", &self.child.id().to_string()]).status();
        ensure!(told.context("run pkill")?.success(), "what {} has started cannot be told {signal}", self.name);
        self.signal(signal)
    }

    /// Processor time it has used, in hundredths of a second as the kernel counts.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).context("read /proc")?;
        // The name in parentheses may have spaces; user and system time are the 12th and 13th word after it.
        let words: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).context("read the times");
        Ok(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
    }

    /// The most memory it has had, kilobytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn rss_kb(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).context("read /proc")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        peak.context("read the memory")
    }

    /// The end of its log, without the frames of a backtrace, which say less than what is before them.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let is_frame = |line: &&str| line.starts_with(' ') || line.ends_with("backtrace:");
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty() && !is_frame(line)).collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join(" | ")
    }

    /// Ends it by SIGTERM.
    ///
    /// # Errors
    /// If it does not end in order and in time.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.signal("TERM")?;
        self.ended().await
    }

    /// Waits until it has ended in order.
    ///
    /// # Errors
    /// If it does not in time.
    pub(super) async fn ended(mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < ENDS_WITHIN {
            if let Some(status) = self.child.try_wait().with_context(|| format!("wait for {}", self.name))? {
                self.ended = true;
                ensure!(status.success(), "{} ended with {status}: {}", self.name, self.last_words());
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{} does not end: {}", self.name, self.last_words())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // Nothing is to be said about a program that has ended by itself.
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}
