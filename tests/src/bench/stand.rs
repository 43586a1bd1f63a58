//! Central, with no box of its own making: one program on SQLite, or nodes on one PostgreSQL.

use super::generator::Client;
use super::hall::{Halls, ZONE};
use super::house::get;
use super::mosquitto::Mosquitto;
use super::postgres::Postgres;
use super::programs::{Programs, Running};
use super::theatre::Theatre;
use anyhow::{Context, ensure};
use node::view::{LinkView, SeatMapView, ShowView};
use serde::Deserialize;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Whatever a gateway would sign with: nobody pays here.
const GATEWAY_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What central runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// A file, and one program.
    Sqlite,
    /// A server, and so many nodes.
    Postgres(usize),
}

impl Engine {
    /// Its name in tables.
    pub(super) fn words(self) -> String {
        match self {
            Self::Sqlite => "SQLite".into(),
            Self::Postgres(1) => "PostgreSQL, 1 node".into(),
            Self::Postgres(nodes) => format!("PostgreSQL, {nodes} nodes"),
        }
    }
}

/// One node, running or killed.
struct Node {
    address: SocketAddr,
    running: Option<Running>,
}

/// A running central.
pub(super) struct Stand {
    /// Its database server, where it has one.
    pub(super) postgres: Option<Postgres>,
    dir: PathBuf,
    mosquitto: Option<Mosquitto>,
    nodes: Vec<Node>,
}

/// Sets central up on the store as an operator would: free shows from tomorrow on.
///
/// # Errors
/// If anything fails.
pub(super) fn set_up(programs: &Programs, store: &str, halls: Halls, dir: &Path) -> anyhow::Result<()> {
    let zone = jiff::tz::TimeZone::get(ZONE).context("find the time zone")?;
    let today = jiff::Timestamp::now().to_zoned_datetime(zone).date();
    let store = format!("--store={store}");
    programs.run("usher-central", ["init", &format!("--keys={}", keys(dir))], "")?;
    let tables = [("theatres", halls.theatres()), ("movies", Halls::movies()), ("plans", halls.plans()?)];
    for (what, text) in tables.into_iter().chain([("shows", halls.free_shows(today))]) {
        let file = dir.join(what);
        fs::write(&file, text)?;
        programs.run("usher-central", ["import", what, &file.display().to_string(), &store], "")?;
    }
    Ok(())
}

/// The keys directory of a central in `dir`.
pub(super) fn keys(dir: &Path) -> String {
    dir.join("keys").display().to_string()
}

impl Stand {
    /// Sets central up in `dir` and starts it.
    ///
    /// # Errors
    /// If anything fails.
    pub(super) async fn start(programs: &Programs, engine: Engine, halls: Halls, dir: &Path) -> anyhow::Result<Self> {
        let mut stand = Self::prepare(programs, engine, halls, dir).await?;
        stand.start_nodes(programs, engine).await?;
        Ok(stand)
    }

    /// Sets central up in `dir`; no node runs yet.
    ///
    /// # Errors
    /// If anything fails.
    pub(super) async fn prepare(programs: &Programs, engine: Engine, halls: Halls, dir: &Path) -> anyhow::Result<Self> {
        let (postgres, mosquitto) = match engine {
            Engine::Sqlite => (None, None),
            Engine::Postgres(_) => (Some(Postgres::start(dir).await?), Some(Mosquitto::start(dir).await?)),
        };
        let stand = Self { postgres, mosquitto, nodes: Vec::new(), dir: dir.to_owned() };
        set_up(programs, &stand.store(), halls, dir).context("set central up")?;
        Ok(stand)
    }

    /// Starts every node of a central that is set up.
    ///
    /// # Errors
    /// If one is not ready in time.
    pub(super) async fn start_nodes(&mut self, programs: &Programs, engine: Engine) -> anyhow::Result<()> {
        let nodes = match engine {
            Engine::Sqlite => 1,
            Engine::Postgres(nodes) => nodes,
        };
        for _ in 0..nodes {
            let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
            self.nodes.push(Node { address, running: None });
            self.start_node(programs, self.nodes.len() - 1)?;
            self.until_ready().await?;
        }
        Ok(())
    }

    /// The one theatre that is shown here, whose box can be set up while no node runs.
    pub(super) fn theatre<'a>(&'a self, programs: &'a Programs) -> Theatre<'a> {
        Theatre { programs, dir: &self.dir, store: self.store(), keys: keys(&self.dir) }
    }

