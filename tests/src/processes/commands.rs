//! What an operator types: commands that end, and waiting for programs that come up.

use super::program::Program;
use anyhow::{Context, bail, ensure};
use std::ffi::OsStr;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A program that was started answers within this time.
const UP_MAX: Duration = Duration::from_secs(30);

/// Runs a command to its end and returns what it printed.
pub(super) fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let doing = || format!("run {command:?}");
    let context = doing();
    let mut child = command.spawn().with_context(|| context.clone())?;
    // Dropped at the end of the statement, so that the program sees the end of its input.
    child
        .stdin
        .take()
        .context("the input of a command")?
        .write_all(input.as_bytes())
        .context("write a command's input")?;
    let output = child.wait_with_output().with_context(|| context.clone())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{context} ended with {}: {said}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("read the output of {context}"))
}

/// A free port of this machine: nobody else takes it until its program listens, but by rare bad luck.
pub(super) fn free_port() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    listener.local_addr().context("read a free port")
}

/// Waits until somebody listens.
pub(super) async fn answers(name: &str, program: &mut Program, address: SocketAddr) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        program.refuse_ended()?;
        if began.elapsed() > UP_MAX {
            bail!("{name} does not listen after {} s: {}", UP_MAX.as_secs(), program.last_words());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
