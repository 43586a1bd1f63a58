//! The command line of `usher-central`.

use crate::backup;
use crate::catalogue::import::{ImportReport, Table};
use crate::checkup;
use crate::config::Config;
use crate::database::Place;
use crate::fleet::boxes::EnrolRequest;
use crate::fleet::enrolment::{Issuing, JoinRequest};
use crate::fleet::keys::{KeyStore, write_file};
use crate::running::RunningCentral;
use crate::server::Central;
use crate::setup::Setup;
use anyhow::{Context, bail, ensure};
use clap::{Args, Parser, Subcommand};
use node::checkup::Grade;
use node::shutdown::{Shutdown, wait_for_end};
use node::telemetry::{self, LogFormat};
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Central: sells to customers on the web, takes their payments and keeps in step with the theatres' boxes.
#[derive(Debug, Parser)]
#[command(name = "usher-central", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the root key that certifies this fleet, or find the one made before.
    Init {
        /// The keys directory.
        #[arg(long, env = "USHER_KEYS")]
        keys: PathBuf,
    },
    /// Import a table into a central that runs, or into a store that no central runs on.
    Import {
        /// What the file holds.
        table: Table,
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        place: PlaceFlags,
    },
    /// The theatres and their boxes.
    #[command(subcommand)]
    Theatre(TheatreCommand),
    /// Copy the store to a file, also while central runs on it.
    Backup {
        /// The file; one that exists is not overwritten.
        out: PathBuf,
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Put a backup in the place of the store, at a server into an empty database; every theatre stays closed until its box has given the log back.
    Restore {
        /// What `backup` wrote.
        backup: PathBuf,
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Let the store's tables grow to those of this release, as every start does.
    Migrate {
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Look at the store, its logs and what waits for a person; exits 1 if something is damaged.
    Doctor {
        /// The keys directory.
        #[arg(long, env = "USHER_KEYS", default_value = "keys")]
        keys: PathBuf,
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Say that the store was put back from a backup by other means: every theatre stays closed until its box has given the log back.
    MarkRestored {
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Serve pages and API until SIGTERM.
    Serve(Box<ServeFlags>),
}

/// A central that runs, or a store that none runs on.
#[derive(Debug, Args)]
struct PlaceFlags {
    /// The central that runs, `http://HOST:PORT`; its store is not opened then.
    #[arg(long)]
    central: Option<String>,
    /// What it is shown.
    #[arg(long, env = "USHER_OPERATOR_TOKEN", hide_env_values = true, default_value = "")]
    operator_token: String,
    #[command(flatten)]
    store: StoreFlag,
}

impl PlaceFlags {
    /// The central that runs, where one is named.
    fn running(&self) -> anyhow::Result<Option<RunningCentral>> {
        self.central.as_deref().map(|url| RunningCentral::at(url, &self.operator_token)).transpose()
    }

    fn set_up(&self) -> anyhow::Result<Setup> {
        Setup::open(&self.store.store).context("open the store; a central that runs on it is named with --central URL")
    }
}

#[derive(Debug, Args)]
struct StoreFlag {
    /// The store, sqlite:PATH or postgres://USER@HOST/DATABASE?sslmode=verify-full&sslrootcert=FILE.
    #[arg(long, env = "USHER_STORE", default_value_t = Config::default().store)]
    store: String,
}

#[derive(Debug, Subcommand)]
enum TheatreCommand {
    /// Take a box in, at a central that runs or in a store that none runs on: certify its key and write the join file for it.
    Enrol {
        /// The theatre's id, its name, or City/Name.
        theatre: String,
        /// What `usher-edge init` printed.
        #[arg(long)]
        request: PathBuf,
        /// Where the join file goes.
        #[arg(long)]
        out: PathBuf,
        /// Make a new key for central's own tickets of this theatre too: the one before was stolen, or its time is over.
        #[arg(long)]
        new_issuing_key: bool,
        /// The keys directory, with the root key in it; a central that runs has its own.
        #[arg(long, env = "USHER_KEYS", required_unless_present = "central")]
        keys: Option<PathBuf>,
        #[command(flatten)]
        place: PlaceFlags,
    },
}

#[derive(Debug, Args, Serialize)]
struct ServeFlags {
    /// A TOML file with the same names as the flags, `_` for `-`.
    #[arg(long, env = "USHER_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address of pages and API.
    #[arg(long, env = "USHER_LISTEN")]
    listen: Option<String>,
    /// The store, sqlite:PATH or postgres://USER@HOST/DATABASE?sslmode=verify-full&sslrootcert=FILE.
    #[arg(long, env = "USHER_STORE")]
    store: Option<String>,
    /// The broker: embedded:ADDRESS, mqtt://HOST:PORT or mqtts://HOST:PORT.
    #[arg(long, env = "USHER_MQTT")]
    mqtt: Option<String>,
    /// Central's name at a broker that is not embedded.
    #[arg(long, env = "USHER_MQTT_USERNAME")]
    mqtt_username: Option<String>,
    /// Its password there.
    #[arg(long, env = "USHER_MQTT_PASSWORD", hide_env_values = true)]
    mqtt_password: Option<String>,
    /// For mqtts://, a PEM file of whom to believe that they are the broker; without it, the system's list.
    #[arg(long, env = "USHER_MQTT_CA")]
    mqtt_ca: Option<PathBuf>,
    /// Central's certificate for the broker, PEM.
    #[arg(long, env = "USHER_MQTT_CERT")]
    mqtt_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, env = "USHER_MQTT_KEY")]
    mqtt_key: Option<PathBuf>,
    /// The keys directory.
    #[arg(long, env = "USHER_KEYS")]
    keys: Option<PathBuf>,
    /// The payment gateway, simulator:URL.
    #[arg(long, env = "USHER_GATEWAY")]
    gateway: Option<String>,
    /// Secrets the gateway may sign webhooks with, comma-separated.
    #[arg(long, env = "USHER_GATEWAY_SECRET", hide_env_values = true, value_delimiter = ',')]
    gateway_secret: Option<Vec<String>>,
    /// How browsers and the gateway reach central, http://HOST:PORT.
    #[arg(long, env = "USHER_PUBLIC_URL")]
    public_url: Option<String>,
    /// How the other nodes on the same PostgreSQL reach this one, http://HOST:PORT; without it, the listening address.
    #[arg(long, env = "USHER_NODE_URL")]
    node_url: Option<String>,
    /// What operators show as a bearer token to settle and override; without it nobody can.
    #[arg(long, env = "USHER_OPERATOR_TOKEN", hide_env_values = true)]
    operator_token: Option<String>,
    /// Origins whose pages may show these pages in a frame, comma-separated.
    #[arg(long, env = "USHER_FRAME_ANCESTORS", value_delimiter = ',')]
    frame_ancestors: Option<Vec<String>>,
    /// Milliseconds between two looks at a payment that a customer is making.
    #[arg(long, env = "USHER_PAYMENT_POLL_MS")]
    payment_poll_ms: Option<u64>,
    /// Seconds a hold lasts without a payment.
    #[arg(long, env = "USHER_HOLD_S")]
    hold_s: Option<u64>,
    /// Seconds a payment may be paid.
    #[arg(long, env = "USHER_PAYABLE_S")]
    payable_s: Option<u64>,
    /// Seconds that seats then wait for a gateway that does not answer.
    #[arg(long, env = "USHER_PAYMENT_GRACE_S")]
    payment_grace_s: Option<u64>,
    /// Seats that one device may hold at a time; 0 is no limit.
    #[arg(long, env = "USHER_SEATS_PER_DEVICE")]
    seats_per_device: Option<usize>,
    /// Seats that may be held from one address of the internet at a time; 0 is no limit.
    #[arg(long, env = "USHER_SEATS_PER_ADDRESS")]
    seats_per_address: Option<usize>,
    /// Seats of one show that may be booked for one e-mail address or telephone; 0 is no limit.
    #[arg(long, env = "USHER_SEATS_PER_CONTACT")]
    seats_per_contact: Option<usize>,
    /// Proxies in front, each of which appends the address it was asked from to `X-Forwarded-For`; more than there are lets
    /// customers name any address as theirs.
    #[arg(long, env = "USHER_BEHIND_PROXIES")]
    behind_proxies: Option<usize>,
    /// Writes that may wait before callers are told to come back; the last quarter is for those who hold seats already.
    #[arg(long, env = "USHER_WRITES_WAITING_MAX")]
    writes_waiting_max: Option<usize>,
    /// Pay a cancellation back before the theatre has answered where the show begins later than so many hours; 0 never does.
    #[arg(long, env = "USHER_EARLY_REFUND_H")]
    early_refund_h: Option<u64>,
    /// Milliseconds between two heartbeats.
    #[arg(long, env = "USHER_HEARTBEAT_MS")]
    heartbeat_ms: Option<u64>,
    /// Milliseconds of a box's silence before its link is suspect.
    #[arg(long, env = "USHER_SUSPECT_AFTER_MS")]
    suspect_after_ms: Option<u64>,
    /// Milliseconds in suspect before lock-down.
    #[arg(long, env = "USHER_LOCK_DOWN_AFTER_MS")]
    lock_down_after_ms: Option<u64>,
    /// The longest a claim waits, milliseconds.
    #[arg(long, env = "USHER_CLAIM_WAIT_MS")]
    claim_wait_ms: Option<u64>,
    /// Filter of log lines, for example info,central=debug.
    #[arg(long, env = "USHER_LOG")]
    log: Option<String>,
    /// Log lines as JSON.
    #[arg(long, env = "USHER_LOG_JSON", num_args = 0..=1, default_missing_value = "true")]
    log_json: Option<bool>,
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// If it cannot be done; the error says what was being done.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Init { keys } => {
                let root = KeyStore::at(&keys).init().context("make the root key")?;
                print(&format!("root key {}", root.to_hex()))
            }
            Command::Import { table, file, place } => {
                let report = import(table, &file, &place).with_context(|| format!("import {}", file.display()))?;
                print(&report.to_string())?;
                if report.added + report.updated + report.unchanged == 0 && !report.refused.is_empty() {
                    bail!("no row of {} could be imported", file.display());
                }
                Ok(())
            }
            Command::Theatre(TheatreCommand::Enrol { theatre, request, out, new_issuing_key, keys, place }) => {
                let text = fs::read_to_string(&request).with_context(|| format!("read {}", request.display()))?;
                let request: JoinRequest = serde_json::from_str(&text).context("read the box's request")?;
                let wanted = EnrolRequest { request, new_issuing_key };
                let file = enrol(&theatre, &wanted, keys.as_deref(), &place)?;
                write_file(&out, serde_json::to_string_pretty(&file)?.as_bytes())?;
                let joined = |member: &str| file["theatre"][member].as_str().unwrap_or_default().to_owned();
                print(&format!("enrolled {} ({}) as theatre {}", joined("name"), joined("city"), file["theatre"]["id"]))
            }
            Command::MarkRestored { store } => {
                let theatres = Setup::open(&store.store)?.mark_restored()?;
                print(&format!("{theatres} theatres are closed until their boxes have given the logs back"))
            }
            Command::Backup { out, store } => {
                let bytes = backup::back_up(&Place::parse(&store.store)?, &out)?;
                print(&format!("{} holds the store as it was just now, {} KB", out.display(), bytes.div_ceil(1024)))
            }
            Command::Restore { backup, store } => {
                let (theatres, kept) = Setup::restore(&store.store, &backup)?;
                if let Some(kept) = kept {
                    print(&format!("the store that was there is kept as {}", kept.display()))?;
                }
                print(&format!("{theatres} theatres are closed until their boxes have given the logs back"))
            }
            Command::Migrate { dry_run, store } => {
                let place = Place::parse(&store.store)?;
                let pending = place.pending()?;
                if !dry_run {
                    place.grow()?;
                }
                let word = if dry_run { "would be applied" } else { "applied" };
                print(&format!("{} migrations {word}{}", pending.len(), listed(&pending)))
            }
            Command::Doctor { keys, store } => {
                let findings = checkup::examine(&Place::parse(&store.store)?, &keys)?;
                findings.iter().try_for_each(|finding| print(&finding.to_string()))?;
                let bad = findings.iter().filter(|finding| finding.grade == Grade::Bad).count();
                ensure!(bad == 0, "{bad} of {} findings are bad: do not sell from this store", findings.len());
                Ok(())
            }
            Command::Serve(flags) => runtime()?.block_on(serve(*flags)),
        }
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

fn import(table: Table, file: &Path, place: &PlaceFlags) -> anyhow::Result<ImportReport> {
    let Some(central) = place.running()? else {
        return place.set_up()?.import(table, fs::File::open(file).context("open the file")?);
    };
    let text = fs::read(file).context("read the file")?;
    let progress = |report: &ImportReport, done: usize| {
        let ImportReport { added, updated, unchanged, refused } = report;
        let rows = added + updated + unchanged + refused.len();
        tracing::info!(rows, percent = done * 100 / text.len().max(1), "imported so far");
    };
    telemetry::log_to_stderr("info", LogFormat::Text)?;
    runtime()?.block_on(central.import(table, &text, progress))
}

fn enrol(
    theatre: &str,
    wanted: &EnrolRequest,
    keys: Option<&Path>,
    place: &PlaceFlags,
) -> anyhow::Result<serde_json::Value> {
    if let Some(central) = place.running()? {
        return runtime()?.block_on(central.enrol(theatre, wanted));
    }
    let mut setup = place.set_up()?;
    let theatre = setup.theatre(theatre)?;
    let keys = KeyStore::at(keys.context("name the keys directory with --keys")?);
    let issuing = Issuing::wanted(wanted.new_issuing_key);
    let file = setup.enrol(&theatre, &wanted.request, issuing, &keys)?;
    serde_json::to_value(file).context("write the join file")
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("start the runtime")
}

async fn serve(flags: ServeFlags) -> anyhow::Result<()> {
    let config: Config = node::config::load(&flags, flags.config.as_deref())?;
    telemetry::log_to_stderr(&config.log, if config.log_json { LogFormat::Json } else { LogFormat::Text })?;
    telemetry::install_crypto();
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    let listener = TcpListener::bind(&config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let central = Central::start(config, listener).await?;
    print(&format!("listening on http://{address}, boxes connect to {}", central.broker_url()))?;
    let over = wait_for_end(&shutdown, &central.shutdown(), central.failed()).await;
    central.stop().await?;
    over
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("write to standard output")
}
