//! One theatre on the real programs: central, its box, and the valve on the line between box and broker.

use super::generator::Client;
use super::hall::{Halls, ZONE};
use super::mosquitto::Mosquitto;
use super::programs::{Programs, Running};
pub(super) use super::theatre::EARLY_MIN;
use super::theatre::{self, CASHIER, MANAGER, Theatre, bearer};
use anyhow::{Context, ensure};
use demo::valve::Valve;
use jiff::civil::Date;
use node::view::LinkView;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::ids::KeyId;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Whatever a gateway would sign with: nobody pays here.
const GATEWAY_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// What operators of central show.
const OPERATOR: &str = "operator of the benchmarks";
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at something that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Which broker carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrokerKind {
    /// The one inside central.
    Embedded,
    /// Debian's.
    Mosquitto,
}

impl BrokerKind {
    /// Its name in tables.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Mosquitto => "mosquitto",
        }
    }
}

/// A running house.
pub(super) struct BenchHouse {
    /// Central's address.
    pub(super) central: SocketAddr,
    /// The box's address.
    pub(super) edge: SocketAddr,
    /// The theatre's number.
    pub(super) theatre: u32,
    /// Its halls.
    pub(super) halls: Halls,
    /// The line between the box and the broker.
    pub(super) valve: Valve,
    /// The first day of its shows is the next one.
    pub(super) today: Date,
    dir: PathBuf,
    central_process: Running,
    edge_process: Running,
    mosquitto: Option<Mosquitto>,
}

#[derive(Deserialize)]
struct Status {
    link: LinkView,
}

impl BenchHouse {
    /// Sets up central and a box in `dir` as an operator would, and starts them.
    ///
    /// # Errors
    /// If anything fails.
    pub(super) async fn start(
        programs: &Programs,
        broker: BrokerKind,
        halls: Halls,
        dir: &Path,
    ) -> anyhow::Result<Self> {
        Self::start_showing(programs, broker, halls, Halls::shows, dir).await
    }

    /// [`BenchHouse::start`] with other shows than those that cost something and are sold on both sides.
    ///
    /// # Errors
    /// If anything fails.
    pub(super) async fn start_showing(
        programs: &Programs,
        broker: BrokerKind,
        halls: Halls,
        shows: fn(Halls, Date) -> String,
        dir: &Path,
    ) -> anyhow::Result<Self> {
        let today = jiff::Timestamp::now()
            .to_zoned_datetime(jiff::tz::TimeZone::get(ZONE).context("find the time zone")?)
            .date();
        let built = SetUp { programs, dir: dir.to_owned(), halls, today };
        let theatre = built.set_up(shows).context("set the theatre up")?;
        let mosquitto = match broker {
            BrokerKind::Embedded => None,
            BrokerKind::Mosquitto => Some(Mosquitto::start(dir).await?),
        };
        let (central_process, central, broker) =
            built.start_central(mosquitto.as_ref(), "127.0.0.1:0").context("start central")?;
        let valve = Valve::start(broker).await.context("start the valve")?;
        let (edge_process, edge) = built.theatre().start(valve.address(), "127.0.0.1:0").context("start the box")?;
        let dir = dir.to_owned();
        let house = Self { central, edge, theatre, halls, valve, today, dir, central_process, edge_process, mosquitto };
        house.wait_until("both sides are live", STARTS_WITHIN, async || Ok(house.are_live().await?)).await?;
        Ok(house)
    }

    /// The databases of central and of the box.
    pub(super) fn databases(&self) -> (PathBuf, PathBuf) {
        (self.dir.join("central/central.sqlite"), self.dir.join("edge").join(edge::schema::FILE))
    }

    /// Logs the cashier in and returns the header line that says so.
    ///
    /// # Errors
    /// If the box does not let them in.
    pub(super) async fn log_in(&self) -> anyhow::Result<String> {
        theatre::log_in(self.edge, CASHIER).await
    }

    /// Logs the manager in and returns the header line that says so.
    ///
    /// # Errors
    /// If the box does not let them in.
    pub(super) async fn log_in_as_manager(&self) -> anyhow::Result<String> {
        theatre::log_in(self.edge, MANAGER).await
    }

