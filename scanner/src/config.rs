//! Settings of `usher-scanner serve`.

use anyhow::{Context, bail, ensure};
use node::http::Certificate;
use serde::Deserialize;
use shared::admission::Door;
use shared::ids::{ScreenId, ShowId, TheatreId};
use std::path::PathBuf;
use std::time::Duration;

/// What the device is told: flag over `USHER_…` variable over TOML file over these defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the door page and API.
    pub listen: String,
    /// The data directory that `pair` prepared.
    pub data: PathBuf,
    /// The edge, `http://HOST:PORT`; empty takes the one this device was paired with.
    pub edge: String,
    /// The screens behind this door; empty for all.
    pub screens: Vec<u8>,
    /// The shows this door is bound to, `12-345`; empty for all.
    pub shows: Vec<String>,
    /// How long before a show's start this door admits, minutes.
    pub early_min: u64,
    /// How long after a show's end it still admits, minutes.
    pub late_min: u64,
    /// Older data than this makes the guarantee STALE, seconds.
    pub stale_after_s: u64,
    /// How long a scan waits for the edge, milliseconds.
    pub edge_timeout_ms: u64,
    /// How long one feed request may wait for news, seconds.
    pub feed_wait_s: u64,
    /// How long to wait before the edge is tried again, milliseconds.
    pub retry_ms: u64,
    /// Ask pages on this machine for the door's link too, as where a proxy stands before the device.
    pub guard_loopback: bool,
    /// The certificate of the page's HTTPS, PEM, with those that lead to its CA; empty for HTTP.
    pub tls_cert: PathBuf,
    /// Its key, PEM.
    pub tls_key: PathBuf,
    /// Input devices of hand scanners that type, `/dev/input/by-id/…`.
    pub readers: Vec<PathBuf>,
    /// Those of hand scanners on the way out.
    pub exit_readers: Vec<PathBuf>,
    /// Origins whose pages may show these pages in a frame.
    pub frame_ancestors: Vec<String>,
    /// Filter of log lines, for example `info,scanner=debug`.
    pub log: String,
    /// Log lines as JSON.
    pub log_json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7420".into(),
            data: "scanner-data".into(),
            edge: String::new(),
            screens: Vec::new(),
            shows: Vec::new(),
            early_min: 120,
            late_min: 15,
            stale_after_s: 600,
            edge_timeout_ms: 300,
            feed_wait_s: 20,
            retry_ms: 500,
            guard_loopback: false,
            tls_cert: PathBuf::new(),
            tls_key: PathBuf::new(),
            readers: Vec::new(),
            exit_readers: Vec::new(),
            frame_ancestors: Vec::new(),
            log: "info".into(),
            log_json: false,
        }
    }
}

impl Config {
    /// What the page is encrypted with, read from its files; nothing where it is served over HTTP.
    ///
    /// # Errors
    /// If only one of both is set, or they cannot be used.
    pub fn certificate(&self) -> anyhow::Result<Option<Certificate>> {
        match (self.tls_cert.as_os_str().is_empty(), self.tls_key.as_os_str().is_empty()) {
            (true, true) => Ok(None),
            (false, false) => {
                let certificate = Certificate::read(&self.tls_cert, &self.tls_key);
                Ok(Some(certificate.context("read the certificate of the door's page")?))
            }
            _ => bail!("a certificate needs its key and a key its certificate: set tls_cert and tls_key together"),
        }
    }

    /// What this door serves and when it opens.
    ///
    /// # Errors
    /// If a show of it has no id, or another theatre's.
    pub fn door(&self, theatre: TheatreId) -> anyhow::Result<Door> {
        let show = |id: &String| {
            let show: ShowId = id.parse().context("read the shows of this door")?;
            ensure!(show.theatre == theatre, "show {show} is none of theatre {theatre}, where this door is");
            Ok(show.number)
        };
        Ok(Door {
            shows: self.shows.iter().map(show).collect::<anyhow::Result<_>>()?,
            screens: self.screens.iter().copied().map(ScreenId).collect(),
            early: Duration::from_secs(self.early_min.saturating_mul(60)),
            late: Duration::from_secs(self.late_min.saturating_mul(60)),
            ..Door::to_all_screens(theatre)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_bound_to_shows_of_its_own_theatre_only() {
        let bound = |show: &str| Config { shows: vec![show.into()], ..Config::default() }.door(TheatreId(12));
        assert!(bound("12-345").is_ok());
        assert!(bound("13-345").is_err() && bound("345").is_err());
    }
}
