//! An edge as far as a scanner sees one: pairing, feed, scans. It can be silent, and it remembers what it was asked.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::ids::{ScreenId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{Certificate, Purpose, SecretKey};
use shared::ticket::{RowLabel, TicketBody, TicketCode};
use shared::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

pub(crate) const THEATRE: TheatreId = TheatreId(12);
pub(crate) const SHOW: u32 = 345;

#[derive(Default)]
pub(crate) struct Edge {
    pub(crate) silent: bool,
    /// It takes scans and says so later than anybody waits.
    pub(crate) answers_late: bool,
    pub(crate) refuses_scan: Option<String>,
    pub(crate) boot: u32,
    /// What its answers promise, where it says so.
    pub(crate) promises: Option<&'static str>,
    /// Complete feed states; a cursor is how many of them were read.
    pub(crate) pages: Vec<Value>,
    pub(crate) resets: bool,
    /// How many of them were told.
    pub(crate) told_pages: usize,
    pub(crate) scans: BTreeMap<String, Value>,
    pub(crate) admitted: HashMap<TicketId, (String, Value)>,
    /// What was asked, in order.
    pub(crate) asked: Vec<String>,
    /// It does not count departures.
    pub(crate) counts_no_departure: bool,
    /// It counts guests out and lets none back.
    pub(crate) lets_nobody_back: bool,
    /// Departures it was told of.
    pub(crate) departures: BTreeMap<String, Value>,
    /// What the witness route answers; not there without one.
    pub(crate) witness: Option<Value>,
    /// What it was called with.
    pub(crate) kept: Vec<Value>,
    /// Somebody has declared the device off there.
    pub(crate) off: bool,
    /// The tickets that a supervisor was asked to let in by a short code.
    pub(crate) overridden: Vec<Value>,
    /// The numbers under which it was asked.
    pub(crate) override_ids: Vec<Value>,
    paired: bool,
}

#[derive(Clone)]
pub(crate) struct FakeEdge {
    pub(crate) url: String,
    state: Arc<Mutex<Edge>>,
}

impl FakeEdge {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let edge = Self { url, state: Arc::default() };
        let router = Router::new()
            .route("/v1/devices/pair", post(pair))
            .route("/v1/door/feed", get(feed))
            .route("/v1/door/scans", post(scans))
            .route("/v1/door/departures", post(departures))
            .route("/v1/door/overrides", post(overrides))
            .route("/v1/door/witness", post(witness))
            .with_state(edge.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        edge
    }

    pub(crate) fn now(&self) -> MutexGuard<'_, Edge> {
        self.state.lock().expect("state")
    }

    pub(crate) fn pair_url(&self) -> String {
        format!("{}/v1/devices/pair?token=once", self.url)
    }

    async fn silence(&self) {
        let silent = self.now().silent;
        if silent {
            std::future::pending::<()>().await;
        }
    }
}

