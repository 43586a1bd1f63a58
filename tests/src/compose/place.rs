//! A copy of `deploy/compose` and `deploy/broker`, prepared by its own script.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `compose.yaml`, as far as it is used here; anything else in it is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compose {
    #[serde(rename = "name")]
    _name: String,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) volumes: BTreeMap<String, Option<()>>,
}

/// One service of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) image: String,
    pub(super) build: Option<Build>,
    pub(super) pull_policy: Option<String>,
    #[serde(default)]
    pub(super) command: Vec<String>,
    #[serde(rename = "user")]
    _user: Option<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) volumes: Vec<String>,
    #[serde(default)]
    pub(super) ports: Vec<String>,
    #[serde(default)]
    pub(super) depends_on: BTreeMap<String, Condition>,
    #[serde(rename = "restart")]
    _restart: String,
    pub(super) healthcheck: Option<Healthcheck>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    pub(super) context: PathBuf,
    pub(super) dockerfile: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    pub(super) condition: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Healthcheck {
    #[serde(rename = "test")]
    _test: Vec<String>,
    #[serde(rename = "interval")]
    _interval: String,
    #[serde(rename = "retries")]
    _retries: u32,
}

impl Service {
    /// What is where in the container: each path there with its source.
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.volumes.iter().map(|volume| {
            let (source, at) = volume.split_once(':').expect("a volume is SOURCE:PLACE");
            (at.trim_end_matches(":ro"), source)
        })
    }

    /// What a flag of its command says.
    pub(super) fn flag(&self, name: &str) -> &str {
        let found = self.command.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{:?} does not say {name}", self.command))
    }
}

/// The copy.
pub(super) struct Place {
    /// `deploy/compose` in it.
    pub(super) folder: PathBuf,
    pub(super) compose: Compose,
    /// The variables that the file asks for.
    pub(super) asked: BTreeSet<String>,
    /// What `.env` says.
    pub(super) given: BTreeMap<String, String>,
}

impl Place {
    /// Prepared for a broker that is reached at `host`.
    pub(super) fn prepared(directory: &Path, host: &str) -> Self {
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        for name in ["compose", "broker"] {
            let (from, to) = (deploy.join(name), directory.join(name));
            fs::create_dir_all(&to).expect("a folder");
            for file in fs::read_dir(from).expect("list").map(|entry| entry.expect("an entry").path()) {
                if file.is_file() && file.file_name().is_some_and(|name| name != ".env") {
                    fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("copy");
                }
            }
        }
        let folder = directory.join("compose");
        for turn in ["first", "second"] {
            let output = Command::new(folder.join("prepare")).arg(host).output().expect("run prepare");
            assert!(output.status.success(), "{turn}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let given = variables(&fs::read_to_string(folder.join(".env")).expect("read .env"));
        let text = fs::read_to_string(folder.join("compose.yaml")).expect("read compose.yaml");
        let (text, asked) = filled(&text, &given);
        let compose = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("compose.yaml: {error}"));
        Self { folder, compose, asked, given }
    }

    pub(super) fn service(&self, name: &str) -> &Service {
        self.compose.services.get(name).unwrap_or_else(|| panic!("there is no service {name}"))
    }

    /// Where something in a container really is; nothing for what is only there.
    pub(super) fn real(&self, service: &str, path: &str) -> Option<PathBuf> {
        let mounts = self.service(service).mounts().filter(|(_, source)| source.starts_with('.'));
        let (at, source) = mounts.filter(|(at, _)| path.starts_with(at)).max_by_key(|(at, _)| at.len())?;
        let rest = path[at.len()..].trim_start_matches('/');
        let real = self.folder.join(source);
        Some(if rest.is_empty() { real } else { real.join(rest) })
    }
}

/// The lines of an environment file.
pub(super) fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line:?} is not NAME=VALUE")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Puts values in the place of `${NAME:?message}`.
fn filled(text: &str, given: &BTreeMap<String, String>) -> (String, BTreeSet<String>) {
    let (mut filled, mut asked) = (String::new(), BTreeSet::new());
    let mut parts = text.split("${");
    filled += parts.next().unwrap_or_default();
    for part in parts {
        let (inside, rest) = part.split_once('}').expect("a variable ends");
        let (name, _) = inside.split_once(":?").unwrap_or_else(|| panic!("{inside} would be empty without a word"));
        filled += given.get(name).unwrap_or_else(|| panic!("{name} is not in env.example"));
        filled += rest;
        asked.insert(name.to_owned());
    }
    (filled, asked)
}
