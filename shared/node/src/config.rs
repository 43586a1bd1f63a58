//! Configuration: flag over `USHER_…` variable over TOML file over default.
//!
//! A program describes its flags as a `clap` struct of `Option` fields with `#[arg(long, env = "USHER_…")]`, so that
//! clap settles flag over variable, and its configuration as a struct with `#[serde(default, deny_unknown_fields)]`.
//! Fields have equal names in both.

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::{Table, Value};

/// Lays the flags that were given over the file's table and reads the configuration from both.
///
/// # Errors
/// If the file cannot be read, or a key is unknown or has the wrong type; the error names file and key.
pub fn load<Flags: Serialize, Config: DeserializeOwned>(flags: &Flags, file: Option<&Path>) -> anyhow::Result<Config> {
    let Value::Table(flags) = Value::try_from(flags).context("read the flags")? else {
        bail!("the flags are no table");
    };
    let Some(file) = file else {
        return Value::Table(flags).try_into().context("read the configuration");
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let mut table: Table = toml::from_str(&text).with_context(|| format!("read {}", file.display()))?;
    overlay(&mut table, flags);
    Value::Table(table)
        .try_into()
        .with_context(|| format!("read the configuration from {} and the flags", file.display()))
}

fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use serde::Deserialize;
    use std::io::Write;
    use std::path::PathBuf;

    #[derive(Parser, Serialize)]
    struct Flags {
        #[arg(long)]
        #[serde(skip)]
        config: Option<PathBuf>,
        #[arg(long, env = "USHER_TEST_LISTEN")]
        listen: Option<String>,
        #[arg(long)]
        heartbeat_ms: Option<u64>,
        #[command(flatten)]
        link: LinkFlags,
    }

    #[derive(clap::Args, Serialize)]
    struct LinkFlags {
        #[arg(long)]
        url: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        listen: String,
        heartbeat_ms: u64,
        link: Link,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Link {
        url: String,
        port: u16,
    }

    impl Default for Config {
        fn default() -> Self {
            Self { listen: "127.0.0.1:7000".into(), heartbeat_ms: 5000, link: Link::default() }
        }
    }

    fn config(args: &[&str], file: &str) -> anyhow::Result<Config> {
        let mut path = tempfile::NamedTempFile::new()?;
        path.write_all(file.as_bytes())?;
        let name = path.path().to_str().unwrap();
        let flags = Flags::parse_from(["test", "--config", name].iter().chain(args));
        load(&flags, flags.config.as_deref())
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "heartbeat_ms = 1000\nlisten = '127.0.0.1:1'\n[link]\nurl = 'mqtt://a:1'\nport = 9\n";
        let config = config(&["--listen", "127.0.0.1:2", "--url", "mqtt://b:2"], file).unwrap();
        let link = Link { url: "mqtt://b:2".into(), port: 9 };
        assert_eq!(config, Config { listen: "127.0.0.1:2".into(), heartbeat_ms: 1000, link });
        let flags = Flags::parse_from(["test"]);
        assert_eq!(load::<_, Config>(&flags, None).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_of_the_file_is_named() {
        let error = config(&[], "hartbeat_ms = 1\n").unwrap_err();
        assert!(format!("{error:#}").contains("hartbeat_ms"), "{error:#}");
        let error = config(&[], "[link]\nprt = 1\n").unwrap_err();
        assert!(format!("{error:#}").contains("prt"), "{error:#}");
    }
}
