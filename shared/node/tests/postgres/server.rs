//! A PostgreSQL of its own for each test: Debian's server, as user postgres, on a socket in its own directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where Debian keeps the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// How long a server may take to come up, with others starting beside it.
const START_WAIT: Duration = Duration::from_secs(60);

/// A running server; it ends with its owner.
pub(crate) struct Server {
    pub(crate) directory: TempDir,
    pub(crate) process: Option<Child>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let mut server = Self { directory, process: None };
        run(Command::new("chmod").arg("0711").arg(server.directory.path()));
        let home = server.directory.path().join("pg");
        std::fs::create_dir(&home).expect("create a directory for the server");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&home));
        }
        let mut init = program("initdb", &home);
        run(init
            .args(["--username=usher", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(home.join("data")));
        server.start_again();
        server
    }

    pub(crate) fn url(&self) -> String {
        let socket = self.directory.path().join("pg").display().to_string().replace('/', "%2F");
        format!("postgres://usher@{socket}/postgres")
    }

    /// Starts it where it was stopped, and waits until it answers.
    pub(crate) fn start_again(&mut self) {
        let home = self.directory.path().join("pg");
        let mut postgres = program("postgres", &home);
        postgres.arg("-D").arg(home.join("data")).arg("-k").arg(&home).args(["-c", "listen_addresses="]);
        let log = std::fs::File::create(self.directory.path().join("log")).expect("a log file");
        let process =
            postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("start PostgreSQL");
        self.process = Some(process);
        let since = Instant::now();
        while let Err(error) = node::postgres::Connection::open(&self.url()) {
            assert!(since.elapsed() < START_WAIT, "PostgreSQL does not answer: {error:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once: every connection is broken, what was not committed is gone.
    pub(crate) fn stop_at_once(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGQUIT, the immediate shutdown, also ends the server's own children.
            run(Command::new("kill").arg("-QUIT").arg(process.id().to_string()));
            process.wait().expect("PostgreSQL ends");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_at_once();
    }
}

/// One of the server's programs, as the user it insists on.
pub(crate) fn program(name: &str, home: &Path) -> Command {
    let path = PathBuf::from(PROGRAMS).join(name);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(home);
    command
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("ask who we are");
    output.stdout.trim_ascii() == b"0"
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
