//! A theatre's box, set up as an operator and an owner would, in the folder `edge` of a directory.

use super::generator::Client;
use super::hall::{CITY, THEATRE};
use super::programs::{Programs, Running};
use anyhow::Context;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// Doors are open for a show so long before it starts, minutes: the shows of a benchmark are days away.
pub(super) const EARLY_MIN: u32 = 30_000;

/// Somebody who works there, and their PIN.
pub(super) type Person = (&'static str, &'static str);
/// The one who sells.
pub(super) const CASHIER: Person = ("counter", "2580");
/// The one who adds devices.
pub(super) const MANAGER: Person = ("manager", "7391");

/// Where everything of a theatre is.
pub(super) struct Theatre<'a> {
    /// The programs.
    pub(super) programs: &'a Programs,
    /// Where its box and the files of its enrolment are.
    pub(super) dir: &'a Path,
    /// Central's store.
    pub(super) store: String,
    /// Central's keys directory.
    pub(super) keys: String,
}

impl Theatre<'_> {
    /// The box joins for the first time and gets its staff; nothing of central runs. Returns the theatre's number.
    ///
    /// # Errors
    /// If anything fails.
    pub(super) fn set_up(&self) -> anyhow::Result<u32> {
        let data = self.data();
        fs::write(self.dir.join("request"), self.edge(&["init", &data], "")?)?;
        let enrolled = self.enrol()?;
        self.join()?;
        for ((name, pin), role) in [(CASHIER, "--role=cashier"), (MANAGER, "--role=manager")] {
            self.edge(&["staff", "add", name, role, &data], &format!("{pin}\n"))?;
        }
        enrolled.trim().rsplit(' ').next().and_then(|id| id.parse().ok()).context("read the theatre's number")
    }

    /// The box asks for a new key.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn request_new_key(&self) -> anyhow::Result<()> {
        let request = self.edge(&["init", "--new-key", &self.data()], "")?;
        fs::write(self.dir.join("request"), request).context("write the box's request down")
    }

    /// Central certifies what the box asks for. Returns what it says.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn enrol(&self) -> anyhow::Result<String> {
        let (theatre, request, join) = (format!("{CITY}/{THEATRE}"), self.path("request"), self.path("join"));
        let (keys, store) = (format!("--keys={}", self.keys), format!("--store={}", self.store));
        let words = ["theatre", "enrol", &theatre, "--request", &request, "--out", &join, &keys, &store];
        self.programs.run("usher-central", words, "")
    }

    /// The box takes what central has certified.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn join(&self) -> anyhow::Result<String> {
        self.edge(&["join", &self.path("join"), &self.data()], "")
    }

    /// Starts the box.
    ///
    /// # Errors
    /// If it does not listen.
    pub(super) fn start(&self, broker: SocketAddr, listen: &str) -> anyhow::Result<(Running, SocketAddr)> {
        let mut command = self.programs.command("usher-edge");
        command.args(["serve", "--log=warn", &format!("--listen={listen}")]);
        command.args([self.data(), format!("--mqtt=mqtt://{broker}"), format!("--early-min={EARLY_MIN}")]);
        let (running, line) = Running::listening("usher-edge", command, &self.dir.join("edge.log"))?;
        let address = line.rsplit("http://").next().and_then(|address| address.parse().ok());
        Ok((running, address.with_context(|| format!("find the box's address in {line:?}"))?))
    }

    fn data(&self) -> String {
        format!("--data={}", self.path("edge"))
    }

    fn path(&self, of: &str) -> String {
        self.dir.join(of).display().to_string()
    }

    fn edge(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        self.programs.run("usher-edge", arguments, input)
    }
}

/// Logs somebody in at a box and returns the header line that says so.
///
/// # Errors
/// If the box does not let them in.
pub(super) async fn log_in(edge: SocketAddr, (staff, pin): Person) -> anyhow::Result<String> {
    let body = json!({ "staff": staff, "pin": pin }).to_string();
    let reply = Client::connect(edge).await?.ask("POST", "/v1/session", "", &body).await?;
    let session: Value = serde_json::from_slice(&reply.body).context("read the session")?;
    Ok(bearer(session["token"].as_str().with_context(|| format!("the box does not let the {staff} in"))?))
}

/// The header line of a token.
pub(super) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}
