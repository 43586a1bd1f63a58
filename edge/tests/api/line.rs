//! The box and central over a real broker: claims, working offline, and a void that central asks for.

use crate::house::{Central, House, MemoryLogs, now, plan};
use node::broker::{Accounts, EmbeddedBroker};
use node::mqtt::{self, LinkConfig, LinkEvent};
use node::shutdown::Shutdown;
use rusqlite::params;
use serde_json::{Value, json};
use shared::entry::ShowFacts;
use shared::ids::{BookingId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, TicketId};
use shared::ledger::{HoldKind, TicketState};
use shared::money::Currency;
use shared::seating::SeatingPlan;
use shared::time::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_protocol::message::Channel;
use sync_protocol::replica::Held;

const SHOW: ShowNumber = ShowNumber(7);

/// A show that begins in so many minutes.
pub(crate) fn show(number: ShowNumber, in_minutes: u32) -> ShowFacts {
    let starts = now().minutes() + in_minutes;
    ShowFacts {
        number,
        screen: ScreenId(1),
        movie: MovieId(1),
        title: "The Early Show".into(),
        starts,
        ends: starts + 120,
        plan: 1,
        currency: Currency::INR,
        prices: vec![15_000, 25_000],
        edge_seats: Vec::new(),
    }
}

struct Everybody;

impl Accounts for Everybody {
    fn authenticate(&self, _client_id: &str, _username: &str, _password: &str) -> bool {
        true
    }
    fn may_publish(&self, _client_id: &str, _topic: &str) -> bool {
        true
    }
    fn may_subscribe(&self, _client_id: &str, _filter: &str) -> bool {
        true
    }
}

/// A house whose line to central is up.
pub(crate) struct Line {
    pub(crate) house: House,
    pub(crate) central: Arc<Mutex<Central>>,
    silent: Arc<Mutex<bool>>,
    shutdown: Shutdown,
    broker: EmbeddedBroker,
}

impl Line {
    pub(crate) async fn up() -> Self {
        Self::up_in(&plan()).await
    }

    /// The same with a plan of its own.
    pub(crate) async fn up_in(plan: &SeatingPlan) -> Self {
        let broker = EmbeddedBroker::start("127.0.0.1:0".parse().unwrap(), Arc::new(Everybody)).await.unwrap();
        let url = format!("mqtt://{}", broker.local_addr());
        let (house, mut central) = House::open_planned(url.clone(), plan).await;
        central.replica.add_show(show(SHOW, 30), now()).unwrap();
        central.keep();
        let (central, silent) = (Arc::new(Mutex::new(central)), Arc::new(Mutex::new(false)));
        let shutdown = Shutdown::new();
        tokio::spawn(serve(url, central.clone(), silent.clone(), shutdown.clone()));
        let line = Self { house, central, silent, shutdown, broker };
        line.until("the link is live", async |house| house.get("/v1/status", "").await.1["link"]["state"] == "live")
            .await;
        line
    }

