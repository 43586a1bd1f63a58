//! Passing a request on to the node that works, once.

use super::nobody;
use super::pass::{self, PASSED_ON};
use crate::fleet::imports;
use crate::holds::customer::FORWARDED_FOR;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::http::{BODY_MAX, REQUEST_ID, RequestTrace};
use node::problem::Problem;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests that may be under way to the other node; more are told to come back.
const UNDER_WAY_MAX: usize = 4096;
/// Parts of tables that may be: each is longer than anything a customer sends.
const LARGE_MAX: usize = 8;
/// A node on the same network answers a connection at once, or it is not there.
const CONNECT_WAIT: Duration = Duration::from_secs(1);
/// The longest a request takes to be answered: a claim waits for 1.5 s, a store that went away for 5 s.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The longest a client takes to send a body, or a node the rest of an answer that it has begun.
const BODY_WAIT: Duration = Duration::from_secs(10);
/// Answers are kept whole up to here, so that one that breaks off is found out; longer ones, and those without end, stream through.
const KEPT_MAX: u64 = 1 << 20;

/// What belongs to one connection and not to the request.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::CONTENT_LENGTH,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    status: u16,
}

pub(super) struct Forwarder {
    client: reqwest::Client,
    under_way: Semaphore,
    large: Semaphore,
    passed_on: Family<StatusLabels, Counter>,
    registry: Arc<Registry>,
}

impl Forwarder {
    pub(super) fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WAIT)
            .tcp_nodelay(true)
            .build()?;
        let (mut registry, passed_on) = (Registry::with_prefix("usher_central"), Family::default());
        let help = "Requests that were passed on to the node that works, by the status that was answered";
        registry.register("passed_on", help, Family::clone(&passed_on));
        let (under_way, large) = (Semaphore::new(UNDER_WAY_MAX), Semaphore::new(LARGE_MAX));
        Ok(Self { client, under_way, large, passed_on, registry: Arc::new(registry) })
    }

    /// What a node counts that does not work.
    pub(super) fn metrics(&self) -> Response {
        node::health::metrics(&self.registry)
    }

    /// The other node's answer, or why there is none.
    pub(super) async fn forward(&self, node: &str, pass: &str, request: Request) -> Response {
        if request.headers().contains_key(&PASSED_ON) {
            return nobody().into_response();
        }
        let answer = self.answer(node, pass, request).await;
        self.passed_on.get_or_create(&StatusLabels { status: answer.status().as_u16() }).inc();
        answer
    }

    async fn answer(&self, node: &str, pass: &str, request: Request) -> Response {
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        match self.ask(node, pass, request).await {
            Ok(response) => response,
            Err(Lost::TooLarge) => Problem::too_large().into_response(),
            Err(Lost::Slow) => {
                let detail = "The rest of the request did not come.";
                let title = "The request took too long to arrive.";
                let slow = Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", title);
                slow.with_detail(detail).into_response()
            }
            Err(Lost::Crowded) => Problem::overloaded(1).into_response(),
            Err(Lost::Unsent) => nobody().into_response(),
            Err(Lost::Underway) if changes => {
                let detail =
                    "The node that works went away; whether this was done is not known. Ask again in the same words.";
                Problem::unavailable("outcome_unknown", detail).with_retry_after(2).into_response()
            }
            Err(Lost::Underway) => nobody().into_response(),
        }
    }

    async fn ask(&self, node: &str, pass: &str, request: Request) -> Result<Response, Lost> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // Whether it comes from an operator is known at the other node only.
        let is_large = path.starts_with(imports::PATH);
        let _large = if is_large { Some(self.large.try_acquire().map_err(|_| Lost::Crowded)?) } else { None };
        let received = tokio::time::timeout(
            BODY_WAIT,
            axum::body::to_bytes(body, if is_large { imports::PART_BYTES_MAX } else { BODY_MAX }),
        )
        .await;
        let body = received.map_err(|_| Lost::Slow)?.map_err(|_| Lost::TooLarge)?;
        let _under_way = self.under_way.try_acquire().map_err(|_| Lost::Crowded)?;
        let mut headers = parts.headers;
        forget_connection(&mut headers);
        headers.insert(PASSED_ON, pass::header(pass));
        if let Some(trace) = RequestTrace::current()
            && let Ok(trace) = HeaderValue::from_str(&trace.to_string())
        {
            headers.insert(REQUEST_ID, trace);
        }
        if let Some(ConnectInfo(from)) = parts.extensions.get::<ConnectInfo<SocketAddr>>()
            && let Ok(from) = HeaderValue::from_str(&from.ip().to_string())
        {
            headers.append(FORWARDED_FOR, from);
        }
        let sent = self.client.request(parts.method, format!("{node}{path}")).headers(headers).body(body).send();
        let answer = match tokio::time::timeout(ANSWER_WAIT, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_connect() || error.is_builder() => return Err(Lost::Unsent),
            Ok(Err(error)) => {
                tracing::warn!(node, %error, "a request that was passed on has no answer");
                return Err(Lost::Underway);
            }
            Err(_) => {
                tracing::warn!(node, "a request that was passed on is not answered in time");
                return Err(Lost::Underway);
            }
        };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        let whole = answer.content_length().is_some_and(|length| length <= KEPT_MAX);
        forget_connection(&mut headers);
        let body = if whole {
            let rest = tokio::time::timeout(BODY_WAIT, answer.bytes()).await.map_err(|_| Lost::Underway)?;
            Body::from(rest.map_err(|_| Lost::Underway)?)
        } else {
            Body::new(reqwest::Body::from(answer))
        };
        let mut response = Response::new(body);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}

/// Why there is no answer.
enum Lost {
    TooLarge,
    /// The client did not send all of it.
    Slow,
    /// Too many are under way.
    Crowded,
    /// Nothing was sent.
    Unsent,
    /// It was sent, or may have been.
    Underway,
}

fn forget_connection(headers: &mut HeaderMap) {
    for name in &OF_THE_CONNECTION {
        headers.remove(name);
    }
}
