//! Where the programs are.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is built together: the whole demo, so that its build serves here too, and nothing that only tests switch on.
const PACKAGES: [&str; 4] = ["central", "edge", "scanner", "demo"];
/// The programs.
const PROGRAMS: [&str; 4] = ["usher-central", "usher-edge", "usher-payment-simulator", "usher-scanner"];
/// What `cargo run` says of this package: handed on, it would make half of all crates be built anew.
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
/// Debian puts Mosquitto where only root looks by default.
const MOSQUITTO_BY_DEBIAN: &str = "/usr/sbin/mosquitto";

/// The real programs.
#[derive(Debug, Clone)]
pub struct Programs {
    pub(super) central: PathBuf,
    pub(super) edge: PathBuf,
    pub(super) simulator: PathBuf,
    pub(super) scanner: PathBuf,
    pub(super) mosquitto: PathBuf,
}

impl Programs {
    /// Builds them as this program was built.
    ///
    /// # Errors
    /// If they do not build.
    pub fn build(cargo: &Path) -> anyhow::Result<()> {
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--locked"]);
        command.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
        command.args(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        for name in OWN_PACKAGE {
            command.env_remove(name);
        }
        let status = command.status().with_context(|| format!("run {}", cargo.display()))?;
        ensure!(status.success(), "the programs do not build: {status}");
        Ok(())
    }

    /// Those in the folder of `executable`, and Debian's Mosquitto from `path`, a list of folders.
    ///
    /// # Errors
    /// If one is not there.
    pub fn beside(executable: &Path, path: &str) -> anyhow::Result<Self> {
        let folder = executable.parent().context("the folder of this program")?;
        let find = |name: &str| {
            let program = folder.join(name);
            ensure!(program.is_file(), "there is no {}: build it first", program.display());
            Ok(program)
        };
        let folders = std::env::split_paths(path).map(|folder| folder.join("mosquitto"));
        let mosquitto = folders.chain([MOSQUITTO_BY_DEBIAN.into()]).find(|file| file.is_file());
        Ok(Self {
            central: find(PROGRAMS[0])?,
            edge: find(PROGRAMS[1])?,
            simulator: find(PROGRAMS[2])?,
            scanner: find(PROGRAMS[3])?,
            mosquitto: mosquitto.context("there is no mosquitto: install Debian's package of that name")?,
        })
    }
}