pub(crate) fn wall() -> Timestamp {
    Timestamp(0) + SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

pub(crate) fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

pub(crate) fn rfc3339(moment: Timestamp) -> String {
    node::zone::Zone::utc().rfc3339(moment)
}

pub(crate) fn root() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

pub(crate) fn key(side: Side) -> SecretKey {
    SecretKey::from_seed(&[if side == Side::Central { 2 } else { 3 }; 32])
}

fn certificate(side: Side) -> String {
    certificate_of(&key(side), side)
}

pub(crate) fn certificate_of(key: &SecretKey, side: Side) -> String {
    let (valid_from, valid_until) = (wall() - minutes(1000), wall() + minutes(100_000));
    let public_key = key.public();
    Certificate { public_key, theatre: THEATRE, side, valid_from, valid_until, purpose: Purpose::TicketsAndLink }
        .sign(&root())
}

pub(crate) fn body(ticket: u8, seat: u16) -> TicketBody {
    TicketBody {
        ticket: TicketId([ticket; 8]),
        theatre: THEATRE,
        show: ShowNumber(SHOW),
        screen: ScreenId(2),
        row: RowLabel::new("C").expect("row"),
        number: seat,
        generation: 0,
        valid_from: wall(),
        valid_until: wall() + minutes(150),
    }
}

pub(crate) fn code(ticket: u8, seat: u16) -> String {
    body(ticket, seat).sign(&key(Side::Central)).to_string()
}

pub(crate) fn show() -> Value {
    let (starts_at, ends_at) = (rfc3339(wall() + minutes(10)), rfc3339(wall() + minutes(160)));
    json!({"show": SHOW, "screen": 2, "title": "Monsoon", "starts_at": starts_at, "ends_at": ends_at, "cancelled": false})
}

pub(crate) fn ticket(ticket: u8, seat: u16, state: &str) -> Value {
    let id = TicketId([ticket; 8]).to_string();
    json!({"ticket": id, "show": SHOW, "seat": format!("C{seat}"), "generation": 0, "state": state, "admitted": null})
}

pub(crate) fn page(shows: &[Value], tickets: &[Value]) -> Value {
    json!({"shows": shows, "tickets": tickets, "certificates": [certificate(Side::Edge)], "revoked_keys": []})
}

async fn pair(State(edge): State<FakeEdge>) -> Result<Json<Value>, StatusCode> {
    let mut edge = edge.now();
    if std::mem::replace(&mut edge.paired, true) {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(Json(json!({
        "device": "d1", "name": "Door A", "token": "secret", "theatre": {"id": THEATRE.0, "name": "Regal"},
        "root_key": root().public().to_hex(), "certificates": [certificate(Side::Central)],
    })))
}

fn authorized(headers: &HeaderMap) -> Result<(), StatusCode> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    if token == Some("Bearer secret") { Ok(()) } else { Err(StatusCode::UNAUTHORIZED) }
}

type Refused = (StatusCode, Json<Value>);

fn refused(status: StatusCode, code: &str) -> Refused {
    (status, Json(json!({"code": code})))
}

impl FakeEdge {
    fn counts(&self) -> Result<(), Refused> {
        if self.now().off { Err(refused(StatusCode::UNAUTHORIZED, "device_off")) } else { Ok(()) }
    }
}

async fn feed(
    State(edge): State<FakeEdge>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    authorized(&headers).map_err(|status| refused(status, "device_token_required"))?;
    edge.silence().await;
    edge.counts()?;
    let after = query.get("after").cloned();
    let wait_s: u64 = query.get("wait_s").and_then(|wait| wait.parse().ok()).unwrap_or(0);
    let until = tokio::time::Instant::now() + Duration::from_secs(wait_s);
    edge.now().asked.push(format!("feed after {}", after.as_deref().unwrap_or("nothing")));
    loop {
        let answer = {
            let mut edge = edge.now();
            let known = after.as_ref().and_then(|cursor| cursor.parse::<usize>().ok()).filter(|_| !edge.resets);
            let at = known.unwrap_or(0);
            let boot = format!("{:016x}", edge.boot);
            (at < edge.pages.len() || known.is_none() || tokio::time::Instant::now() >= until).then(|| {
                let mut page = edge.pages.get(at).cloned().unwrap_or_else(|| page(&[], &[]));
                let next = (at + 1).min(edge.pages.len());
                let members = page.as_object_mut().expect("object");
                members.insert("cursor".into(), json!(next.to_string()));
                members.insert("reset".into(), json!(known.is_none()));
                members.insert("more".into(), json!(next < edge.pages.len()));
                members.insert("boot".into(), json!(boot));
                members.insert("now".into(), json!(rfc3339(wall())));
                if let Some(level) = edge.promises {
                    members.insert("guarantee".into(), json!(level));
                }
                edge.resets = false;
                edge.told_pages = next;
                page
            })
        };
        if let Some(page) = answer {
            return Ok(Json(page));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        edge.silence().await;
        edge.counts()?;
    }
}

async fn witness(
    State(edge): State<FakeEdge>,
    headers: HeaderMap,
    Json(call): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    authorized(&headers)?;
    edge.silence().await;
    let answer = {
        let mut edge = edge.now();
        edge.kept.push(call);
        edge.witness.clone().ok_or(StatusCode::NOT_FOUND)?
    };
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(Json(answer))
}

async fn departures(
    State(edge): State<FakeEdge>,
    headers: HeaderMap,
    Json(departures): Json<Vec<Value>>,
) -> Result<Json<Value>, StatusCode> {
    authorized(&headers)?;
    edge.silence().await;
    let mut edge = edge.now();
    let mut answers = Vec::new();
    for departure in departures {
        let ticket = departure["ticket"].as_str().and_then(|ticket| ticket.parse().ok()).expect("a ticket");
        let ends = !edge.counts_no_departure && edge.admitted.contains_key(&ticket);
        let counts = ends && !edge.lets_nobody_back;
        answers.push(json!({"id": departure["id"], "counts": counts, "gone": ends && !counts}));
        if !ends {
            continue;
        }
        if counts {
            edge.admitted.remove(&ticket);
        }
        edge.asked.push("departure".into());
        edge.departures.insert(departure["id"].as_str().expect("id").to_owned(), departure);
    }
    Ok(Json(json!(answers)))
}

/// The supervisor's PIN is 4711.
async fn overrides(
    State(edge): State<FakeEdge>,
    headers: HeaderMap,
    Json(call): Json<Value>,
) -> Result<Json<Value>, Refused> {
    authorized(&headers).map_err(|status| refused(status, "device_token_required"))?;
    edge.silence().await;
    if call["supervisor"]["pin"] != "4711" {
        return Err(refused(StatusCode::UNAUTHORIZED, "wrong_pin"));
    }
    edge.counts()?;
    let (supervisor, person, refused) = (&call["supervisor"]["staff"], &call["person"], &call["refused"]);
    let against = if refused.is_null() { String::new() } else { format!(" against {refused}") };
    edge.now().override_ids.push(call["id"].clone());
    edge.now().asked.push(format!("override by {supervisor} and {person}{against}"));
    if let Some(member) = call.get("member") {
        edge.now().overridden.push(json!([call["code"], member["ticket"], member["seat"], member["show"]]));
    }
    Ok(Json(json!({"verdict": "admit", "code": "overridden", "guarantee": "SHARED", "text": ""})))
}

async fn scans(
    State(edge): State<FakeEdge>,
    headers: HeaderMap,
    Json(scans): Json<Vec<Value>>,
) -> Result<Json<Value>, Refused> {
    authorized(&headers).map_err(|status| refused(status, "device_token_required"))?;
    edge.silence().await;
    if scans.iter().any(|scan| scan["local"].is_null()) {
        edge.counts()?;
    }
    if scans.iter().any(|scan| edge.now().refuses(scan)) {
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "bad_scan"));
    }
    let answers = judge(&mut edge.now(), scans);
    let late = edge.now().answers_late;
    if late {
        std::future::pending::<()>().await;
    }
    Ok(Json(json!(answers)))
}

