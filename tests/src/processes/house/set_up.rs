//! Setting a house up as an operator does: every step is a command line of the real programs.

use crate::processes::commands::run;
use crate::processes::facts;
use crate::processes::persons::SECOND;
use crate::processes::programs::Programs;
use anyhow::{Context, ensure};
use demo::house::{CASHIER, MANAGER};
use std::fs;
use std::path::{Path, PathBuf};

/// Central's data in a house's folder.
pub(super) fn central_data(at: &Path) -> PathBuf {
    at.join("central")
}

/// Central's database.
pub(super) fn central_database(at: &Path) -> PathBuf {
    central_data(at).join("central.sqlite")
}

/// Central's keys.
pub(super) fn central_keys(at: &Path) -> PathBuf {
    at.join("keys")
}

/// The box's data directory.
pub(super) fn edge_data(at: &Path) -> PathBuf {
    at.join("edge")
}

/// The `--store` of central's commands.
pub(super) fn store(at: &Path) -> String {
    format!("sqlite:{}", central_database(at).display())
}

/// Keys, catalogue, enrolment, plans, shows, staff; returns the theatre's id.
pub(super) fn set_up(programs: &Programs, at: &Path, shows: usize) -> anyhow::Result<u32> {
    let (store, keys, data) = (store(at), text(&central_keys(at))?, text(&edge_data(at))?);
    let central = |arguments: &[&str]| run(&programs.central, arguments, "");
    let edge = |arguments: &[&str], input: &str| run(&programs.edge, arguments.iter().chain(&["--data", &data]), input);
    let file = |name: &str, content: String| -> anyhow::Result<String> {
        let path = at.join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        text(&path)
    };
    let import = |what: &str, content: String| -> anyhow::Result<()> {
        let file = file(&format!("import-{what}"), content)?;
        let report = central(&["import", what, &file, "--store", &store])?;
        ensure!(report.contains(" 0 refused"), "central refused what was made for it: {report}");
        Ok(())
    };
    central(&["init", "--keys", &keys])?;
    import("theatres", facts::theatres())?;
    import("movies", facts::movies())?;
    let request = file("request.json", edge(&["init"], "")?)?;
    let theatre = format!("{}/{}", facts::CITY, facts::THEATRE);
    let join = text(&at.join("join.json"))?;
    let enrolled = central(&[
        "theatre",
        "enrol",
        &theatre,
        "--request",
        &request,
        "--out",
        &join,
        "--keys",
        &keys,
        "--store",
        &store,
    ])?;
    edge(&["join", &join], "")?;
    import("plans", facts::plans()?)?;
    import("shows", facts::shows(shows, demo::clock::now())?)?;
    for person in [CASHIER, MANAGER, SECOND] {
        edge(&["staff", "add", person.name, "--role", person.role], &format!("{}\n", person.pin))?;
    }
    let id = enrolled.rsplit(' ').next().and_then(|id| id.trim().parse().ok());
    id.with_context(|| format!("read the theatre's id in {enrolled:?}"))
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().with_context(|| format!("{} is no text", path.display()))?.to_owned())
}