    /// Adds a scanner and returns its pairing address.
    ///
    /// # Errors
    /// If the box does not add it.
    pub(super) async fn add_scanner(&self, name: &str) -> anyhow::Result<String> {
        let manager = self.log_in_as_manager().await?;
        let body = json!({ "name": name, "kind": "scanner" }).to_string();
        let reply = Client::connect(self.edge).await?.ask("POST", "/v1/devices", &manager, &body).await?;
        let added: Value = serde_json::from_slice(&reply.body).context("read the new scanner")?;
        added["pair_url"].as_str().map(str::to_owned).with_context(|| format!("no scanner was added: {added}"))
    }

    /// Pairs a scanner that this program plays, and returns the header line that says so.
    ///
    /// # Errors
    /// If the box does not pair it.
    pub(super) async fn pair(&self, name: &str) -> anyhow::Result<String> {
        let url = self.add_scanner(name).await?;
        let path = url.find("/v1/").and_then(|at| url.get(at..)).context("read the pairing address")?;
        let reply = Client::connect(self.edge).await?.ask("POST", path, "", "").await?;
        let paired: Value = serde_json::from_slice(&reply.body).context("read what the scanner was given")?;
        Ok(bearer(paired["token"].as_str().with_context(|| format!("the scanner is not paired: {paired}"))?))
    }

    /// Kills the box as a power cut does, and starts it again where it was.
    ///
    /// # Errors
    /// If it cannot be killed or started.
    pub(super) fn kill_edge(&mut self, programs: &Programs) -> anyhow::Result<()> {
        self.edge_process.kill()?;
        let built = SetUp { programs, dir: self.dir.clone(), halls: self.halls, today: self.today };
        (self.edge_process, self.edge) =
            built.theatre().start(self.valve.address(), &self.edge.to_string()).context("start the box again")?;
        Ok(())
    }

    /// The box is given a new key, as after a theft: it asks for one, joins anew, and both programs start again where they were.
    ///
    /// # Errors
    /// If any of it fails, or they are not live again.
    pub(super) async fn with_new_box_key(self, programs: &Programs) -> anyhow::Result<Self> {
        let Self { central_process, edge_process, central, edge, theatre, halls, valve, today, dir, mosquitto } = self;
        let built = SetUp { programs, dir: dir.clone(), halls, today };
        built.theatre().request_new_key()?;
        central_process.stop().await?;
        built.theatre().enrol().context("enrol the box's new key")?;
        let (central_process, central, _) = built.start_central(mosquitto.as_ref(), &central.to_string())?;
        edge_process.stop().await?;
        built.theatre().join().context("join with the new key")?;
        let (edge_process, edge) = built.theatre().start(valve.address(), &edge.to_string())?;
        let house = Self { central, edge, theatre, halls, valve, today, dir, central_process, edge_process, mosquitto };
        house.wait_until("both sides are live again", STARTS_WITHIN, async || Ok(house.are_live().await?)).await?;
        Ok(house)
    }

    /// Two persons revoke a key at central.
    ///
    /// # Errors
    /// If central does not revoke it.
    pub(super) async fn revoke(&self, key: KeyId) -> anyhow::Result<()> {
        let path = format!("/v1/theatres/{}/keys/{key}/revocation", self.theatre);
        let body = json!({ "persons": ["Asha", "Ravi"] }).to_string();
        let reply = Client::connect(self.central).await?.ask("POST", &path, &bearer(OPERATOR), &body).await?;
        ensure!(reply.status == 200, "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
        Ok(())
    }

    /// The most memory that the box has had since it was started, kilobytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn edge_rss_kb(&self) -> anyhow::Result<u64> {
        self.edge_process.rss_kb()
    }

