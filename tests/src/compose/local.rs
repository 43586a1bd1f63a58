//! The same services as programs of this machine, with the same files: only names, ports and paths are other ones.

use super::place::Place;
use crate::bench::{Postgres, Programs, Running};
use anyhow::{Context, ensure};
use jiff::ToSpan;
use node::sqlite::open_read_only;
use serde_json::{Value, json};
use shared::entry::{Entry, Fact};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Where Debian keeps programs that only root's shells look for.
const SBIN: &str = "/usr/sbin";
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
const CITY: &str = "Lakeside";
const THEATRES: [&str; 2] = ["Old Mill", "New Mill"];

/// Everything that runs. Dropping it ends it.
struct Local {
    place: Place,
    directory: PathBuf,
    programs: Programs,
    database: Postgres,
    /// Each service that listens: its name with its port in there, and its address here.
    addresses: Vec<(String, SocketAddr)>,
    running: Vec<(String, Running)>,
    client: reqwest::Client,
}

impl Local {
    async fn start(directory: &Path) -> anyhow::Result<Self> {
        node::telemetry::install_crypto();
        let place = Place::prepared(directory, "127.0.0.1");
        let database = Postgres::start(directory).await?;
        let mut addresses = Vec::new();
        for name in ["broker:8883", "payments:8090", "central-1:7400", "central-2:7400", "edge-1:7410", "edge-2:7410"] {
            addresses.push((name.to_owned(), free()?));
        }
        addresses.push(("balancer:8080".to_owned(), free()?));
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).build()?;
        let (directory, programs) = (directory.to_owned(), Programs::built()?);
        let mut local = Self { place, directory, programs, database, addresses, running: Vec::new(), client };
        local.set_up().context("set up")?;
        local.start_broker().await?;
        for service in ["payments", "central-1", "central-2", "edge-1", "edge-2"] {
            local.start_program(service).await.with_context(|| format!("start {service}"))?;
        }
        local.start_balancer().await?;
        Ok(local)
    }

    fn address(&self, service: &str) -> SocketAddr {
        let found = self.addresses.iter().find(|(name, _)| name.split(':').next() == Some(service));
        found.unwrap_or_else(|| panic!("{service} does not listen")).1
    }

    /// A word of a command line or a variable, as it is here.
    fn here(&self, service: &str, word: &str) -> String {
        if word.starts_with("postgres://") {
            return self.database.url();
        }
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (format!("{flag}="), value),
            _ => (String::new(), word),
        };
        let value = match self.place.real(service, value) {
            Some(real) if value.starts_with('/') => real.display().to_string(),
            _ => self.addresses.iter().fold(value.to_owned(), |value, (name, address)| {
                let of_its_own = name.split_once(':').filter(|(name, _)| *name == service).map(|(_, port)| port);
                let listens = of_its_own.map(|port| format!("0.0.0.0:{port}"));
                let value = value.replace(name.as_str(), &address.to_string());
                listens.map_or(value.clone(), |listens| value.replace(&listens, &address.to_string()))
            }),
        };
        format!("{flag}{value}")
    }

    /// Runs `set-up` with a stand-in for `docker compose run`.
    fn set_up(&self) -> anyhow::Result<()> {
        let import = self.place.folder.join("import");
        let plan = json!({ "version": 1, "categories": ["Stalls"], "rows": [{ "label": "A", "runs": [
            { "first": 1, "number": 1, "count": 20, "category": 0, "gap": 0, "accessible": false }] }] });
        let (mut theatres, mut plans) = ("city,name,screens,seats\n".to_owned(), String::new());
        let mut shows = "theatre,city,screen,movie,starts_at,ends_at,prices,on_sale_rush\n".to_owned();
        let day = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date().saturating_add(2.days());
        for theatre in THEATRES {
            theatres += &format!("{CITY},{theatre},1,20\n");
            plans += &format!("{}\n", json!({ "theatre": theatre, "city": CITY, "screen": 1, "plan": plan }));
            shows +=
                &format!("{theatre},{CITY},1,The Long Night,{day}T18:00:00+05:30,{day}T21:00:00+05:30,Stalls=0,yes\n");
        }
        let movies = "title,year,runtime_min\nThe Long Night,1971,160\n".to_owned();
        for (name, text) in
            [("theatres.csv", theatres), ("movies.csv", movies), ("plans.jsonl", plans), ("shows.csv", shows)]
        {
            fs::write(import.join(name), text)?;
        }
        let mut cases = String::new();
        for service in ["central-1", "edge-1", "edge-2"] {
            let variables = self.place.service(service).environment.iter();
            let variables = variables.map(|(name, value)| format!("{name}='{}' ", self.here(service, value)));
            cases += &format!("{service}) export {};;\n", variables.collect::<String>());
        }
        let programs = self.programs.dir().display();
        let stand_in = self.directory.join("run");
        // Its paths in the containers are those of `import`, and what variables say.
        let text = format!(
            "#!/usr/bin/env bash\nset -eu\ncase $1 in\n{cases}esac\nprogram=$2\nshift 2\n\
             exec \"{programs}/$program\" \"${{@/#\\/import/{}}}\"\n",
            import.display()
        );
        fs::write(&stand_in, text)?;
        let mut command = Command::new(self.place.folder.join("set-up"));
        command.env("USHER_RUN", format!("bash {}", stand_in.display()));
        let output = command.output().context("run set-up")?;
        let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{}", said());
        ensure!(said().matches(" 0 refused").count() == 4, "not everything was taken in: {}", said());
        Ok(())
    }

    async fn start_program(&mut self, service: &str) -> anyhow::Result<()> {
        let file = self.place.service(service);
        let (program, words) = file.command.split_first().context("find the command")?;
        let mut command = self.programs.command(program);
        command.args(words.iter().map(|word| self.here(service, word)));
        command.envs(file.environment.iter().map(|(name, value)| (name, self.here(service, value))));
        self.start_command(service, command, self.address(service)).await
    }

    async fn start_broker(&mut self) -> anyhow::Result<()> {
        let text =
            fs::read_to_string(self.place.real("broker", "/etc/mosquitto/usher.conf").context("find the file")?)?;
        let files = ["ca.pem", "broker.pem", "broker.key", "acl"].map(|name| format!("/etc/mosquitto/usher/{name}"));
        let text = files.iter().fold(text, |text, file| {
            text.replace(file, &self.place.real("broker", file).expect("it is mounted").display().to_string())
        });
        ensure!(!text.contains("/etc/mosquitto"), "a file of the broker is not mounted: {text}");
        let address = self.address("broker");
        // As root it would give its rights away, and could not read a test's folder.
        let listener = format!("user root\nlistener {} {}", address.port(), address.ip());
        let conf = self.directory.join("mosquitto.conf");
        fs::write(&conf, text.replace("listener 8883", &listener))?;
        let mut command = Command::new(installed("mosquitto"));
        command.arg("-c").arg(conf);
        self.start_command("broker", command, address).await
    }

    async fn start_balancer(&mut self) -> anyhow::Result<()> {
        let text = fs::read_to_string(self.place.real("balancer", "/etc/nginx/nginx.conf").context("find the file")?)?;
        let address = self.address("balancer");
        let text = text.replace("listen 8080;", &format!("listen {address};"));
        let text = text.replace("/tmp/nginx", &self.directory.join("nginx").display().to_string());
        let conf = self.directory.join("nginx.conf");
        fs::write(&conf, self.here("balancer", &text))?;
        let mut command = Command::new(installed("nginx"));
        // Workers would outlive a master that is killed with the test.
        command.arg("-c").arg(conf).args(["-e", "stderr", "-g", "daemon off; master_process off;"]);
        self.start_command("balancer", command, address).await
    }

    async fn start_command(&mut self, service: &str, command: Command, at: SocketAddr) -> anyhow::Result<()> {
        let running = Running::start(service, command, &self.directory.join(format!("{service}.log")))?;
        let began = Instant::now();
        while tokio::net::TcpStream::connect(at).await.is_err() {
            ensure!(began.elapsed() < ANSWERS_WITHIN, "{service} does not answer: {}", running.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.running.push((service.to_owned(), running));
        Ok(())
    }

    /// Asks the balancer, under one key where something is to change, until there is an answer that counts.
    async fn insist(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let (key, began) = (node::random::hex::<8>(), Instant::now());
        let url = format!("http://{}{path}", self.address("balancer"));
        loop {
            let request = match body {
                Some(body) => self.client.post(&url).header("Idempotency-Key", &key).json(body),
                None => self.client.get(&url),
            };
            let said = match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer.json().await?),
                Ok(answer) if answer.status().is_server_error() => answer.text().await.unwrap_or_default(),
                Ok(answer) => anyhow::bail!("{path}: {}", answer.text().await?),
                Err(error) => error.to_string(),
            };
            ensure!(began.elapsed() < ANSWERS_WITHIN, "{path} is not answered: {said} {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Buys a seat and returns its ticket.
    async fn buy(&self, theatre: &str, seat: &str) -> anyhow::Result<String> {
        let shows = self.insist(&format!("/v1/shows?city={CITY}"), None).await?;
        let mut shows = shows["shows"].as_array().context("list the shows")?.iter();
        let show = shows.find(|show| show["theatre"]["name"] == theatre).context("find the show")?;
        let show = show["id"].as_str().context("read the show's id")?;
        let hold = self.insist(&format!("/v1/shows/{show}/holds"), Some(&json!({ "seats": [seat] }))).await?;
        let contact = json!({ "email": "guest@usher.example" });
        let booking = self.insist("/v1/bookings", Some(&json!({ "hold": hold["hold"], "contact": contact }))).await?;
        ensure!(booking["state"] == "booked", "{booking}");
        booking["tickets"][0]["ticket"].as_str().map(str::to_owned).with_context(|| format!("find a ticket: {booking}"))
    }

    /// The node that works: it answers what was passed on already.
    async fn worker(&self) -> anyhow::Result<usize> {
        for (index, service) in ["central-1", "central-2"].into_iter().enumerate() {
            let url = format!("http://{}/v1/cities", self.address(service));
            let answer = self.client.get(url).header("x-usher-passed-on", "1").send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(index);
            }
        }
        anyhow::bail!("nobody works: {}", self.last_words())
    }

    /// Waits until a box has the ticket in its book.
    async fn until_in_book(&self, service: &str, ticket: &str) -> anyhow::Result<()> {
        let data = self.place.real(service, "/var/lib/usher").context("find the box's data")?;
        let (file, began) = (data.join(edge::schema::FILE), Instant::now());
        while !sold(&file)?.iter().any(|known| known == ticket) {
            ensure!(began.elapsed() < ANSWERS_WITHIN, "{service} has no ticket {ticket}: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let words = self.running.iter().map(|(name, running)| format!("{name}: {}", running.last_words()));
        words.collect::<Vec<_>>().join("\n")
    }
}

/// The tickets that a box knows as sold.
fn sold(file: &Path) -> anyhow::Result<Vec<String>> {
    let database = open_read_only(file)?;
    let mut select = database.prepare("SELECT bytes FROM ledger_entry")?;
    let mut tickets = Vec::new();
    for bytes in select.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
        if let Fact::Sold { seats, .. } = Entry::decode(&bytes?)?.fact {
            tickets.extend(seats.iter().map(|line| line.ticket.to_string()));
        }
    }
    Ok(tickets)
}

pub(super) fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(super) fn installed(program: &str) -> PathBuf {
    let path = Path::new(SBIN).join(program);
    assert!(path.exists(), "{program} is not installed: `./tests/run needs`");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_bought_through_the_balancer_and_another_after_the_working_node_was_killed() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut local = Local::start(directory.path()).await.expect("everything starts");
    let first = local.buy(THEATRES[0], "A1").await.expect("a ticket");
    let worker = ["central-1", "central-2"][local.worker().await.expect("a node works")];
    let (_, running) = local.running.iter_mut().find(|(name, _)| name == worker).expect("it runs");
    running.kill().expect("killed");
    let second = local.buy(THEATRES[1], "A1").await.expect("another ticket");
    local.until_in_book("edge-1", &first).await.expect("in the first book");
    local.until_in_book("edge-2", &second).await.expect("in the second book");
    // The seat that was sold before the kill is not sold again.
    let again = local.buy(THEATRES[0], "A1").await.expect_err("it is sold");
    assert!(format!("{again:#}").contains("seat_sold"), "{again:#}");
}
