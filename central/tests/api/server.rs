//! A central of its own for each test, on its own ports and files.

use crate::gateway::{Gateway, SECRET};
use crate::store::{TestStore, apart};
use central::catalogue::import::Table;
use central::fleet::enrolment::{JoinFile, JoinRequest};
use central::fleet::keys::KeyStore;
use central::{Central, Config, Setup};
use node::zone::Zone;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::keys::SecretKey;
use shared::time::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const THEATRES: &str = "city,name,type,chain,screens,seats,lat,lon\r\n\
    Pune,\"Vijay, Camp\",Multiplex,Vijay Chain,2,80,18.5,73.8\r\nKochi,Padma,Single Screen,,1,40,9.9,76.2\r\n";
pub(crate) const MOVIES: &str = "title,year,runtime_min,genres,cast\r\nSholay,1975,198,Action,A|B\r\nDon,1978,166,Action,C\r\nMasoom,1983,143,Drama,D\r\n";

pub(crate) struct TestCentral {
    pub(crate) central: Option<Central>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) config: Config,
    pub(crate) directory: TempDir,
    pub(crate) store: TestStore,
    pub(crate) edge_key: SecretKey,
    pub(crate) web: Web,
}

/// A browser or a program, somewhere on the web.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) client: reqwest::Client,
    url: String,
}

impl std::ops::Deref for TestCentral {
    type Target = Web;

    fn deref(&self) -> &Web {
        &self.web
    }
}

pub(crate) const OPERATOR_TOKEN: &str = "operators of this test";

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// The body, once the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// The problem's code, once it is a problem of this status.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        self.expect(status)["code"].as_str().expect("a code").to_owned()
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp(0) + SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// Two shows in Pune from the next full hour but one, one in Kochi.
pub(crate) fn show_table() -> String {
    let zone = Zone::named("Asia/Kolkata").expect("zone");
    let hour = Duration::from_secs(3600);
    let first = Timestamp(now().0 / 3_600_000 * 3_600_000) + hour * 2;
    let at = |hours: u32| zone.rfc3339(first + hour * hours);
    let mut table = "theatre,city,screen,movie,starts_at,ends_at,prices\n".to_owned();
    for (theatre, screen, movie, from, prices) in [
        ("\"Vijay, Camp\",Pune", 1, "Sholay", 0, "Silver=150.00|Gold=220.00"),
        ("\"Vijay, Camp\",Pune", 2, "Don", 1, "Silver=0|Gold=0"),
        ("Padma,Kochi", 1, "Sholay", 0, "Silver=100|Gold=120"),
    ] {
        table += &format!("{theatre},{screen},{movie},{},{},{prices}\n", at(from), at(from + 3));
    }
    table
}

/// Four rows of ten, A and B Silver, C and D Gold; row D begins at the counter, and B too.
pub(crate) fn plan_lines() -> String {
    let row = |(i, label): (u32, &str)| {
        let run =
            json!({ "first": i * 10 + 1, "number": 1, "count": 10, "category": i / 2, "gap": 0, "accessible": false });
        json!({ "label": label, "runs": [run] })
    };
    let rows: Vec<Value> = (0..).zip(["A", "B", "C", "D"]).map(row).collect();
    let plan = json!({ "version": 1, "categories": ["Silver", "Gold"], "rows": rows });
    [("Vijay, Camp", "Pune", 1), ("Vijay, Camp", "Pune", 2), ("Padma", "Kochi", 1)]
        .map(|(theatre, city, screen)| {
            json!({ "theatre": theatre, "city": city, "screen": screen, "plan": plan }).to_string()
        })
        .join("\n")
}

impl TestCentral {
    /// A central with two theatres, three movies and three shows; Pune's theatre has a box that is away.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        node::telemetry::install_crypto();
        let directory = tempfile::tempdir().expect("directory");
        let (gateway, gateway_url) = Gateway::start().await;
        let store = TestStore::new(directory.path());
        let mut config = Config {
            store: store.url.clone(),
            mqtt: "embedded:127.0.0.1:0".into(),
            keys: directory.path().join("keys"),
            gateway: format!("simulator:{gateway_url}"),
            operator_token: OPERATOR_TOKEN.into(),
            gateway_secret: vec!["an old one".into(), SECRET.into()],
            payment_poll_ms: 200,
            heartbeat_ms: 100,
            suspect_after_ms: 1_000,
            lock_down_after_ms: 500,
            ..Config::default()
        };
        change(&mut config);
        let edge_key = SecretKey::from_seed(&[7; 32]);
        // Whoever sets up waits for the store, which nobody may who serves.
        apart(|| set_up(&config, &edge_key, directory.path()));
        let client = reqwest::Client::builder().no_proxy().build().expect("client");
        let web = Web { client, url: String::new() };
        let mut test = Self { central: None, gateway, config, directory, store, edge_key, web };
        test.start_again().await;
        test
    }

    /// Sets something up while central is stopped.
    pub(crate) fn set_up<T: Send>(&self, work: impl FnOnce(&mut Setup) -> T + Send) -> T {
        let store = self.config.store.as_str();
        apart(|| work(&mut Setup::open(store).expect("store")))
    }

    pub(crate) async fn start_again(&mut self) {
        self.start_at(([127, 0, 0, 1], 0).into()).await;
    }

    pub(crate) async fn start_at(&mut self, address: std::net::SocketAddr) {
        let listener = TcpListener::bind(address).await.expect("listen");
        let central = Central::start(self.config.clone(), listener).await.expect("start");
        self.web.url = format!("http://{}", central.local_addr());
        self.central = Some(central);
    }

    pub(crate) async fn stop(&mut self) {
        self.central.take().expect("running").stop().await.expect("stops cleanly");
    }

    /// Closes Pune's theatre for sale, or opens it, while central is stopped.
    pub(crate) fn set_closed(&self, reason: Option<&str>) {
        let reason = reason.map_or("NULL".to_owned(), |reason| format!("'{reason}'"));
        self.alter(&format!("UPDATE ledger_head SET closed = {reason} WHERE theatre = 1"));
    }

    /// Does something to the store behind central's back.
    pub(crate) fn alter(&self, sql: &str) {
        self.store.alter(sql);
    }

    pub(crate) fn join_file(&self) -> Value {
        let text = std::fs::read_to_string(self.directory.path().join("join.json")).expect("join file");
        serde_json::from_str(&text).expect("json")
    }
}

