//! What happens around every request.

use super::DRAIN_REQUESTS;
use crate::problem::Problem;
use crate::random;
use crate::shutdown::Shutdown;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::ids::ClaimId;
use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_stream::Stream;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};
use tracing::Instrument;

/// Smaller answers fit the first packets of a connection as they are, bytes.
const COMPRESSED_MIN: u64 = 1024;

/// The header of a request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request's id: in its span, in its answer's header, and on messages to other programs that it causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTrace(pub [u8; 8]);

tokio::task_local! {
    static TRACE: RequestTrace;
}

impl RequestTrace {
    /// Of the request that this task works on.
    pub fn current() -> Option<Self> {
        TRACE.try_with(|trace| *trace).ok()
    }

    /// What another program's header says.
    pub fn of_header(value: &HeaderValue) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(value.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Works on a request that has had this id elsewhere already.
    pub async fn goes_on<T>(self, work: impl Future<Output = T>) -> T {
        TRACE.scope(self, work.instrument(tracing::info_span!("passed_on", id = %self))).await
    }
}

/// The claim of the request has its number, and so the other side's log.
impl From<RequestTrace> for ClaimId {
    fn from(trace: RequestTrace) -> Self {
        Self(trace.0)
    }
}

impl fmt::Display for RequestTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// Gives the request an id, a span and, when it is over, a line in the log.
pub(super) async fn trace(request: Request, next: Next) -> Response {
    let trace = RequestTrace(random::bytes());
    let id = trace.to_string();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| request.uri().path().to_owned());
    let span = tracing::info_span!("request", id, method = %request.method(), route);
    let started = Instant::now();
    async {
        let mut response = TRACE.scope(trace, next.run(request)).await;
        let (status, ms) = (response.status().as_u16(), started.elapsed().as_secs_f64() * 1000.0);
        if response.status().is_server_error() {
            tracing::warn!(status, ms, "answered");
        } else {
            tracing::debug!(status, ms, "answered");
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// Turns a panic of a handler into a 500 problem.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic_text(panic.as_ref());
    Problem::internal(&anyhow::anyhow!("the handler panicked: {text}")).into_response()
}

/// The framework refuses some requests by itself, in plain text: a path that is no UTF-8, a body beyond the limit.
pub(super) async fn explain_plain_refusals(response: Response) -> Response {
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        status if !plain || !status.is_client_error() => response,
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large().into_response(),
        status => Problem::new(status, "bad_request", "The request is not understood.").into_response(),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// The headers that keep browsers from doing more with an answer than was meant.
pub(super) struct SecurityHeaders {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl SecurityHeaders {
    pub(super) fn new(content_security_policy: &str) -> Self {
        let mut headers = vec![
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        ];
        if let Ok(policy) = HeaderValue::from_str(content_security_policy) {
            headers.push((header::CONTENT_SECURITY_POLICY, policy));
        }
        Self { headers }
    }
}

/// Sets the security headers. No handler has a say in them: what may be framed is the server's setting alone.
pub(super) async fn set_security_headers(
    State(security): State<Arc<SecurityHeaders>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in &security.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

type Compressed = And<And<SizeAbove, NotForContentType>, NotForContentType>;

/// Gzip for clients that take it; never for events, which must not wait for a full block, and never for packed images.
pub(super) fn compression() -> CompressionLayer<Compressed> {
    let worthwhile = SizeAbove::new(COMPRESSED_MIN).and(NotForContentType::SSE).and(NotForContentType::IMAGES);
    // Seat maps are made anew for every version: the best level would cost a box three times the work for a tenth less.
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(worthwhile)
}

/// A strong tag promises the same bytes, which a compressed answer and the plain one are not.
pub(super) async fn weaken_tag_of_compressed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok())
        && !tag.starts_with("W/")
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
    response
}

/// Lets no handler and no answer outlive the server: handlers get [`DRAIN_REQUESTS`], streams end with the signal.
pub(super) async fn end_with_the_server(State(shutdown): State<Shutdown>, request: Request, next: Next) -> Response {
    let late = async {
        shutdown.wait().await;
        tokio::time::sleep(DRAIN_REQUESTS).await;
    };
    let response = tokio::select! {
        response = next.run(request) => response,
        () = late => return shutting_down().into_response(),
    };
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let ended = Box::pin(async move { shutdown.wait().await });
    Response::from_parts(parts, Body::from_stream(UntilShutdown { chunks: body.into_data_stream(), ended }))
}

fn shutting_down() -> Problem {
    Problem::unavailable("shutting_down", "This server is shutting down.").with_retry_after(5)
}

/// A body that ends when the server does.
struct UntilShutdown {
    chunks: axum::body::BodyDataStream,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Stream for UntilShutdown {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(chunk) = Pin::new(&mut self.chunks).poll_next(context) {
            return Poll::Ready(chunk);
        }
        self.ended.as_mut().poll(context).map(|()| None)
    }
}
