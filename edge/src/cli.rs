//! The command line of `usher-edge`.

use crate::config::{Config, Unproven};
use crate::printing::PrinterSetting;
use crate::staff::{self, Role, session};
use crate::{checkup, clock_back, identity, schema};
use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use node::checkup::Grade;
use node::pin;
use node::shutdown::Shutdown;
use node::telemetry::{self, LogFormat};
use serde::Serialize;
use std::fs;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use tokio::net::TcpListener;

/// The box in the theatre: sells at the counter and admits at the doors, with or without a line to central.
#[derive(Debug, Parser)]
#[command(name = "usher-edge", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the box's key pair and print the request that central enrols it by.
    Init {
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
        /// Ask for another key than the box has: the one before was stolen, or its time is over.
        #[arg(long)]
        new_key: bool,
    },
    /// Take in the join file that central wrote.
    Join {
        /// The join file.
        file: PathBuf,
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
    },
    /// The people of this house.
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Look at the box's store, its logs and its till journal; exits 1 if something is not what was written.
    Doctor {
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
    },
    /// Set the time of a box that does not run back to its machine's clock: that was ahead by mistake, and today's shows look over.
    SetClockBack {
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
    },
    /// Serve counter and doors until SIGTERM.
    Serve(Box<ServeFlags>),
}

#[derive(Debug, Subcommand)]
enum StaffCommand {
    /// Add a person, or give one a new role and PIN; the PIN is read from standard input.
    Add {
        /// The name they log in with.
        name: String,
        /// cashier, supervisor, manager or door.
        #[arg(long)]
        role: Role,
        /// The data directory.
        #[arg(long, env = "USHER_DATA")]
        data: PathBuf,
    },
}