    /// Processor time that the box has used.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn edge_cpu(&self) -> anyhow::Result<Duration> {
        self.edge_process.cpu()
    }

    /// The folder of this house.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// How the box stands.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn edge_link(&self) -> anyhow::Result<LinkView> {
        Ok(get::<Status>(self.edge, "/v1/status").await?.link)
    }

    /// How central stands.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn central_link(&self) -> anyhow::Result<LinkView> {
        get(self.central, &format!("/v1/theatres/{}/link", self.theatre)).await
    }

    async fn are_live(&self) -> anyhow::Result<bool> {
        Ok(self.edge_link().await?.state == "live" && self.central_link().await?.state == "live")
    }

    /// Looks every 2 ms until it is so. Returns how long it took.
    ///
    /// # Errors
    /// If it is not so in time.
    pub(super) async fn wait_until(
        &self,
        what: &str,
        at_most: Duration,
        is_so: impl AsyncFn() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while !is_so().await? {
            let said = || format!("{} | {}", self.central_process.last_words(), self.edge_process.last_words());
            ensure!(began.elapsed() < at_most, "waited {} s until {what}: {}", at_most.as_secs(), said());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(began.elapsed())
    }

    /// Ends the programs, so that the databases can be read whole.
    ///
    /// # Errors
    /// If one of them does not end in order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.edge_process.stop().await?;
        self.central_process.stop().await?;
        if let Some(mosquitto) = self.mosquitto {
            mosquitto.stop().await?;
        }
        self.valve.shutdown().await;
        Ok(())
    }
}

/// Asks for JSON.
///
/// # Errors
/// If there is no such answer.
pub(super) async fn get<T: DeserializeOwned>(address: SocketAddr, path: &str) -> anyhow::Result<T> {
    let reply = Client::connect(address).await?.ask("GET", path, "", "").await?;
    ensure!(reply.status == 200, "GET {path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
    serde_json::from_slice(&reply.body).with_context(|| format!("read the answer to GET {path}"))
}

/// A theatre that is being set up.
struct SetUp<'a> {
    programs: &'a Programs,
    dir: PathBuf,
    halls: Halls,
    today: Date,
}

impl SetUp<'_> {
    fn set_up(&self, shows: fn(Halls, Date) -> String) -> anyhow::Result<u32> {
        let (halls, store) = (self.halls, format!("--store={}", self.store()));
        fs::create_dir_all(self.dir.join("central"))?;
        let keys = format!("--keys={}", self.path("central/keys"));
        self.central(&["init", &keys])?;
        let tables = [("theatres", halls.theatres()), ("movies", Halls::movies()), ("plans", halls.plans()?)];
        for (what, text) in tables.into_iter().chain([("shows", shows(halls, self.today))]) {
            fs::write(self.dir.join(what), text)?;
            self.central(&["import", what, &self.path(what), &store])?;
        }
        self.theatre().set_up()
    }

    fn theatre(&self) -> Theatre<'_> {
        Theatre { programs: self.programs, dir: &self.dir, store: self.store(), keys: self.path("central/keys") }
    }

    fn path(&self, of: &str) -> String {
        self.dir.join(of).display().to_string()
    }

    fn store(&self) -> String {
        format!("sqlite:{}", self.path("central/central.sqlite"))
    }

    fn central(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.programs.run("usher-central", arguments, "")
    }

    fn start_central(
        &self,
        mosquitto: Option<&Mosquitto>,
        listen: &str,
    ) -> anyhow::Result<(Running, SocketAddr, SocketAddr)> {
        let mut command = self.programs.command("usher-central");
        command.args(["serve", "--log=warn", "--gateway=simulator:http://127.0.0.1:1"]);
        command.args([format!("--listen={listen}"), format!("--operator-token={OPERATOR}")]);
        command.args([format!("--store={}", self.store()), format!("--keys={}", self.path("central/keys"))]);
        command.arg(format!("--gateway-secret={GATEWAY_SECRET}"));
        match mosquitto {
            None => command.arg("--mqtt=embedded:127.0.0.1:0"),
            Some(mosquitto) => command.args([
                &format!("--mqtt=mqtt://{}", mosquitto.address),
                "--mqtt-username=central",
                "--mqtt-password=central",
            ]),
        };
        let (running, line) = Running::listening("usher-central", command, &self.dir.join("central.log"))?;
        let mut words = line.split(' ');
        let web = words.find_map(|word| word.strip_prefix("http://")?.strip_suffix(',')?.parse().ok());
        let broker = line.rsplit("mqtt://").next().and_then(|address| address.parse().ok());
        let address = web.with_context(|| format!("find central's address in {line:?}"))?;
        Ok((running, address, broker.with_context(|| format!("find the broker's address in {line:?}"))?))
    }
}