impl Web {
    pub(crate) fn at_address(&self, url: String) -> Self {
        Self { client: self.client.clone(), url }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.at(path))).await
    }

    pub(crate) async fn as_operator(&self, path: &str) -> Answer {
        self.get_with(path, ("authorization", &format!("Bearer {OPERATOR_TOKEN}"))).await
    }

    pub(crate) async fn get_with(&self, path: &str, header: (&str, &str)) -> Answer {
        self.send(self.client.get(self.at(path)).header(header.0, header.1)).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        self.send(self.client.post(self.at(path)).header("Idempotency-Key", key).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.client.request(Method::DELETE, self.at(path))).await
    }

    pub(crate) async fn raw(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.client.post(self.at(path)).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.send(request).await
    }

    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        self.client.get(self.at(path)).send().await.expect("answer")
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Self::try_send(request).await.expect("an answer")
    }

    /// The answer, if somebody gives one.
    pub(crate) async fn try_send(request: reqwest::RequestBuilder) -> Option<Answer> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(Answer { status, headers, body, text })
    }

    /// The show of a movie in a city.
    pub(crate) async fn show(&self, city: &str, movie: &str) -> String {
        let shows = self.get(&format!("/v1/shows?city={city}")).await.expect(200);
        let shows = shows["shows"].as_array().expect("shows").clone();
        let show = shows.into_iter().find(|show| show["movie"]["title"] == movie).expect("the show");
        show["id"].as_str().expect("id").to_owned()
    }

    /// Holds seats and books them; returns the booking.
    pub(crate) async fn book(&self, show: &str, seats: &[&str]) -> Value {
        let key = node::random::hex::<8>();
        let hold = self.post(&format!("/v1/shows/{show}/holds"), &key, json!({ "seats": seats })).await.expect(201);
        let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
        self.post("/v1/bookings", &key, request).await.expect(201)
    }

    /// Asks for a booking's payment.
    pub(crate) async fn pay(&self, booking: &Value) -> Value {
        let path = format!("/v1/bookings/{}/payments", booking["booking"].as_str().expect("id"));
        self.post(&path, &node::random::hex::<8>(), json!({})).await.expect(201)
    }

    /// Waits until the booking is in this state.
    #[track_caller]
    pub(crate) fn until<'a>(&'a self, booking: &'a Value, state: &'a str) -> impl Future<Output = Value> + 'a {
        let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
        async move {
            let mut seen = Value::Null;
            for _ in 0..100 {
                seen = self.get(&path).await.expect(200);
                if seen["state"] == state {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("the booking is never {state}: {seen}");
        }
    }
}

fn set_up(config: &Config, edge_key: &SecretKey, directory: &Path) {
    let keys = KeyStore::at(&config.keys);
    keys.init().expect("root key");
    let mut setup = Setup::open(&config.store).expect("store");
    assert_eq!(setup.import(Table::Theatres, THEATRES.as_bytes()).expect("theatres").added, 2);
    assert_eq!(setup.import(Table::Movies, MOVIES.as_bytes()).expect("movies").added, 3);
    assert_eq!(
        setup.import(Table::Plans, plan_lines().as_bytes()).expect("plans").to_string(),
        "3 added, 0 updated, 0 unchanged, 0 refused"
    );
    assert_eq!(
        setup.import(Table::Shows, show_table().as_bytes()).expect("shows").to_string(),
        "3 added, 0 updated, 0 unchanged, 0 refused"
    );
    let theatre = setup.theatre("Pune/Vijay, Camp").expect("theatre");
    let request = JoinRequest { format: 1, public_key: edge_key.public().to_hex() };
    let file: JoinFile =
        setup.enrol(&theatre, &request, central::fleet::enrolment::Issuing::Kept, &keys).expect("enrolled");
    std::fs::write(directory.join("join.json"), serde_json::to_vec(&file).expect("json")).expect("join file");
}
