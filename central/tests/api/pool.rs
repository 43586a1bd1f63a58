//! Two nodes, as processes, on one PostgreSQL and one broker.

use crate::server::{TestCentral, Web};
use central::fleet::accounts::Accounts;
use node::broker::EmbeddedBroker;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BROKER_PASSWORD: &str = "of this test";
/// Longer than a place is kept for one that says nothing, and than it takes to begin to work.
const TAKES_OVER_WITHIN: Duration = Duration::from_secs(10);

struct Node {
    process: Child,
    web: Web,
    url: String,
}

impl Node {
    fn start(test: &TestCentral, broker: &EmbeddedBroker) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
        let process = Command::new(env!("CARGO_BIN_EXE_usher-central"))
            .args(["serve", "--store", &test.config.store, "--listen", &port.to_string()])
            .args(["--mqtt", &format!("mqtt://{}", broker.local_addr()), "--mqtt-password", BROKER_PASSWORD])
            .args(["--behind-proxies", "1", "--seats-per-address", "3"])
            .args(["--gateway", &test.config.gateway, "--keys"])
            .arg(&test.config.keys)
            .stdout(Stdio::null())
            .spawn()
            .expect("start a node");
        let url = format!("http://{port}");
        Self { process, web: test.web.at_address(url.clone()), url }
    }

    async fn until_ready(&self) {
        let since = Instant::now();
        while let Some(said) = self.unready().await {
            assert!(since.elapsed() < TAKES_OVER_WITHIN, "{} is not ready in time: {said}", self.url);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What `/readyz` says, unless that all is well.
    async fn unready(&self) -> Option<String> {
        match Web::try_send(self.web.client.get(self.web.at("/readyz"))).await {
            Some(answer) if answer.status == 200 => None,
            Some(answer) => Some(answer.text),
            None => Some("nothing".to_owned()),
        }
    }

    fn kill(&mut self) {
        self.process.kill().expect("kill");
        self.process.wait().expect("ends");
    }

    fn signal(&self, name: &str) {
        let told = Command::new("kill").arg(format!("-{name}")).arg(self.process.id().to_string()).status();
        assert!(told.expect("run kill").success());
    }

    /// SIGTERM.
    fn stop(&mut self) {
        self.signal("TERM");
        assert!(self.process.wait().expect("ends").success(), "{} ends in order", self.url);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A set-up whose own central has gone, a broker, and two nodes of which the first works.
async fn pool() -> (TestCentral, EmbeddedBroker, Node, Node) {
    let mut test = TestCentral::start().await;
    test.stop().await;
    let accounts = Arc::new(Accounts::new(BROKER_PASSWORD));
    let broker = EmbeddedBroker::start(([127, 0, 0, 1], 0).into(), accounts).await.expect("a broker");
    let one = Node::start(&test, &broker);
    one.until_ready().await;
    let other = Node::start(&test, &broker);
    other.until_ready().await;
    (test, broker, one, other)
}

/// Asks under one key until there is an answer that counts, at one node or the other.
async fn insist(nodes: &[Web; 2], first: usize, path: &str, key: &str, body: &Value) -> Value {
    let since = Instant::now();
    for turn in first.. {
        let web = &nodes[turn % 2];
        match Web::try_send(web.client.post(web.at(path)).header("Idempotency-Key", key).json(body)).await {
            Some(answer) if answer.status.as_u16() < 500 => return answer.expect(201),
            Some(answer) => assert!(answer.headers.contains_key("retry-after"), "{}", answer.text),
            None => {}
        }
        assert!(since.elapsed() < TAKES_OVER_WITHIN * 2, "{path} is not answered");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!()
}

async fn buy(nodes: [Web; 2], first: usize, show: String, seat: String) -> (String, String) {
    let key = node::random::hex::<8>();
    let path = format!("/v1/shows/{show}/holds");
    let hold = insist(&nodes, first, &path, &key, &json!({ "seats": [seat] })).await;
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    let booking = insist(&nodes, first + 1, "/v1/bookings", &key, &request).await;
    assert_eq!(booking["state"], "booked");
    let ticket = booking["tickets"][0]["ticket"].as_str().expect("a ticket");
    (booking["booking"].as_str().expect("an id").to_owned(), ticket.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_answers_every_request_and_one_that_ends_gives_its_place_up_at_once() {
    let (_test, _broker, mut one, other) = pool().await;
    let show = other.web.show("Pune", "Don").await;
    let hold = other.web.post(&format!("/v1/shows/{show}/holds"), "k1", json!({ "seats": ["A1"] })).await;
    let hold = hold.expect(201);
    // The refusals of one node are those of the other.
    let again = one.web.post(&format!("/v1/shows/{show}/holds"), "k2", json!({ "seats": ["A1"] })).await;
    assert_eq!(again.problem(409), "seat_held");
    assert_eq!(other.web.get("/v1/nowhere").await.problem(404), "unknown_route");
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    let booking = one.web.post("/v1/bookings", "k1", request.clone()).await.expect(201);
    let replayed = other.web.post("/v1/bookings", "k1", request).await.expect(201);
    assert_eq!(replayed, booking);
    let page = other.web.get(&format!("/shows/{show}")).await;
    assert!(page.status == 200 && page.headers["content-type"].to_str().is_ok_and(|kind| kind.contains("html")));
    let mut events = other.web.stream(&format!("/v1/shows/{show}/events")).await;
    let first = events.chunk().await.expect("a stream").expect("an event");
    assert!(String::from_utf8_lossy(&first).contains("event: seats"), "{first:?}");
    // Each node tells its own numbers.
    let told = async |web: &Web| web.get("/metrics").await.text;
    assert!(told(&other.web).await.contains("usher_central_passed_on_total{status=\"201\"}"));
    assert!(told(&one.web).await.contains("usher_central_writer_commits_total"));
    assert!(!told(&other.web).await.contains("writer_commits_total"));
    // Who has passed a request on is not asked to pass on again, whoever says so.
    let hop = ("x-usher-passed-on", "1");
    assert_eq!(other.web.get_with("/v1/cities", hop).await.problem(503), "no_node_works");
    assert_eq!(one.web.get_with("/v1/cities", hop).await.status, 200);
    one.stop();
    let since = Instant::now();
    loop {
        let answer = other.web.get(&format!("/v1/shows/{show}/seats")).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.problem(503), "no_node_works");
        assert!(since.elapsed() < Duration::from_secs(3), "the place was not given up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("an id"));
    assert_eq!(other.web.get(&path).await.expect(200)["state"], "booked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_seats_ends_where_another_node_has_taken_the_place() {
    let (_test, _broker, one, other) = pool().await;
    let show = one.web.show("Pune", "Don").await;
    let mut events = one.web.stream(&format!("/v1/shows/{show}/events")).await;
    let first = events.chunk().await.expect("a stream").expect("an event");
    assert!(String::from_utf8_lossy(&first).contains("event: seats"), "{first:?}");
    one.signal("STOP");
    let since = Instant::now();
    // Until it works itself, the other one waits for the answer of a node that stands still.
    while !other.web.get("/metrics").await.text.contains("writer_commits_total") {
        assert!(since.elapsed() < TAKES_OVER_WITHIN * 2, "nobody takes the place");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    one.signal("CONT");
    let ended = async { while let Ok(Some(_)) = events.chunk().await {} };
    tokio::time::timeout(TAKES_OVER_WITHIN, ended).await.expect("the stream goes on where nobody tells it anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_under_load_loses_nothing_that_was_acknowledged() {
    let (test, broker, mut one, other) = pool().await;
    let show = other.web.show("Pune", "Don").await;
    let nodes = [one.web.clone(), other.web.clone()];
    let mut buying = tokio::task::JoinSet::new();
    for n in 0..20u32 {
        let (nodes, show) = (nodes.clone(), show.clone());
        let seat = format!("{}{}", if n < 10 { "A" } else { "C" }, n % 10 + 1);
        buying.spawn(async move {
            // Some before the node is killed, some while, some when nobody works.
            tokio::time::sleep(Duration::from_millis(u64::from(n) * 10)).await;
            buy(nodes, n as usize, show, seat).await
        });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    one.kill();
    assert!(other.unready().await.is_some(), "a node is no readier than the one that it passes requests on to");
    let bought: Vec<(String, String)> = buying.join_all().await;
    let tickets: BTreeSet<&String> = bought.iter().map(|(_, ticket)| ticket).collect();
    assert_eq!(tickets.len(), 20, "{bought:?}");
    // The first one comes back, now as the second.
    let back = Node::start(&test, &broker);
    back.until_ready().await;
    for (booking, ticket) in &bought {
        let kept = back.web.get(&format!("/v1/bookings/{booking}")).await.expect(200);
        assert_eq!((&kept["state"], kept["tickets"][0]["ticket"].as_str()), (&json!("booked"), Some(ticket.as_str())));
    }
}

#[tokio::test]
async fn a_node_that_passes_on_is_believed_about_the_customer_and_nobody_else_is() {
    let (test, _broker, one, other) = pool().await;
    let show = test.web.at_address(one.url.clone()).show("Pune", "Don").await;
    let hold = async |node: &Node, seat: &str, forwarded: &str, passed_on: &str| {
        let mut headers =
            vec![("idempotency-key", node::random::hex::<8>()), ("x-forwarded-for", forwarded.to_owned())];
        headers.extend((!passed_on.is_empty()).then(|| ("x-usher-passed-on", passed_on.to_owned())));
        node.web.raw(&format!("/v1/shows/{show}/holds"), &headers, json!({ "seats": [seat] }).to_string()).await
    };
    hold(&one, "A1", "203.0.113.5", "").await.expect(201);
    hold(&other, "A2", "203.0.113.5", "").await.expect(201);
    hold(&one, "A3", "198.51.100.9, 203.0.113.5", "").await.expect(201);
    for node in [&one, &other] {
        assert_eq!(hold(node, "A4", "203.0.113.5", "").await.problem(429), "too_many_seats_held", "{}", node.url);
    }
    // With one more proxy than there is this would be the address of somebody else.
    assert_eq!(hold(&one, "A4", "198.51.100.9, 203.0.113.5", "1").await.problem(429), "too_many_seats_held");
    hold(&other, "A4", "198.51.100.9", "").await.expect(201);
}
