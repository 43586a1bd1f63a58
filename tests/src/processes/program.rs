//! One running program: a child process that ends with whoever holds it.

use anyhow::{Context, bail};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// A program that was asked to end has this long.
const END_MAX: Duration = Duration::from_secs(20);

/// A child process that writes to a log file.
#[derive(Debug)]
pub(super) struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it says is added to `log`.
    pub(super) fn start(name: &'static str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(log);
        let opened = opened.with_context(|| format!("open {}", log.display()))?;
        let errors = opened.try_clone().context("open a log twice")?;
        // What the programs say last is read here; a backtrace would push it out of sight.
        command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).stdout(opened).stderr(errors).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// Ends it as a power cut would (`kill -9`).
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.refuse_ended()?;
        self.child.kill().await.with_context(|| format!("kill {}", self.name))
    }

    /// Asks it to end, and requires that it ends in order.
    pub(super) async fn terminate(mut self) -> anyhow::Result<()> {
        self.refuse_ended()?;
        let id = self.child.id().with_context(|| format!("find the process of {}", self.name))?;
        // The shell's own `kill`: the program of that name is not on every machine.
        let told = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id.to_string()]).status().await;
        anyhow::ensure!(told.context("run kill")?.success(), "{} cannot be told to end", self.name);
        let status = self.end_within(END_MAX).await?;
        anyhow::ensure!(
            status.success(),
            "{} was asked to end and ended with {status}: {}",
            self.name,
            self.last_words()
        );
        Ok(())
    }

    /// Waits until it ends by itself.
    pub(super) async fn end_within(&mut self, at_most: Duration) -> anyhow::Result<ExitStatus> {
        match tokio::time::timeout(at_most, self.child.wait()).await {
            Ok(status) => status.with_context(|| format!("wait for {}", self.name)),
            Err(_) => bail!("{} still runs after {} s", self.name, at_most.as_secs()),
        }
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("look after {}", self.name))
    }

    /// Nothing while it runs.
    ///
    /// # Errors
    /// If it has ended by itself.
    pub(super) fn refuse_ended(&mut self) -> anyhow::Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself with {status}: {}", self.name, self.last_words()),
        }
    }

    /// The last lines of its log.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(4).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }
}