    pub(crate) async fn until(&self, what: &str, reached: impl AsyncFn(&House) -> bool) {
        for _ in 0..400 {
            if reached(&self.house).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never: {what}");
    }

    pub(crate) async fn down(mut self) {
        self.house.stop().await;
        self.shutdown.trigger();
        self.broker.shutdown().await;
    }

    async fn map(&self) -> Value {
        self.house.get("/v1/shows/12-7/seats", "").await.1
    }

    /// A seat in this state, sold by a claim or not.
    async fn seat(&self, state: &str, by_claim: bool) -> String {
        let map = self.map().await;
        let rows = map["rows"].as_array().unwrap();
        let mut seats = rows.iter().flat_map(|row| row["seats"].as_array().unwrap());
        let found =
            seats.find(|seat| seat["state"] == state && seat["by_claim"].as_bool().unwrap_or(false) == by_claim);
        found.unwrap_or_else(|| panic!("no {state} seat: {map}"))["label"].as_str().unwrap().to_owned()
    }
}

async fn serve(url: String, central: Arc<Mutex<Central>>, silent: Arc<Mutex<bool>>, shutdown: Shutdown) {
    let config = LinkConfig {
        url: url.parse().unwrap(),
        client_id: "central".into(),
        username: "central".into(),
        password: String::new(),
        tls: mqtt::TlsFiles::default(),
        keep_alive: Duration::from_secs(2),
    };
    let up = vec!["usher/v1/12/up".to_owned(), "usher/v1/12/up/log".to_owned()];
    let (publisher, mut events) = mqtt::connect(config, up, shutdown.clone());
    while !shutdown.is_triggered() {
        let event = tokio::time::timeout(Duration::from_millis(10), events.recv()).await.unwrap_or_default();
        if *silent.lock().unwrap() {
            continue;
        }
        let mut central = central.lock().unwrap();
        let logs = central.logs.clone();
        match event {
            Some(LinkEvent::Up) => central.replica.handle_connected(now()),
            Some(LinkEvent::Down) => central.replica.handle_disconnected(now()),
            Some(LinkEvent::Message { payload, .. }) => {
                central.replica.handle_message(&payload, now(), &MemoryLogs(&logs)).unwrap();
            }
            None => {}
        }
        if central.replica.poll_timeout().is_some_and(|due| due <= now()) {
            central.replica.handle_timeout(now());
        }
        central.keep();
        let logs = central.logs.clone();
        for message in central.replica.poll_transmit(now(), &MemoryLogs(&logs)).unwrap() {
            let part = if message.channel == Channel::Log { "down/log" } else { "down" };
            publisher.publish(&format!("usher/v1/12/{part}"), message.bytes);
        }
    }
}

#[tokio::test]
async fn the_counter_sells_centrals_seats_while_the_line_is_up_and_is_refused_them_at_once_offline() {
    let line = Line::up().await;
    let counter = line.house.log_in("counter").await;
    let manager = line.house.log_in("manager").await;
    let sell = async |seat: &str| {
        let body = json!({"seats": [seat], "tender": "cash", "received": {"minor": 50_000, "currency": "INR"}});
        line.house.post("/v1/shows/12-7/sales", &counter, body).await
    };
    let seat = line.seat("free", true).await;
    let (status, sale) = sell(&seat).await;
    assert_eq!((status, &sale["lines"][0]["seat"]), (201, &json!(seat)), "{sale}");
    line.until("both sides are equal", async |house| {
        let (_, status) = house.get("/v1/status", "").await;
        let cut = line.central.lock().unwrap().replica.cut();
        status["link"]["backlog"] == 0 && status["link"]["digest"] == format!("{:032x}", cut.digest)
    })
    .await;
    line.house.post("/v1/link", &manager, json!({"work_offline": true})).await;
    let elsewhere = line.seat("unavailable", false).await;
    let started = std::time::Instant::now();
    let (status, problem) = sell(&elsewhere).await;
    assert_eq!((status, &problem["code"]), (409, &json!("seat_elsewhere")), "{problem}");
    assert!(started.elapsed() < Duration::from_millis(500), "at once");
    let own = line.seat("free", false).await;
    assert_eq!(sell(&own).await.0, 201, "the own seats go on selling");
    line.house.post("/v1/link", &manager, json!({"work_offline": false})).await;
    line.until("live again", async |house| house.get("/v1/status", "").await.1["link"]["state"] == "live").await;
    assert_eq!(sell(&elsewhere).await.0, 201);
    line.down().await;
}

#[tokio::test]
async fn a_claim_that_nobody_answers_is_refused_in_time_and_its_retry_is_not_sold_twice() {
    let line = Line::up().await;
    let counter = line.house.log_in("counter").await;
    let seat = line.seat("free", true).await;
    *line.silent.lock().unwrap() = true;
    let body = json!({"seats": [seat], "tender": "card"});
    let sell = || {
        let request = line.house.client.post(line.house.url("/v1/shows/12-7/sales")).bearer_auth(&counter);
        tokio::spawn(request.header("Idempotency-Key", "one").json(&body).send())
    };
    let first = sell();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = crate::house::read(sell().await.unwrap().unwrap()).await;
    assert_eq!((second.0, &second.1["code"]), (409, &json!("request_in_progress")), "{}", second.1);
    let (status, problem) = crate::house::read(first.await.unwrap().unwrap()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("link_down")));
    *line.silent.lock().unwrap() = false;
    line.until("live again", async |house| house.get("/v1/status", "").await.1["link"]["state"] == "live").await;
    let (status, sale) = crate::house::read(sell().await.unwrap().unwrap()).await;
    assert_eq!(status, 201, "a refusal may be asked again: {sale}");
    line.down().await;
}