    /// The broker that the nodes share.
    ///
    /// # Errors
    /// If each has its own.
    pub(super) fn broker(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.mosquitto.as_ref().context("there is no broker that nodes share")?.address)
    }

    /// How central stands with the box of a theatre.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn link(&self, theatre: u32) -> anyhow::Result<LinkView> {
        self.get(&format!("/v1/theatres/{theatre}/link")).await
    }

    fn store(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url(),
            None => format!("sqlite:{}", self.dir.join("central.sqlite").display()),
        }
    }

    /// Where the nodes listen.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// If it does not listen.
    pub(super) fn start_node(&mut self, programs: &Programs, index: usize) -> anyhow::Result<()> {
        let store = self.store();
        let node = self.nodes.get_mut(index).context("find a node")?;
        let mut command = programs.command("usher-central");
        command.args(["serve", "--log=error", "--gateway=simulator:http://127.0.0.1:1", "--hold-s=3600"]);
        command.args([format!("--listen={}", node.address), format!("--store={store}")]);
        command.args([format!("--keys={}", keys(&self.dir)), format!("--gateway-secret={GATEWAY_SECRET}")]);
        match &self.mosquitto {
            None => command.arg("--mqtt=embedded:127.0.0.1:0"),
            Some(mosquitto) => command.arg(format!("--mqtt=mqtt://{}", mosquitto.address)),
        };
        let log = self.dir.join(format!("central-{index}.log"));
        let (running, _) = Running::listening("usher-central", command, &log)?;
        node.running = Some(running);
        Ok(())
    }

    /// `kill -9` to a node.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn kill_node(&mut self, index: usize) -> anyhow::Result<()> {
        let running = self.nodes.get_mut(index).and_then(|node| node.running.take());
        running.context("find a running node")?.kill()
    }

    /// Ends a node in order, as its operator does.
    ///
    /// # Errors
    /// If it does not run, or does not end in order.
    pub(super) async fn stop_node(&mut self, index: usize) -> anyhow::Result<()> {
        let running = self.nodes.get_mut(index).and_then(|node| node.running.take());
        running.context("find a running node")?.stop().await
    }

    /// Lets a node stand still.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn freeze_node(&self, index: usize) -> anyhow::Result<()> {
        self.running(index)?.signal("STOP")
    }

    /// Lets a node that stands still go on.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn thaw_node(&self, index: usize) -> anyhow::Result<()> {
        self.running(index)?.signal("CONT")
    }

    fn running(&self, index: usize) -> anyhow::Result<&Running> {
        self.nodes.get(index).and_then(|node| node.running.as_ref()).context("find a running node")
    }

    /// The node that works, as soon as one says so: it answers what was passed on already.
    pub(super) async fn worker(&self) -> Option<usize> {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.worker_among(&all).await
    }

    /// The node among these that works, as soon as one says so.
    pub(super) async fn worker_among(&self, indices: &[usize]) -> Option<usize> {
        let began = Instant::now();
        while began.elapsed() < READY_WITHIN {
            for (index, node) in indices.iter().filter_map(|index| Some((*index, self.nodes.get(*index)?))) {
                let Ok(mut client) = Client::connect(node.address).await else { continue };
                let reply = client.ask("GET", "/v1/cities", "x-usher-passed-on: 1\r\n", "").await;
                if reply.is_ok_and(|reply| reply.status == 200) {
                    return Some(index);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// Waits until every node that runs says that it is ready.
    ///
    /// # Errors
    /// If one does not in time.
    pub(super) async fn until_ready(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        for node in self.nodes.iter().filter(|node| node.running.is_some()) {
            while get::<serde_json::Value>(node.address, "/readyz").await.is_err() {
                let words = node.running.as_ref().map(Running::last_words).unwrap_or_default();
                ensure!(began.elapsed() < READY_WITHIN, "a node is not ready: {words}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// The shows.
    ///
    /// # Errors
    /// If they are not listed.
    pub(super) async fn shows(&self) -> anyhow::Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            shows: Vec<ShowView>,
            next: Option<String>,
        }
        let (mut ids, mut path) = (Vec::new(), "/v1/shows?city=Pune".to_owned());
        loop {
            let page: Page = self.get(&path).await?;
            ids.extend(page.shows.into_iter().map(|show| show.id));
            match page.next {
                Some(next) => path = format!("/v1/shows?city=Pune&after={next}"),
                None => return Ok(ids),
            }
        }
    }

    /// A show's map.
    ///
    /// # Errors
    /// If there is none.
    pub(super) async fn map(&self, show: &str) -> anyhow::Result<SeatMapView> {
        self.get(&format!("/v1/shows/{show}/seats")).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let node = self.nodes.iter().find(|node| node.running.is_some()).context("find a running node")?;
        get(node.address, path).await
    }

    /// Processor time that the nodes have used.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        self.nodes.iter().filter_map(|node| node.running.as_ref()).map(Running::cpu).sum()
    }

    /// Ends everything.
    ///
    /// # Errors
    /// If a node does not end in order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        for running in self.nodes.into_iter().filter_map(|node| node.running) {
            running.stop().await?;
        }
        if let Some(mosquitto) = self.mosquitto {
            mosquitto.stop().await?;
        }
        Ok(())
    }
}
