//! Settings of `usher-edge serve`.

use crate::counter::upi::UpiAddress;
use crate::printing::PrinterSetting;
use anyhow::Context;
use node::mqtt::TlsFiles;
use node::paper::Issuer;
use serde::{Deserialize, Serialize};
use shared::admission::Door;
use shared::gstin::Gstin;
use shared::ids::TheatreId;
use std::path::PathBuf;
use std::time::Duration;

/// What a person may do when nobody can be asked whether the box's log is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// A manager's PIN opens the box.
    #[default]
    Pin,
    /// One person's word is not enough.
    Refuse,
}

/// What the counter may do in this house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterRules {
    /// Tickets of one show that may be given away.
    pub complimentary_per_show: u32,
    /// Minutes after which a window that nobody is at locks itself; 0 never does.
    pub lock_after_min: u32,
    /// Where guests pay to by UPI.
    pub upi: Option<UpiAddress>,
    /// Who gives tickets and receipts out.
    pub issuer: Issuer,
}

/// What the box is told: flag over `USHER_…` variable over TOML file over these defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the counter and door API.
    pub listen: String,
    /// The data directory that `init` and `join` prepared.
    pub data: PathBuf,
    /// The broker, `mqtt://HOST:PORT` or `mqtts://HOST:PORT`; empty works without a line to central.
    pub mqtt: String,
    /// For `mqtts://`: a PEM file of whom to believe that they are the broker; empty takes the system's list.
    pub mqtt_ca: PathBuf,
    /// The box's certificate for the broker, PEM; empty shows none.
    pub mqtt_cert: PathBuf,
    /// Its private key, PEM.
    pub mqtt_key: PathBuf,
    /// How browsers and scanners reach this box, `http://HOST:PORT`; empty takes the address they called.
    pub public_url: String,
    /// Origins whose pages may show these pages in a frame.
    pub frame_ancestors: Vec<String>,
    /// Between two heartbeats, milliseconds.
    pub heartbeat_ms: u64,
    /// Silence of the peer before the link is suspect, milliseconds.
    pub suspect_after_ms: u64,
    /// In suspect before lock-down, milliseconds.
    pub lock_down_after_ms: u64,
    /// The longest a claim waits, milliseconds.
    pub claim_wait_ms: u64,
    /// Minutes before a show's start from which the doors admit.
    pub early_min: u64,
    /// Minutes after a show's end until which they still admit.
    pub late_min: u64,
    /// How long a box that starts asks others for its log's head before a person may answer for it, milliseconds.
    pub gate_wait_ms: u64,
    /// What a person may do when nobody answered.
    pub unproven: Unproven,
    /// Tickets of one show that supervisors may give away.
    pub complimentary_per_show: u32,
    /// Minutes after which a window that nobody is at locks itself; 0 never does.
    pub lock_after_min: u32,
    /// The account that guests pay to by UPI, `rex.cinema@bank`; empty draws no code.
    pub upi: String,
    /// The business's name in the register, for tickets, receipts and reports; empty prints none.
    pub legal_name: String,
    /// Its GSTIN; empty prints none.
    pub gstin: String,
    /// Lines of a licence or a certificate that must stand on tickets and receipts.
    pub certificate: Vec<String>,
    /// A witness not heard for this long is not waited for, milliseconds.
    pub witness_silent_after_ms: u64,
    /// Printers of tickets and receipts; the first that fits is taken where none is named.
    pub printers: Vec<PrinterSetting>,
    /// A folder with the house's own `ticket.txt` and `receipt.txt`; empty takes the built-in ones.
    pub templates: PathBuf,
    /// Filter of log lines, for example `info,edge=debug`.
    pub log: String,
    /// Log lines as JSON.
    pub log_json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7410".into(),
            data: "edge-data".into(),
            mqtt: String::new(),
            mqtt_ca: PathBuf::new(),
            mqtt_cert: PathBuf::new(),
            mqtt_key: PathBuf::new(),
            public_url: String::new(),
            frame_ancestors: Vec::new(),
            heartbeat_ms: 5_000,
            suspect_after_ms: 6_000,
            lock_down_after_ms: 3_000,
            claim_wait_ms: 1_500,
            early_min: 120,
            late_min: 15,
            gate_wait_ms: 10_000,
            unproven: Unproven::Pin,
            complimentary_per_show: 10,
            lock_after_min: 5,
            upi: String::new(),
            legal_name: String::new(),
            gstin: String::new(),
            certificate: Vec::new(),
            witness_silent_after_ms: 15_000,
            printers: Vec::new(),
            templates: PathBuf::new(),
            log: "info".into(),
            log_json: false,
        }
    }
}

impl Config {
    /// Certificates for the broker.
    pub fn tls(&self) -> TlsFiles {
        TlsFiles::from_settings(&self.mqtt_ca, &self.mqtt_cert, &self.mqtt_key)
    }

    /// What the counter may do.
    ///
    /// # Errors
    /// If the UPI address or the GSTIN is none.
    pub fn counter(&self) -> anyhow::Result<CounterRules> {
        let upi = Some(&self.upi).filter(|address| !address.is_empty());
        let upi = upi.map(|address| address.parse()).transpose().context("read the setting upi")?;
        let gstin = Some(&self.gstin).filter(|gstin| !gstin.is_empty()).map(|gstin| gstin.parse::<Gstin>());
        let gstin = gstin.transpose().context("read the setting gstin")?.map(|gstin| gstin.to_string());
        let legal_name = Some(self.legal_name.trim().to_owned()).filter(|name| !name.is_empty());
        let issuer = Issuer { legal_name, gstin, certificate: self.certificate.clone() };
        let Self { complimentary_per_show, lock_after_min, .. } = *self;
        Ok(CounterRules { complimentary_per_show, lock_after_min, upi, issuer })
    }

    /// When the doors of this theatre open and close; which screens a door serves is the door's own setting.
    pub fn door(&self, theatre: TheatreId) -> Door {
        Door {
            early: Duration::from_secs(self.early_min.saturating_mul(60)),
            late: Duration::from_secs(self.late_min.saturating_mul(60)),
            ..Door::to_all_screens(theatre)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_papers_out_is_told_only_where_it_is_set_and_a_wrong_number_is_named_at_the_start() {
        let with = |gstin: &str| Config { gstin: gstin.into(), ..Config::default() }.counter();
        assert_eq!(Config::default().counter().expect("rules").issuer, Issuer::default());
        assert_eq!(with("27aapfu0939f1zv").expect("rules").issuer.gstin.as_deref(), Some("27AAPFU0939F1ZV"));
        let error = format!("{:#}", with("27AAPFU0939F1ZW").expect_err("a wrong one"));
        assert!(error.contains("gstin") && error.contains("27AAPFU0939F1ZV"), "{error}");
    }
}