#[tokio::test]
async fn a_void_that_central_asks_for_waits_for_the_doors() {
    let line = Line::up().await;
    let door = line.house.pair("Door A").await;
    let ticket = {
        let mut central = line.central.lock().unwrap();
        let seat = seat_of_central(&central);
        sell_at_central(&mut central, seat)
    };
    let known = async |house: &House, state: &str| {
        let (_, feed) = house.get("/v1/door/feed", &door).await;
        let found = feed["tickets"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["ticket"] == ticket.to_string() && one["state"] == state);
        found.then(|| feed["cursor"].as_str().unwrap().to_owned())
    };
    line.until("the doors know the ticket", async |house| known(house, "live").await.is_some()).await;
    line.central.lock().unwrap().replica.void(ticket, now()).unwrap();
    line.until("the doors block the ticket", async |house| known(house, "void_requested").await.is_some()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let state = || line.central.lock().unwrap().replica.ledger().ticket(ticket).unwrap().state();
    assert_eq!(state(), TicketState::VoidRequested, "Door A has not said that it knows");
    let cursor = known(&line.house, "void_requested").await.unwrap();
    line.house.get(&format!("/v1/door/feed?after={cursor}"), &door).await;
    line.until("central knows", async |_| state() == TicketState::Void).await;
    line.down().await;
}

#[tokio::test]
async fn a_void_that_central_asks_a_closed_box_for_is_answered_when_it_opens() {
    let mut line = Line::up().await;
    let ticket = {
        let mut central = line.central.lock().unwrap();
        let seat = seat_of_central(&central);
        sell_at_central(&mut central, seat)
    };
    line.until("the seat is sold at the box", async |house| {
        house.get("/v1/shows/12-7/seats", "").await.1["counts"]["sold"] == 1
    })
    .await;
    line.house.stop().await;
    line.central.lock().unwrap().replica.void(ticket, now()).unwrap();
    (line.house.vouched, line.house.gate_wait_ms) = (false, 60_000);
    line.house.start().await;
    line.until("the closed box has taken the void in", async |house| {
        let heads = line.central.lock().unwrap().replica.heads();
        heads.acked == heads.own.seq && house.get("/v1/status", "").await.1["closed"] == "head_unproven"
    })
    .await;
    let state = || line.central.lock().unwrap().replica.ledger().ticket(ticket).unwrap().state();
    assert_eq!(state(), TicketState::VoidRequested);
    line.house.vouch(&line.house.url("")).await;
    line.until("central knows", async |_| state() == TicketState::Void).await;
    line.down().await;
}

/// A seat that is central's own.
fn seat_of_central(central: &Central) -> SeatId {
    let show = central.replica.ledger().show(SHOW).unwrap();
    let own = |id: &SeatId| show.seat(*id).unwrap().authority() == shared::ids::Side::Central;
    show.plan.seats().map(|(id, _)| id).find(own).unwrap()
}

fn sell_at_central(central: &mut Central, seat: SeatId) -> TicketId {
    let at: Timestamp = now();
    let held = central.replica.hold(SHOW, &[seat], HoldKind::Web, at).unwrap();
    let Held::Now(hold) = held else { panic!("{held:?}") };
    let sold = central.replica.sell(hold.id, BookingId([5; 16]), RequestId([6; 8]), at).unwrap();
    central.keep();
    sold[0].at.ticket
}

#[tokio::test]
async fn a_message_kept_as_a_dead_letter_counts_when_it_is_tried_again_and_reaches_the_doors() {
    let line = Line::up().await;
    let door = line.house.pair("Door A").await;
    let supervisor = line.house.log_in("supervisor").await;
    *line.silent.lock().unwrap() = true;
    let said: Vec<_> = {
        let mut central = line.central.lock().unwrap();
        central.replica.add_show(show(ShowNumber(8), 300), now()).unwrap();
        central.keep();
        let logs = central.logs.clone();
        central.replica.poll_transmit(now(), &MemoryLogs(&logs)).unwrap()
    };
    let insert = "INSERT INTO dead_letter (theatre, at, why, bytes) VALUES (12, ?1, 'too_new', ?2)";
    let db = line.house.db();
    let log = said.iter().filter(|message| message.channel == Channel::Log);
    log.for_each(|message| assert_eq!(db.execute(insert, params![now().0, message.bytes]), Ok(1)));
    assert_eq!(line.house.get("/v1/shows/12-8/seats", "").await.0, 404);
    let (status, replayed) = line.house.post("/v1/dead-letters/1/replay", &supervisor, json!({})).await;
    assert_eq!((status, &replayed["outcome"]), (200, &json!("taken")), "{replayed}");
    assert_eq!(line.house.get("/v1/shows/12-8/seats", "").await.0, 200);
    let (_, feed) = line.house.get("/v1/door/feed", &door).await;
    assert!(feed["shows"].as_array().unwrap().iter().any(|show| show["show"] == 8), "{feed}");
    line.down().await;
}
