//! A payment gateway for tests: it remembers what it was asked, and its customer is the test.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use central::payments::webhook::WebhookSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) const SECRET: &str = "whsec_dGVzdCBzZWNyZXQgb2YgdGhlIGdhdGV3YXk=";

#[derive(Default)]
pub(crate) struct Gateway {
    payments: Mutex<BTreeMap<String, Value>>,
    refunds: Mutex<BTreeMap<String, Value>>,
    keys: Mutex<BTreeMap<String, String>>,
    /// Calls have their effect, but their answers are lost.
    pub(crate) mute: AtomicBool,
    /// It knows no refund that it is asked about.
    pub(crate) hides_refunds: AtomicBool,
    /// How often it was asked about one that it hides.
    pub(crate) hid: AtomicUsize,
}

type Shared = State<Arc<Gateway>>;
type Answer = Result<(StatusCode, Json<Value>), StatusCode>;

impl Gateway {
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let gateway = Arc::new(Self::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let routes = Router::new()
            .route("/v1/payments", post(create).get(list))
            .route("/v1/payments/{id}", get(fetch))
            .route("/v1/payments/{id}/expire", post(expire))
            .route("/v1/payments/{id}/refunds", post(refund))
            .route("/v1/refunds/{id}", get(fetch_refund))
            .with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("serve") });
        (gateway, url)
    }

    pub(crate) fn payments(&self) -> Vec<Value> {
        self.payments.lock().expect("lock").values().cloned().collect()
    }

    pub(crate) fn refunds(&self) -> Vec<Value> {
        self.refunds.lock().expect("lock").values().cloned().collect()
    }

    /// The customer does something to every payment that waits.
    pub(crate) fn decide(&self, state: &str) {
        for payment in self.lock().values_mut().filter(|payment| payment["state"] == "created") {
            payment["state"] = state.into();
        }
    }

    /// The gateway changes its mind, whatever the state.
    pub(crate) fn force(&self, member: &str, value: Value) {
        self.lock().values_mut().for_each(|payment| payment[member] = value.clone());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.payments.lock().expect("lock")
    }

    fn answer(&self, value: Value) -> Answer {
        if self.mute.load(Ordering::SeqCst) {
            Err(StatusCode::BAD_GATEWAY)
        } else {
            Ok((StatusCode::CREATED, Json(value)))
        }
    }

    fn once(&self, headers: &HeaderMap, make: impl FnOnce() -> String) -> String {
        let key = headers["idempotency-key"].to_str().expect("key").to_owned();
        self.keys.lock().expect("lock").entry(key).or_insert_with(make).clone()
    }
}

/// Signs a body as Standard Webhooks 1.0.
pub(crate) fn signed(id: &str, body: &str) -> [(&'static str, String); 3] {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now").as_secs().to_string();
    let signature = format!("v1,{}", WebhookSecret::parse(SECRET).sign(id, &seconds, body.as_bytes()));
    [("webhook-id", id.to_owned()), ("webhook-timestamp", seconds), ("webhook-signature", signature)]
}

async fn create(State(gateway): Shared, headers: HeaderMap, Json(order): Json<Value>) -> Answer {
    let id = gateway.once(&headers, || {
        let id = format!("pay_{}", gateway.lock().len());
        let payment = json!({
            "payment": id, "state": "created", "pay_url": format!("http://gateway/pay/{id}"),
            "reference": order["reference"], "amount": order["amount"],
        });
        gateway.lock().insert(id.clone(), payment);
        id
    });
    let payment = gateway.lock()[&id].clone();
    gateway.answer(payment)
}

async fn list(State(gateway): Shared, Query(query): Query<BTreeMap<String, String>>) -> Answer {
    let payments = gateway.payments();
    let of: Vec<_> =
        payments.into_iter().filter(|payment| payment["reference"] == query["reference"].as_str()).collect();
    gateway.answer(json!({ "payments": of }))
}

async fn fetch(State(gateway): Shared, Path(id): Path<String>) -> Answer {
    let payment = gateway.lock().get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
    gateway.answer(payment)
}

async fn expire(State(gateway): Shared, Path(id): Path<String>) -> Answer {
    let payment = {
        let mut payments = gateway.lock();
        let payment = payments.get_mut(&id).ok_or(StatusCode::NOT_FOUND)?;
        if payment["state"] == "created" {
            payment["state"] = "expired".into();
        }
        payment.clone()
    };
    gateway.answer(payment)
}

async fn refund(State(gateway): Shared, Path(id): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    let refund = gateway.once(&headers, || {
        let mut refunds = gateway.refunds.lock().expect("lock");
        let refund = format!("re_{}", refunds.len());
        let made = json!({ "refund": refund, "payment": id, "amount": body["amount"], "state": "pending" });
        refunds.insert(refund.clone(), made);
        refund
    });
    let made = gateway.refunds.lock().expect("lock")[&refund].clone();
    gateway.answer(made)
}

async fn fetch_refund(State(gateway): Shared, Path(id): Path<String>) -> Answer {
    if gateway.hides_refunds.load(Ordering::SeqCst) {
        gateway.hid.fetch_add(1, Ordering::SeqCst);
        return Err(StatusCode::NOT_FOUND);
    }
    let refund = {
        let mut refunds = gateway.refunds.lock().expect("lock");
        let refund = refunds.get_mut(&id).ok_or(StatusCode::NOT_FOUND)?;
        refund["state"] = "succeeded".into();
        refund.clone()
    };
    gateway.answer(refund)
}
