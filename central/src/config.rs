//! Settings of `usher-central serve`.

use crate::database::Place;
use crate::holds::limits::SeatLimits;
use anyhow::Context;
use node::mqtt::{MqttUrl, TlsFiles};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What central is told: flag over `USHER_…` variable over TOML file over these defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of pages and API.
    pub listen: String,
    /// The store, `sqlite:PATH` or `postgres://USER@HOST/DATABASE?sslmode=verify-full&sslrootcert=FILE`.
    pub store: String,
    /// The broker: `embedded:ADDRESS`, `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.
    pub mqtt: String,
    /// Central's name at a broker that is not embedded.
    pub mqtt_username: String,
    /// Its password there.
    pub mqtt_password: String,
    /// For `mqtts://`: a PEM file of whom to believe that they are the broker; empty takes the system's list.
    pub mqtt_ca: PathBuf,
    /// Central's certificate for the broker, PEM; empty shows none.
    pub mqtt_cert: PathBuf,
    /// Its private key, PEM.
    pub mqtt_key: PathBuf,
    /// The keys directory.
    pub keys: PathBuf,
    /// The payment gateway, `simulator:URL`.
    pub gateway: String,
    /// Secrets the gateway may sign webhooks with; several while they rotate.
    pub gateway_secret: Vec<String>,
    /// How browsers and the gateway reach central, `http://HOST:PORT`; empty takes the listening address.
    pub public_url: String,
    /// How the other nodes on the same PostgreSQL reach this one, `http://HOST:PORT`; empty takes the listening address.
    pub node_url: String,
    /// What operators show as a bearer token to settle and override; empty lets nobody.
    pub operator_token: String,
    /// Origins whose pages may show these pages in a frame.
    pub frame_ancestors: Vec<String>,
    /// Between two looks at a payment that a customer is making, milliseconds.
    pub payment_poll_ms: u64,
    /// How long a hold lasts without a payment, seconds.
    pub hold_s: u64,
    /// How long a payment may be paid, seconds.
    pub payable_s: u64,
    /// How long seats then wait for a gateway that does not answer, seconds.
    pub payment_grace_s: u64,
    /// Seats that one device may hold at a time; 0 is no limit.
    pub seats_per_device: usize,
    /// Seats that may be held from one address of the internet at a time; 0 is no limit.
    pub seats_per_address: usize,
    /// Seats of one show that may be booked for one contact; 0 is no limit.
    pub seats_per_contact: usize,
    /// How many proxies are in front, each of which appends the address it was asked from to `X-Forwarded-For`.
    pub behind_proxies: usize,
    /// Writes that may wait before callers are told to come back.
    pub writes_waiting_max: usize,
    /// A cancellation is paid back before the theatre has answered where the show begins later than this, hours; 0 waits always.
    pub early_refund_h: u64,
    /// Between two heartbeats, milliseconds.
    pub heartbeat_ms: u64,
    /// Silence of a box before its link is suspect, milliseconds.
    pub suspect_after_ms: u64,
    /// In suspect before lock-down, milliseconds.
    pub lock_down_after_ms: u64,
    /// The longest a claim waits, milliseconds.
    pub claim_wait_ms: u64,
    /// Filter of log lines, for example `info,central=debug`.
    pub log: String,
    /// Log lines as JSON.
    pub log_json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7400".into(),
            store: "sqlite:central-data/central.sqlite".into(),
            mqtt: "embedded:127.0.0.1:1883".into(),
            mqtt_username: crate::fleet::accounts::CENTRAL.into(),
            mqtt_password: String::new(),
            mqtt_ca: PathBuf::new(),
            mqtt_cert: PathBuf::new(),
            mqtt_key: PathBuf::new(),
            keys: "keys".into(),
            gateway: "simulator:http://127.0.0.1:7490".into(),
            gateway_secret: Vec::new(),
            public_url: String::new(),
            node_url: String::new(),
            operator_token: String::new(),
            frame_ancestors: Vec::new(),
            payment_poll_ms: 3_000,
            hold_s: 8 * 60,
            payable_s: 15 * 60,
            payment_grace_s: 2 * 60,
            seats_per_device: 20,
            seats_per_address: 100,
            seats_per_contact: 20,
            behind_proxies: 0,
            writes_waiting_max: 4096,
            early_refund_h: 0,
            heartbeat_ms: 5_000,
            suspect_after_ms: 6_000,
            lock_down_after_ms: 3_000,
            claim_wait_ms: 1_500,
            log: "info".into(),
            log_json: false,
        }
    }
}

/// Which broker central uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broker {
    /// One of its own, at this address.
    Embedded(SocketAddr),
    /// Another one.
    External(MqttUrl),
}

impl Config {
    /// Where the store is.
    ///
    /// # Errors
    /// If it is of another kind.
    pub fn place(&self) -> anyhow::Result<Place> {
        Place::parse(&self.store)
    }

    /// How many seats are enough for one customer.
    pub fn limits(&self) -> SeatLimits {
        SeatLimits {
            per_device: self.seats_per_device,
            per_address: self.seats_per_address,
            per_contact: self.seats_per_contact,
        }
    }

    /// Certificates for a broker that is not embedded.
    pub fn tls(&self) -> TlsFiles {
        TlsFiles::from_settings(&self.mqtt_ca, &self.mqtt_cert, &self.mqtt_key)
    }

    /// The broker.
    ///
    /// # Errors
    /// If the address cannot be read.
    pub fn broker(&self) -> anyhow::Result<Broker> {
        match self.mqtt.strip_prefix("embedded:") {
            Some(address) => {
                let address =
                    address.parse().with_context(|| format!("read the address of the broker {:?}", self.mqtt))?;
                Ok(Broker::Embedded(address))
            }
            None => Ok(Broker::External(self.mqtt.parse().context("read the broker's address")?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_read_or_refused() {
        let broker = |mqtt: &str| Config { mqtt: mqtt.into(), ..Config::default() }.broker();
        assert!(matches!(broker("embedded:127.0.0.1:0"), Ok(Broker::Embedded(_))));
        assert!(matches!(broker("mqtts://broker:8883"), Ok(Broker::External(_))));
        assert!(broker("embedded:here").is_err());
        assert!(broker("http://a").is_err());
    }
}
