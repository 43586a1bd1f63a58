use super::*;
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

async fn server() -> Server {
    let endless = async || {
        let first = tokio_stream::once(Ok::<_, Infallible>(Event::default().data("seats")));
        Sse::new(first.chain(tokio_stream::pending()))
    };
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/events", get(endless))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(60)).await))
        .route("/brief", get(async || tokio::time::sleep(Duration::from_millis(300)).await))
        .route("/broken", get(async || -> Result<(), Problem> { Err(anyhow::anyhow!("secret").into()) }))
        .route("/panic", get(async || -> &'static str { panic!("secret") }))
        .route("/seats", post(async |JsonBody(seats): JsonBody<Vec<String>>| seats.len().to_string()));
    Server::start(router).await
}

impl Server {
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
        let served = tokio::spawn(serve(listener, router, shutdown.clone()));
        Self { address, shutdown, served }
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
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
    let framed = HttpLimits { frame_ancestors: vec!["http://127.0.0.1:9000".into()], ..HttpLimits::default() };
    assert!(framed.content_security_policy().ends_with("frame-ancestors 'self' http://127.0.0.1:9000"));
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
