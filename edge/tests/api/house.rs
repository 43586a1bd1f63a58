//! A theatre for one test: keys, an edge in a temporary folder, and a central that published the seating plan.

use edge::config::Unproven;
use edge::identity::{BrokerLogin, JoinFile, JoinedTheatre};
use edge::staff::{Role, session};
use edge::{Config, Edge, identity, schema};
use node::clock::{self, StoreClock};
use node::ledger_store::{self, StoredLogs};
use node::pin;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use shared::entry::{Entry, Fact, Head};
use shared::ids::{ScreenId, SeatId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{Certificate, PublicKey, Purpose, SecretKey};
use shared::ledger::HoldTimes;
use shared::money::Currency;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::ticket::{RowLabel, TicketBody};
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use sync_protocol::log::{EntrySource, UnreadableLog};
use sync_protocol::replica::{LinkKeys, Snapshot};
use sync_protocol::witness::SignedHead;
use sync_protocol::{Replica, Settings};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const THEATRE: u32 = 12;
pub(crate) const PIN: &str = "4711";

/// Central's copy, in memory.
pub(crate) struct Central {
    pub(crate) replica: Replica,
    pub(crate) logs: BTreeMap<(bool, u64), (Vec<u8>, Head)>,
}

impl Central {
    /// What its store would have kept.
    pub(crate) fn keep(&mut self) {
        for entry in self.replica.take_changes().entries {
            self.logs.insert((entry.log == Side::Central, entry.seq), (entry.bytes.clone(), entry.head()));
        }
        while self.replica.poll_event().is_some() {}
    }
}

/// Central's logs in memory.
pub(crate) struct MemoryLogs<'a>(pub &'a BTreeMap<(bool, u64), (Vec<u8>, Head)>);