#[derive(Debug, Args, Serialize)]
struct ServeFlags {
    /// A TOML file with the same names as the flags, `_` for `-`.
    #[arg(long, env = "USHER_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address of the counter and door API.
    #[arg(long, env = "USHER_LISTEN")]
    listen: Option<String>,
    /// The data directory that `init` and `join` prepared.
    #[arg(long, env = "USHER_DATA")]
    data: Option<PathBuf>,
    /// The broker, mqtt://HOST:PORT or mqtts://HOST:PORT.
    #[arg(long, env = "USHER_MQTT")]
    mqtt: Option<String>,
    /// For mqtts://, a PEM file of whom to believe that they are the broker; without it, the system's list.
    #[arg(long, env = "USHER_MQTT_CA")]
    mqtt_ca: Option<PathBuf>,
    /// The box's certificate for the broker, PEM.
    #[arg(long, env = "USHER_MQTT_CERT")]
    mqtt_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, env = "USHER_MQTT_KEY")]
    mqtt_key: Option<PathBuf>,
    /// How browsers and scanners reach this box, http://HOST:PORT.
    #[arg(long, env = "USHER_PUBLIC_URL")]
    public_url: Option<String>,
    /// Origins whose pages may show these pages in a frame, comma-separated.
    #[arg(long, env = "USHER_FRAME_ANCESTORS", value_delimiter = ',')]
    frame_ancestors: Option<Vec<String>>,
    /// Milliseconds between two heartbeats.
    #[arg(long, env = "USHER_HEARTBEAT_MS")]
    heartbeat_ms: Option<u64>,
    /// Milliseconds of silence before the link is suspect.
    #[arg(long, env = "USHER_SUSPECT_AFTER_MS")]
    suspect_after_ms: Option<u64>,
    /// Milliseconds in suspect before lock-down.
    #[arg(long, env = "USHER_LOCK_DOWN_AFTER_MS")]
    lock_down_after_ms: Option<u64>,
    /// The longest a claim waits, milliseconds.
    #[arg(long, env = "USHER_CLAIM_WAIT_MS")]
    claim_wait_ms: Option<u64>,
    /// Minutes before a show's start from which the doors admit.
    #[arg(long, env = "USHER_EARLY_MIN")]
    early_min: Option<u64>,
    /// Minutes after a show's end until which they still admit.
    #[arg(long, env = "USHER_LATE_MIN")]
    late_min: Option<u64>,
    /// Milliseconds that a box that starts asks others for its log's head before a person may answer for it.
    #[arg(long, env = "USHER_GATE_WAIT_MS")]
    gate_wait_ms: Option<u64>,
    /// When nobody answered: pin (a manager's PIN opens the box) or refuse.
    #[arg(long, env = "USHER_UNPROVEN")]
    unproven: Option<Unproven>,
    /// Tickets of one show that supervisors may give away.
    #[arg(long, env = "USHER_COMPLIMENTARY_PER_SHOW")]
    complimentary_per_show: Option<u32>,
    /// Minutes after which a window that nobody is at locks itself; 0 never does.
    #[arg(long, env = "USHER_LOCK_AFTER_MIN")]
    lock_after_min: Option<u32>,
    /// The account that guests pay to by UPI, rex.cinema@bank.
    #[arg(long, env = "USHER_UPI")]
    upi: Option<String>,
    /// The business's name in the register, for tickets, receipts and reports.
    #[arg(long, env = "USHER_LEGAL_NAME")]
    legal_name: Option<String>,
    /// Its GSTIN, 27AAPFU0939F1ZV.
    #[arg(long, env = "USHER_GSTIN")]
    gstin: Option<String>,
    /// A line of a licence or a certificate that must stand on tickets and receipts; may be given several times.
    #[arg(long, env = "USHER_CERTIFICATE", value_delimiter = ';')]
    certificate: Option<Vec<String>>,
    /// Milliseconds after which a silent witness is not waited for.
    #[arg(long, env = "USHER_WITNESS_SILENT_AFTER_MS")]
    witness_silent_after_ms: Option<u64>,
    /// A printer, NAME=tcp://HOST:9100 or NAME=/dev/usb/lp0, with ;58mm ;tickets ;receipts ;drawer; may be given several times.
    #[arg(long = "printer", env = "USHER_PRINTERS", value_delimiter = ',')]
    printers: Option<Vec<PrinterSetting>>,
    /// A folder with the house's own ticket.txt and receipt.txt.
    #[arg(long, env = "USHER_TEMPLATES")]
    templates: Option<PathBuf>,
    /// Filter of log lines, for example info,edge=debug.
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
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Init { data, new_key } => {
                let request = if new_key { identity::init_next(&data) } else { identity::init(&data) };
                let request = request.context("make the box's key pair")?;
                print(&serde_json::to_string(&request)?)
            }
            Command::Join { file, data } => {
                let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
                let joined = identity::join(&data, &text).with_context(|| format!("join with {}", file.display()))?;
                print(&format!("joined theatre {}: {}", joined.theatre, joined.join.theatre.name))
            }
            Command::Staff(StaffCommand::Add { name, role, data }) => {
                add_staff(&data, &name, role).with_context(|| format!("add staff {name:?}"))
            }
            Command::Doctor { data } => {
                let findings = checkup::examine(&data)?;
                findings.iter().try_for_each(|finding| print(&finding.to_string()))?;
                let bad = findings.iter().filter(|finding| finding.grade == Grade::Bad).count();
                ensure!(bad == 0, "{bad} of {} findings are bad: ask who was at this store", findings.len());
                Ok(())
            }
            Command::SetClockBack { data } => {
                let by = clock_back::set_back(&data, node::clock::wall())?;
                print(&format!("the box's time is {} s earlier now, as its machine shows it", by.as_secs()))
            }
            Command::Serve(flags) => serve(*flags).await,
        }
    }
}

fn add_staff(data: &std::path::Path, name: &str, role: Role) -> anyhow::Result<()> {
    let name = staff::name(name)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the PIN from standard input")?;
    let hash = pin::hash(line.trim())?;
    let mut db = node::sqlite::open(&data.join(schema::FILE), &schema::SCHEMA)?;
    let tx = db.transaction()?;
    session::add(&tx, &name, role, &hash)?;
    tx.commit()?;
    print(&format!("{name} is {role}"))
}

async fn serve(flags: ServeFlags) -> anyhow::Result<()> {
    let config: Config = node::config::load(&flags, flags.config.as_deref())?;
    telemetry::log_to_stderr(&config.log, if config.log_json { LogFormat::Json } else { LogFormat::Text })?;
    telemetry::install_crypto();
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    let listener = TcpListener::bind(&config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
    print(&format!("listening on http://{}", listener.local_addr()?))?;
    crate::run(config, listener, shutdown).await
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("write to standard output")
}
