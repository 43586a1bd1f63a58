//! The payment simulator over HTTP, as central and a customer's browser use it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use demo::simulator::{self, SimulatorConfig};
use node::shutdown::Shutdown;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SOON: Duration = Duration::from_secs(5);

/// A merchant's webhook receiver that refuses the first `refuse` deliveries.
#[derive(Clone, Default)]
struct Merchant {
    refuse: Arc<Mutex<u32>>,
    heard: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Merchant {
    fn take(&self, headers: HeaderMap, body: &[u8]) -> StatusCode {
        let mut refuse = self.refuse.lock().expect("lock");
        if *refuse > 0 {
            *refuse -= 1;
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        let text = String::from_utf8(body.to_vec()).expect("text");
        self.heard.lock().expect("lock").push((headers, text));
        StatusCode::NO_CONTENT
    }

    fn kinds(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("lock");
        let kind = |(_, body): &(HeaderMap, String)| {
            let body: Value = serde_json::from_str(body).expect("json");
            body["type"].as_str().expect("type").to_owned()
        };
        heard.iter().map(kind).collect()
    }

    async fn hears(&self, kinds: &[&str]) {
        let began = Instant::now();
        while self.kinds() != kinds {
            assert!(began.elapsed() < SOON, "heard {:?}, not {kinds:?}", self.kinds());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn take_webhook(State(merchant): State<Merchant>, headers: HeaderMap, body: Bytes) -> StatusCode {
    std::future::ready(merchant.take(headers, &body)).await
}

struct World {
    url: String,
    hook: String,
    merchant: Merchant,
    client: Client,
    shutdown: Shutdown,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

async fn world() -> World {
    node::telemetry::install_crypto();
    let (merchant, shutdown) = (Merchant::default(), Shutdown::new());
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (shop, listener) = (bind().await.expect("bind"), bind().await.expect("bind"));
    let hook = format!("http://{}/hook", shop.local_addr().expect("address"));
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let router = Router::new().route("/hook", post(take_webhook)).with_state(merchant.clone());
    tokio::spawn(async move { axum::serve(shop, router).await });
    let config = SimulatorConfig { secret: SECRET.into(), ..SimulatorConfig::default() };
    tokio::spawn(simulator::run(config, listener, shutdown.clone()));
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("client");
    World { url, hook, merchant, client, shutdown }
}

impl World {
    fn order(&self, minor: i64) -> Value {
        json!({
            "reference": "b1", "amount": { "minor": minor, "currency": "INR" },
            "return_url": "http://shop.example/bookings/b1", "webhook_url": self.hook,
            "expires_at": "2099-01-01T00:00:00Z",
        })
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    async fn send(request: RequestBuilder) -> (u16, Value) {
        let response = request.send().await.expect("answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        Self::send(self.client.get(format!("{}{path}", self.url))).await.1
    }

    async fn create(&self, key: &str, minor: i64) -> (u16, Value) {
        Self::send(self.post("/v1/payments").header("Idempotency-Key", key).json(&self.order(minor))).await
    }

    /// Creates a payment and presses a button of its page.
    async fn decide(&self, key: &str, button: &str) -> String {
        let (status, payment) = self.create(key, 30_000).await;
        assert_eq!(status, 201);
        let id = payment["payment"].as_str().expect("id").to_owned();
        let response = self.post(&format!("/pay/{id}/{button}")).send().await.expect("answer");
        assert_eq!(response.status().as_u16(), 303);
        assert_eq!(response.headers()["location"], "http://shop.example/bookings/b1");
        id
    }

    async fn refund(&self, payment: &str, key: &str, minor: i64) -> (u16, Value) {
        let request = self.post(&format!("/v1/payments/{payment}/refunds")).header("Idempotency-Key", key);
        Self::send(request.json(&json!({ "amount": { "minor": minor, "currency": "INR" } }))).await
    }

    async fn faults(&self, faults: Value) {
        assert_eq!(Self::send(self.post("/v1/faults").json(&faults)).await.0, 200);
    }
}

#[tokio::test]
async fn a_customer_pays_and_the_merchant_hears_it_signed() {
    let world = world().await;
    let id = world.decide("k1", "approve").await;
    world.merchant.hears(&["payment.captured"]).await;
    let (headers, body) = world.merchant.heard.lock().expect("lock")[0].clone();
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let data: Value = serde_json::from_str::<Value>(&body).expect("json")["data"].clone();
    assert_eq!((data["payment"].as_str(), data["reference"].as_str()), (Some(id.as_str()), Some("b1")));
    assert_eq!(data["amount"], json!({ "minor": 30_000, "currency": "INR" }));
    assert!(header("webhook-id").starts_with("msg_"));
    assert_eq!(header("webhook-signature"), signature(&header("webhook-id"), &header("webhook-timestamp"), &body));
    assert_eq!(world.get(&format!("/v1/payments/{id}")).await["state"], "captured");
    assert_eq!(world.get("/v1/payments?reference=b1").await["payments"][0]["payment"], id);
}

/// The signature by Standard Webhooks 1.0, written out independently of the simulator.
fn signature(id: &str, timestamp: &str, body: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let key = data_encoding::BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).expect("key");
    [id, ".", timestamp, ".", body].iter().for_each(|part| mac.update(part.as_bytes()));
    format!("v1,{}", data_encoding::BASE64.encode(&mac.finalize().into_bytes()))
}

#[tokio::test]
async fn the_page_shows_amount_and_buttons_until_the_payment_is_decided() {
    let world = world().await;
    let (_, payment) = world.create("k1", 12_345_600).await;
    let pay_url = payment["pay_url"].as_str().expect("address").to_owned();
    let page = |url: String| async { world.client.get(url).send().await.expect("answer").text().await.expect("text") };
    let open = page(pay_url.clone()).await;
    assert!(open.contains("₹1,23,456") && open.contains("/approve") && open.contains("Decline"), "{open}");
    let id = payment["payment"].as_str().expect("id");
    let declined = world.post(&format!("/pay/{id}/decline")).send().await.expect("answer");
    assert_eq!(declined.status().as_u16(), 303);
    let late = world.post(&format!("/pay/{id}/approve")).send().await.expect("answer");
    assert_eq!(late.status().as_u16(), 409);
    let over = page(pay_url).await;
    assert!(over.contains("declined") && !over.contains("/approve"), "{over}");
    world.merchant.hears(&["payment.declined"]).await;
    let nowhere = world.client.get(format!("{}/pay/pay_x", world.url)).send().await.expect("answer");
    assert_eq!(nowhere.status().as_u16(), 404);
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_another_body_is_refused() {
    let world = world().await;
    let first = world.create("k1", 30_000).await;
    assert_eq!(world.create("k1", 30_000).await, first);
    let (status, problem) = world.create("k1", 40_000).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("idempotency_key_reused")));
    let (status, problem) = World::send(world.post("/v1/payments").json(&world.order(1))).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("idempotency_key_required")));
    assert_eq!(world.create("k2", 0).await.0, 422);
    assert_eq!(world.get("/v1/ledger").await["payments"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_expired_payment_cannot_be_paid_and_a_paid_one_does_not_expire() {
    let world = world().await;
    let (_, payment) = world.create("k1", 30_000).await;
    let id = payment["payment"].as_str().expect("id").to_owned();
    let expire = |id: String| World::send(world.post(&format!("/v1/payments/{id}/expire")));
    assert_eq!(expire(id.clone()).await.1["state"], "expired");
    assert_eq!(expire(id.clone()).await, expire(id.clone()).await);
    assert_eq!(world.post(&format!("/pay/{id}/approve")).send().await.expect("answer").status().as_u16(), 409);
    let paid = world.decide("k2", "approve").await;
    let (status, answer) = expire(paid).await;
    assert_eq!((status, answer["state"].as_str()), (200, Some("captured")));
    world.merchant.hears(&["payment.expired", "payment.captured"]).await;
}

#[tokio::test]
async fn a_refund_is_pending_first_and_reported_when_it_has_arrived() {
    let world = world().await;
    let id = world.decide("k1", "approve").await;
    let (status, refund) = world.refund(&id, "r1", 30_000).await;
    assert_eq!((status, refund["state"].as_str()), (201, Some("pending")));
    assert_eq!(world.refund(&id, "r1", 30_000).await.1, refund);
    let (status, problem) = world.refund(&id, "r2", 1).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("bad_refund_amount")));
    world.merchant.hears(&["payment.captured", "refund.succeeded"]).await;
    let path = format!("/v1/refunds/{}", refund["refund"].as_str().expect("id"));
    assert_eq!(world.get(&path).await["state"], "succeeded");
    let ledger = world.get("/v1/ledger").await;
    assert_eq!(ledger["payments"][0]["state"], "refunded");
    assert_eq!(ledger["payments"][0]["refunded"]["minor"], 30_000);
    assert_eq!(ledger["refunds"][0]["amount"]["minor"], 30_000);
}

#[tokio::test]
async fn a_refund_fails_when_told_to() {
    let world = world().await;
    let id = world.decide("k1", "approve").await;
    world.faults(json!({ "fail_refunds": true })).await;
    world.refund(&id, "r1", 30_000).await;
    world.merchant.hears(&["payment.captured", "refund.failed"]).await;
}

#[tokio::test]
async fn a_webhook_is_sent_again_until_it_is_taken() {
    let world = world().await;
    *world.merchant.refuse.lock().expect("lock") = 2;
    world.decide("k1", "approve").await;
    world.merchant.hears(&["payment.captured"]).await;
}

#[tokio::test]
async fn webhooks_get_lost_and_answers_come_late_when_told_to() {
    let world = world().await;
    world.faults(json!({ "drop_webhooks": true, "delay_ms": 300 })).await;
    let began = Instant::now();
    let id = world.decide("k1", "approve").await;
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(world.merchant.kinds().is_empty());
    world.faults(json!({})).await;
    assert_eq!(world.get(&format!("/v1/payments/{id}")).await["state"], "captured");
    let (status, problem) = World::send(world.post("/v1/faults").json(&json!({ "drop_webhook": true }))).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("unprocessable_body")));
}

#[tokio::test]
async fn a_book_in_a_file_is_there_after_a_restart_with_its_answers() {
    let first = world().await;
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("payments.json");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let config = SimulatorConfig { secret: SECRET.into(), file: Some(file), ..SimulatorConfig::default() };
    let shutdown = Shutdown::new();
    let running = tokio::spawn(simulator::run(config.clone(), listener, shutdown.clone()));
    let create = |url: String| {
        let request = first.client.post(format!("{url}/v1/payments")).header("Idempotency-Key", "k1");
        World::send(request.json(&first.order(30_000)))
    };
    let (status, payment) = create(url).await;
    assert_eq!(status, 201);
    shutdown.trigger();
    running.await.expect("ends").expect("in order");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let shutdown = Shutdown::new();
    let running = tokio::spawn(simulator::run(config, listener, shutdown.clone()));
    assert_eq!(create(url).await.1, payment);
    shutdown.trigger();
    running.await.expect("ends").expect("in order");
}