impl EntrySource for MemoryLogs<'_> {
    fn entries(&self, log: Side, from: u64, _bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog> {
        let central = log == Side::Central;
        Ok(self.0.range((central, from)..=(central, u64::MAX)).map(|(_, (bytes, _))| bytes.clone()).collect())
    }

    fn head_at(&self, log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog> {
        if seq == 0 {
            return Ok(Some(Head::default()));
        }
        Ok(self.0.get(&(log == Side::Central, seq)).map(|(_, head)| *head))
    }
}

pub(crate) struct House {
    pub(crate) data: TempDir,
    pub(crate) central_key: SecretKey,
    pub(crate) mqtt: String,
    edge: Option<Edge>,
    pub(crate) client: reqwest::Client,
    keys: AtomicU64,
    /// A device that confirms the box's head at each start; the tests are about what comes after.
    pub(crate) vouched: bool,
    pub(crate) gate_wait_ms: u64,
    /// Printers, as they are set.
    pub(crate) printers: Vec<String>,
    pub(crate) unproven: Unproven,
    pub(crate) witness_silent_after_ms: u64,
    pub(crate) upi: String,
    pub(crate) gstin: String,
}

/// The token of the device that is the box's named witness.
pub(crate) const KEEPER: &str = "the keeper's token";

/// Two rows of five, an aisle after the second seat; row B is the dearer one.
pub(crate) fn plan() -> SeatingPlan {
    let run = |first, number, count, category, gap| SeatRun {
        first: SeatId(first),
        number,
        count,
        category,
        gap,
        accessible: false,
    };
    SeatingPlan {
        version: 1,
        categories: vec!["Silver".into(), "Gold".into()],
        rows: vec![
            Row { label: "A".into(), runs: vec![run(1, 1, 2, 0, 0), run(3, 3, 3, 0, 1)] },
            Row { label: "B".into(), runs: vec![run(6, 1, 5, 1, 0)] },
        ],
    }
}

fn root() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn certificate(public_key: PublicKey, side: Side) -> String {
    let (valid_from, valid_until) = (Timestamp::from_minutes(0), Timestamp::from_minutes(u32::MAX));
    let (theatre, purpose) = (TheatreId(THEATRE), Purpose::TicketsAndLink);
    Certificate { public_key, theatre, side, valid_from, valid_until, purpose }.sign(&root())
}

pub(crate) fn now() -> Timestamp {
    StoreClock::starting_at(Timestamp(0)).now()
}

impl House {
    /// A house whose box has joined, has staff, and knows the plan of screen 1.
    pub(crate) async fn open() -> Self {
        Self::open_planned(String::new(), &plan()).await.0
    }

    /// The same with a broker and a plan of its own, and central as it stands.
    pub(crate) async fn open_planned(mqtt: String, plan: &SeatingPlan) -> (Self, Central) {
        node::telemetry::install_crypto();
        let data = tempfile::tempdir().unwrap();
        let request = identity::init(data.path()).unwrap();
        let public = PublicKey::from_hex(&request.public_key).unwrap();
        let central_key = SecretKey::from_seed(&[2; 32]);
        let join = JoinFile {
            format: 1,
            theatre: JoinedTheatre { id: THEATRE, name: "Rex".into(), city: "Pune".into() },
            currency: Currency::INR,
            zone: "Asia/Kolkata".into(),
            root_key: root().public().to_hex(),
            central_certificate: certificate(central_key.public(), Side::Central),
            edge_certificate: certificate(public, Side::Edge),
            replacement: false,
            previous_certificate: None,
            broker: BrokerLogin { client_id: "edge-12".into(), username: "edge-12".into(), password: "x".into() },
        };
        identity::join(data.path(), &serde_json::to_string(&join).unwrap()).unwrap();
        add_staff(&data);
        let central = introduce(&data, &central_key, public, plan);
        let client = reqwest::Client::new();
        add_keeper(&data);
        let mut house = Self {
            data,
            central_key,
            mqtt,
            edge: None,
            client,
            keys: AtomicU64::new(1),
            vouched: true,
            gate_wait_ms: 200,
            printers: Vec::new(),
            unproven: Unproven::Pin,
            witness_silent_after_ms: 0,
            upi: String::new(),
            gstin: String::new(),
        };
        house.start().await;
        (house, central)
    }

    pub(crate) async fn start(&mut self) {
        let config = Config {
            data: self.data.path().to_owned(),
            mqtt: self.mqtt.clone(),
            heartbeat_ms: 200,
            suspect_after_ms: 600,
            lock_down_after_ms: 300,
            gate_wait_ms: self.gate_wait_ms,
            printers: self.printers.iter().map(|text| text.parse().unwrap()).collect(),
            unproven: self.unproven,
            witness_silent_after_ms: self.witness_silent_after_ms,
            complimentary_per_show: 3,
            upi: self.upi.clone(),
            gstin: self.gstin.clone(),
            ..Config::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.edge = Some(Edge::start(config, listener).await.unwrap());
        if self.vouched {
            self.vouch(&self.url("")).await;
        }
    }

    /// The keeper confirms the head that is on disk.
    pub(crate) async fn vouch(&self, box_url: &str) {
        let snapshot = ledger_store::load(&self.db(), TheatreId(THEATRE), Side::Edge).unwrap();
        let key = identity::load(self.data.path()).unwrap().key;
        let kept = SignedHead::sign(TheatreId(THEATRE), Side::Edge, snapshot.heads.own, &key);
        let call = json!({"kept": kept, "after": 0});
        for _ in 0..200 {
            let request = self.client.post(format!("{box_url}/v1/door/witness")).bearer_auth(KEEPER).json(&call);
            let (status, answer) = read(request.send().await.unwrap()).await;
            assert_eq!(status, 200, "{answer}");
            if answer["wanted"] == false {
                return;
            }
            // With a line the box gives central some time to say what it knows.
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("the box never takes the keeper's word");
    }

    /// The box joins anew with another key, as after a theft, and starts again.
    pub(crate) async fn join_anew(&mut self) {
        self.stop().await;
        let data = self.data.path();
        let public = PublicKey::from_hex(&identity::init_next(data).unwrap().public_key).unwrap();
        let join = identity::load(data).unwrap().join;
        let join = JoinFile { edge_certificate: certificate(public, Side::Edge), previous_certificate: None, ..join };
        identity::join(data, &serde_json::to_string(&join).unwrap()).unwrap();
        self.start().await;
    }

    /// The box's database.
    pub(crate) fn db(&self) -> rusqlite::Connection {
        node::sqlite::open(&self.data.path().join(schema::FILE), &schema::SCHEMA).unwrap()
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(edge) = self.edge.take() {
            edge.stop().await.unwrap();
        }
    }

    /// A copy of the disk of a box that stands still.
    pub(crate) fn image(&self) -> TempDir {
        let image = tempfile::tempdir().unwrap();
        // What the last commits wrote is in the log beside the file.
        self.db().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        std::fs::copy(self.data.path().join(schema::FILE), image.path().join(schema::FILE)).unwrap();
        image
    }

    /// The disk is as it was.
    pub(crate) fn put_back(&self, image: &TempDir) {
        std::fs::copy(image.path().join(schema::FILE), self.data.path().join(schema::FILE)).unwrap();
        for side in ["edge.sqlite-wal", "edge.sqlite-shm"] {
            let _absent_after_a_clean_end = std::fs::remove_file(self.data.path().join(side));
        }
    }

    /// Lets the box find, at its next start, that so many seconds have gone by.
    pub(crate) fn turn_clock(&self, seconds: i64) {
        let db = node::sqlite::open(&self.data.path().join(schema::FILE), &schema::SCHEMA).unwrap();
        db.execute("UPDATE store_time SET persisted_ms = persisted_ms + ?1", [seconds * 1000]).unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.edge.as_ref().unwrap().local_addr())
    }

    pub(crate) async fn request(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Response {
        let mut request = self.client.request(method, self.url(path));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            let key = self.keys.fetch_add(1, Ordering::Relaxed);
            request = request.header("Idempotency-Key", format!("key-{key}")).json(&body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        read(self.request(Method::POST, path, token, Some(body)).await).await
    }

    /// Under a key of its own choosing, none if it is empty.
    pub(crate) async fn post_under(&self, key: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(self.url(path)).bearer_auth(token).json(body);
        let request = if key.is_empty() { request } else { request.header("Idempotency-Key", key) };
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        read(self.request(Method::GET, path, token, None).await).await
    }

    pub(crate) async fn log_in(&self, staff: &str) -> String {
        let (status, session) = self.post("/v1/session", "", json!({"staff": staff, "pin": PIN})).await;
        assert_eq!(status, 200, "{session}");
        session["token"].as_str().unwrap().to_owned()
    }

    /// A show of this house that begins in so many minutes; its id.
    pub(crate) async fn add_show(&self, in_minutes: i64) -> String {
        let zone = node::zone::Zone::named("Asia/Kolkata").unwrap();
        let starts = Timestamp(now().0 + in_minutes * 60_000);
        let ends = Timestamp(starts.0 + 120 * 60_000);
        let price = |minor: i64| json!({"minor": minor, "currency": "INR"});
        let manager = self.log_in("manager").await;
        let show = json!({
            "screen": 1, "title": "The Late Show", "starts_at": zone.rfc3339(starts), "ends_at": zone.rfc3339(ends),
            "prices": [price(15_000), price(25_000)],
        });
        let (status, show) = self.post("/v1/shows", &manager, show).await;
        assert_eq!(status, 201, "{show}");
        show["id"].as_str().unwrap().to_owned()
    }

    /// Sells seats for cash; the sale.
    pub(crate) async fn sell(&self, show: &str, seats: &[&str]) -> Value {
        let counter = self.log_in("counter").await;
        let sale = json!({"seats": seats, "tender": "cash"});
        let (status, sale) = self.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await;
        assert_eq!(status, 201, "{sale}");
        sale
    }

    /// Pairs a scanner; its token.
    pub(crate) async fn pair(&self, name: &str) -> String {
        let manager = self.log_in("manager").await;
        let (status, device) = self.post("/v1/devices", &manager, json!({"name": name, "kind": "scanner"})).await;
        assert_eq!(status, 201, "{device}");
        let url = device["pair_url"].as_str().unwrap();
        let (status, paired) = read(self.client.post(url).send().await.unwrap()).await;
        assert_eq!(status, 200, "{paired}");
        paired["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn state_of(&self, show: &str, seat: &str) -> String {
        let (_, map) = self.get(&format!("/v1/shows/{show}/seats"), "").await;
        let rows = map["rows"].as_array().unwrap();
        let seats = rows.iter().flat_map(|row| row["seats"].as_array().unwrap());
        let found = seats.into_iter().find(|one| one["label"] == seat).unwrap();
        found["state"].as_str().unwrap().to_owned()
    }

    /// A ticket that central sold; nobody here knows of it.
    pub(crate) fn foreign_ticket(&self, key: &SecretKey, theatre: u32, show: ShowNumber, id: u8) -> String {
        let body = TicketBody {
            ticket: TicketId([id; 8]),
            theatre: TheatreId(theatre),
            show,
            screen: ScreenId(1),
            row: RowLabel::new("B").unwrap(),
            number: 2,
            generation: 0,
            valid_from: now(),
            valid_until: Timestamp(now().0 + 3_600_000),
        };
        body.sign(key).to_string()
    }
}

pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Hashed once for all tests: it takes its time on purpose.
fn pin_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| pin::hash(PIN).unwrap())
}

fn add_staff(data: &TempDir) {
    let db = node::sqlite::open(&data.path().join(schema::FILE), &schema::SCHEMA).unwrap();
    for role in Role::ALL {
        let name = if role == Role::Cashier { "counter" } else { role.word() };
        session::add(&db, name, role, pin_hash()).unwrap();
    }
}

fn add_keeper(data: &TempDir) {
    let db = node::sqlite::open(&data.path().join(schema::FILE), &schema::SCHEMA).unwrap();
    // Number 0 leaves the numbers from 1 to the devices of the tests.
    let insert =
        "INSERT INTO devices (number, name, kind, token_hash, witness) VALUES (0, 'Keeper', 'terminal', ?1, 1)";
    db.execute(insert, [session::token_hash(KEEPER)]).unwrap();
}

/// Lets the two sides talk, without a network, until the box has central's plan.
fn introduce(data: &TempDir, central_key: &SecretKey, edge_public: PublicKey, plan: &SeatingPlan) -> Central {
    let theatre = TheatreId(THEATRE);
    let mut db = node::sqlite::open(&data.path().join(schema::FILE), &schema::SCHEMA).unwrap();
    let now = StoreClock::starting_at(clock::last_persisted(&db).unwrap()).now();
    let edge_key = identity::load(data.path()).unwrap().key;
    let keys = |own: &SecretKey, peer| LinkKeys { own: own.clone(), own_before: None, peer: vec![peer] };
    let replica = |side, keys, seed| {
        let settings = Settings::with_holds(if side == Side::Edge { HoldTimes::COUNTER } else { HoldTimes::WEB });
        Replica::new(theatre, side, settings, keys, Snapshot::default(), seed, now)
    };
    let mut edge = replica(Side::Edge, keys(&edge_key, central_key.public()), [3; 32]);
    let mut central =
        Central { replica: replica(Side::Central, keys(central_key, edge_public), [4; 32]), logs: BTreeMap::new() };
    central.replica.publish_plan(ScreenId(1), plan, now).unwrap();
    central.keep();
    edge.handle_connected(now);
    central.replica.handle_connected(now);
    for _ in 0..20 {
        let tx = db.transaction().unwrap();
        ledger_store::write(&tx, theatre, edge.take_changes()).unwrap();
        let up = edge.poll_transmit(now, &StoredLogs::new(&tx, theatre)).unwrap();
        for message in up {
            central.replica.handle_message(&message.bytes, now, &MemoryLogs(&central.logs)).unwrap();
        }
        central.keep();
        let down = central.replica.poll_transmit(now, &MemoryLogs(&central.logs)).unwrap();
        for message in down {
            edge.handle_message(&message.bytes, now, &StoredLogs::new(&tx, theatre)).unwrap();
        }
        ledger_store::write(&tx, theatre, edge.take_changes()).unwrap();
        tx.commit().unwrap();
    }
    assert!(edge.ledger().newest_plan(ScreenId(1)).is_some(), "the box has the plan");
    let plans = central.logs.values().filter_map(|(bytes, _)| Entry::decode(bytes).ok());
    assert!(plans.into_iter().any(|entry| matches!(entry.fact, Fact::PlanPublished { .. })));
    central.replica.handle_disconnected(now);
    central
}
