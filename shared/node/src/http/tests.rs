use super::*;
use crate::design;
use crate::problem::{JsonBody, Problem};
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use std::convert::Infallible;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;

/// A server on a port of its own.
pub(crate) struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
    served: tokio::task::JoinHandle<anyhow::Result<()>>,
}

fn router() -> Router {
    let endless = async || {
        let first = tokio_stream::once(Ok::<_, Infallible>(Event::default().data("seats")));
        Sse::new(first.chain(tokio_stream::pending()))
    };
    Router::new()
        .route("/", get(async || "hello"))
        .route("/events", get(endless))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(60)).await))
        .route("/brief", get(async || tokio::time::sleep(Duration::from_millis(300)).await))
        .route("/broken", get(async || -> Result<(), Problem> { Err(anyhow::anyhow!("secret").into()) }))
        .route("/panic", get(async || -> &'static str { panic!("secret") }))
        .route("/shows/{show}", get(async |axum::extract::Path(show): axum::extract::Path<String>| show))
        .route("/raw", post(async |body: axum::body::Bytes| body.len().to_string()))
        .route("/seats", post(async |JsonBody(seats): JsonBody<Vec<String>>| seats.len().to_string()))
}

async fn server() -> Server {
    Server::start(router()).await
}

impl Server {
    pub(crate) async fn start(router: Router) -> Self {
        Self::start_with(HttpLimits::default(), router).await
    }

    async fn start_with(limits: HttpLimits, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
        let stop = shutdown.clone();
        let served = tokio::spawn(async move { serve_with(&limits, listener, router, stop).await });
        Self { address, shutdown, served }
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Asks as browsers do, taking gzip; returns the head, and the body as it came.
    async fn browse(&self, path: &str) -> (String, Vec<u8>) {
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept-encoding: gzip, br\r\n\r\n");
        let (mut stream, mut answer) = (self.send(&head).await, Vec::new());
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let body = answer.split_off(end);
        (String::from_utf8(answer).unwrap(), body)
    }

    /// Sends a request and returns the whole answer, head and body.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}"
        );
        let mut stream = self.send(&format!("{head}\r\n\r\n{body}")).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn every_answer_has_its_request_id_and_security_headers() {
    let server = server().await;
    let answer = server.ask("GET", "/", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for header in
        ["x-request-id: ", "x-content-type-options: nosniff", "referrer-policy: same-origin", "frame-ancestors 'none'"]
    {
        assert!(answer.contains(header), "{header} is missing in {answer}");
    }
}

#[tokio::test]
async fn the_settings_alone_say_who_may_frame_a_page_and_what_it_may_frame() {
    let router = || {
        let page = async || design::respond(axum::http::StatusCode::OK, maud::html! { main {} });
        let willful = async || ([("content-security-policy", "default-src *"), ("referrer-policy", "unsafe-url")], "x");
        Router::new().route("/page", get(page)).route("/willful", get(willful)).merge(design::router())
    };
    let framed = HttpLimits {
        frame_ancestors: vec!["http://127.0.0.1:9000".into()],
        frame_sources: vec!["http:".into()],
        ..HttpLimits::default()
    };
    for (limits, ancestors, frames) in [
        (HttpLimits::default(), "frame-ancestors 'none'", "frame-src 'self';"),
        (framed, "frame-ancestors 'self' http://127.0.0.1:9000", "frame-src 'self' http:;"),
    ] {
        let server = Server::start_with(limits, router()).await;
        for path in ["/page", "/willful", "/assets/base.css", "/nowhere"] {
            let answer = server.ask("GET", path, "").await;
            let head = answer.split("\r\n\r\n").next().unwrap();
            let policies: Vec<_> = head.lines().filter(|line| line.starts_with("content-security-policy: ")).collect();
            assert_eq!(policies.len(), 1, "{path}: {head}");
            assert_eq!(policies[0].matches("frame-ancestors").count(), 1, "{path}: {head}");
            assert!(policies[0].ends_with(ancestors) && policies[0].contains(frames), "{path}: {head}");
            assert!(!policies[0].contains("unsafe") && !head.contains("unsafe-url"), "{path}: {head}");
        }
    }
}

#[tokio::test]
async fn what_is_worth_it_is_compressed_for_those_who_take_it() {
    let long = || "<rect width=\"1\" height=\"1\"/>".repeat(4000);
    let typed = |media_type: &'static str, text: String| {
        get(async move || ([("content-type", media_type), ("etag", "\"v1\"")], text))
    };
    let event = async || Sse::new(tokio_stream::once(Ok::<_, Infallible>(Event::default().data("x".repeat(4000)))));
    let router = Router::new()
        .route("/page", typed("text/html; charset=utf-8", long()))
        .route("/seats", typed("application/json", long()))
        .route("/hall.svg", typed("image/svg+xml", long()))
        .route("/mark.svg", typed("image/svg+xml", "<svg>".repeat(200)))
        .route("/poster.png", typed("image/png", long()))
        .route("/brief", typed("application/json", "{}".to_owned()))
        .route("/events", get(event));
    let server = Server::start(router).await;
    for path in ["/page", "/seats", "/hall.svg"] {
        let (head, body) = server.browse(path).await;
        assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
        assert!(head.contains("etag: W/\"v1\""), "not the same bytes as the plain answer: {head}");
        assert!(body.len() * 20 < long().len(), "{path}: {} bytes", body.len());
        let plain = server.ask("GET", path, "").await;
        assert!(plain.ends_with(&long()) && plain.contains("etag: \"v1\""), "{path}");
    }
    for path in ["/mark.svg", "/poster.png", "/brief", "/events"] {
        let (head, _) = server.browse(path).await;
        assert!(head.starts_with("HTTP/1.1 200") && !head.contains("content-encoding"), "{path}: {head}");
    }
}

#[tokio::test]
async fn what_goes_wrong_is_a_problem_that_tells_no_secrets() {
    let server = server().await;
    for (method, path, body, status, code) in [
        ("GET", "/nowhere", "", 404, "unknown_route"),
        ("POST", "/", "", 405, "method_not_allowed"),
        ("GET", "/broken", "", 500, "internal"),
        ("GET", "/panic", "", 500, "internal"),
        ("POST", "/seats", "[7]", 422, "unprocessable_body"),
        ("POST", "/seats", "[", 400, "malformed_body"),
        ("POST", "/seats", &"x".repeat(BODY_MAX + 1), 413, "body_too_large"),
        ("POST", "/raw", &"x".repeat(BODY_MAX + 1), 413, "body_too_large"),
        ("GET", "/shows/%FF", "", 400, "bad_request"),
    ] {
        let answer = server.ask(method, path, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains(&format!(r#""code":"{code}""#)),
            "{answer}"
        );
        assert!(!answer.contains("secret"), "{answer}");
    }
}

#[tokio::test]
async fn a_shutdown_lets_short_requests_finish_and_waits_for_no_endless_one() {
    let server = server().await;
    let mut events = server.send("GET /events HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut idle = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (mut slow, mut brief) = (
        server.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await,
        server.send("GET /brief HTTP/1.1\r\nhost: a\r\n\r\n").await,
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    server.shutdown.trigger();
    let mut text = String::new();
    events.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("data: seats"), "{text}");
    assert!(started.elapsed() < Duration::from_millis(500), "the stream outlived the signal");
    text.clear();
    brief.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text.clear();
    slow.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("shutting_down"), "{text}");
    idle.read_to_string(&mut text).await.unwrap();
    server.served.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_millis(3500), "{:?}", started.elapsed());
    TcpStream::connect(server.address).await.unwrap_err();
}

#[tokio::test]
async fn a_connection_that_never_sends_a_request_does_not_keep_the_server() {
    let server = server().await;
    let _half = server.send("GET / HT").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    server.shutdown.trigger();
    server.served.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_millis(3500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn who_finds_all_connections_taken_is_told_to_come_again() {
    let server = Server::start_with(HttpLimits { connections_max: 2, ..HttpLimits::default() }, router()).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let read = stream.read(&mut [0; 1024]).await.unwrap();
        assert!(read > 0);
        taken.push(stream);
    }
    let answer = server.ask("GET", "/", "").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 2"), "{head}");
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some("overloaded"), Some(503)));

    drop(taken.pop());
    let mut answer = server.ask("GET", "/", "").await;
    while answer.starts_with("HTTP/1.1 503 ") {
        answer = server.ask("GET", "/", "").await;
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_connection_that_stands_still_is_closed_and_one_that_says_something_is_not() {
    let beating = async || {
        let beats = tokio_stream::iter(0..).then(|n: u32| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(Event::default().data(n.to_string()))
        });
        Sse::new(beats)
    };
    let limits = HttpLimits { still_max: Duration::from_millis(300), ..HttpLimits::default() };
    let server = Server::start_with(limits, Router::new().route("/beats", get(beating))).await;
    let mut events = server.send("GET /beats HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut half_a_request = server.send("GET / HTTP/1.1\r\nhost").await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), half_a_request.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it is still open");
    let mut heard = String::new();
    while !heard.contains("data: 20") {
        let mut piece = [0; 1024];
        let read = events.read(&mut piece).await.unwrap();
        assert!(read > 0, "the stream has ended after {heard}");
        heard.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
}