impl Edge {
    fn refuses(&self, scan: &Value) -> bool {
        let refused = self.refuses_scan.as_deref();
        refused == Some("all") || refused.is_some() && refused == scan["id"].as_str()
    }
}

fn judge(edge: &mut Edge, scans: Vec<Value>) -> Vec<Value> {
    let mut answers = Vec::new();
    for scan in scans {
        let (id, code) = (scan["id"].as_str().expect("id").to_owned(), scan["code"].as_str().expect("code").to_owned());
        edge.asked.push(format!("scan {id}"));
        // A short code tells nothing of the ticket.
        let mut ticket = TicketCode::parse(&code).map_or_else(|_| body(0, 1), |code| code.body().clone());
        if let Some(member) = scan.get("member") {
            ticket.ticket = member["ticket"].as_str().expect("ticket").parse().expect("a number");
            ticket.number = member["seat"].as_str().expect("seat")[1..].parse().expect("a seat");
        }
        let first = edge.admitted.entry(ticket.ticket).or_insert((id.clone(), scan.clone())).clone();
        let (verdict, code) = if first.0 == id { ("admit", "ok") } else { ("already", "already_admitted") };
        let mut answer = json!({
            "id": id, "verdict": verdict, "code": code, "guarantee": edge.promises.unwrap_or("SHARED"), "data_age_s": 0, "text": "", "seat": ticket.seat(),
            "ticket": ticket.ticket.to_string(),
        });
        if verdict == "already" {
            answer["first"] = json!({"at": first.1["at"], "door": first.1["door"]});
        }
        edge.scans.insert(id, scan);
        answers.push(answer);
    }
    answers
}
