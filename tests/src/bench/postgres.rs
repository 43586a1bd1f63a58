//! A PostgreSQL of a benchmark's own: Debian's server as it is without settings, on a socket in its own folder.

use super::programs::Running;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Where Debian keeps the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Postgres {
    home: PathBuf,
    log: PathBuf,
    running: Option<Running>,
}

impl Postgres {
    /// Makes a database in `dir` and starts the server.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let (home, log) = (dir.join("pg"), dir.join("postgres.log"));
        std::fs::create_dir(&home).context("make a folder for PostgreSQL")?;
        if is_root()? {
            // The server insists on another user, who must reach its folder.
            run(Command::new("chmod").arg("a+x").arg(dir))?;
            run(Command::new("chown").arg("postgres").arg(&home))?;
        }
        let mut init = program("initdb", &home)?;
        run(init
            .args(["--username=usher", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(home.join("data")))?;
        let mut server = Self { home, log, running: None };
        server.start_again().await?;
        Ok(server)
    }

    /// The address of its database, for central and for `pgbench`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://usher@{}/postgres", self.home.display().to_string().replace('/', "%2F"))
    }

    /// Runs `pgbench` or `psql` on the database.
    ///
    /// # Errors
    /// If it fails.
    pub(super) fn client<const N: usize>(&self, name: &str, arguments: [&str; N]) -> anyhow::Result<String> {
        run(program(name, &self.home)?.args(arguments).arg(self.url()))
    }

    /// Where its user may write.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Ends it at once, as a crash does: every connection is broken, what was not committed is gone.
    ///
    /// # Errors
    /// If it does not end.
    pub(super) fn crash(&mut self) -> anyhow::Result<()> {
        self.running.take().map_or(Ok(()), Running::quit)
    }

    /// Ends it in order: what is under way is thrown back, and everything is written.
    ///
    /// # Errors
    /// If it does not end.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let running = self.running.take().context("find the server")?;
        // The fast shutdown: the other one would wait for every connection.
        running.signal("INT")?;
        running.ended().await
    }

    /// Lets it stand still with everything that it has started.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn freeze(&self) -> anyhow::Result<()> {
        self.running.as_ref().context("find the server")?.signal_family("STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn thaw(&self) -> anyhow::Result<()> {
        self.running.as_ref().context("find the server")?.signal_family("CONT")
    }

    /// Starts it where it was ended, and waits until it answers.
    ///
    /// # Errors
    /// If it does not.
    pub(super) async fn start_again(&mut self) -> anyhow::Result<()> {
        let mut command = program("postgres", &self.home)?;
        command.arg("-D").arg(self.home.join("data")).arg("-k").arg(&self.home).args(["-c", "listen_addresses="]);
        let running = self.running.insert(Running::start("postgres", command, &self.log)?);
        let (began, words) = (Instant::now(), running.last_words());
        while self.client("pg_isready", ["-q", "-d"]).is_err() {
            ensure!(began.elapsed() < STARTS_WITHIN, "PostgreSQL does not answer: {words}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(error) = self.crash() {
            tracing::warn!(error = format!("{error:#}"), "PostgreSQL is left behind");
        }
    }
}

/// One of the server's programs, as the user it insists on.
fn program(name: &str, home: &Path) -> anyhow::Result<Command> {
    let path = Path::new(PROGRAMS).join(name);
    ensure!(path.exists(), "PostgreSQL is not installed: apt-get install postgresql");
    let mut command = if is_root()? {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(home);
    Ok(command)
}

fn is_root() -> anyhow::Result<bool> {
    Ok(run(Command::new("id").arg("-u"))?.trim() == "0")
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
