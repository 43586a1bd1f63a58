//! Extractors that answer with problems, and the answers where no route fits.

use super::Problem;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

/// A JSON body. Answers 400 `malformed_body`, 413 `body_too_large`, 415 `wrong_content_type` or 422
/// `unprocessable_body`.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let title = "The body must be JSON and say so in its content type.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_content_type", title));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unread_body)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| match error.classify() {
            Category::Data => Problem::unprocessable("unprocessable_body", error.to_string()),
            Category::Io | Category::Syntax | Category::Eof => {
                Problem::bad_request("malformed_body", error.to_string())
            }
        })
    }
}

/// The body of a route that takes none, so that a key sent again with another body is found out: JSON null where there is
/// none, the JSON where there is some. Answers 400 `malformed_body` or 413 `body_too_large`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpareBody(pub Value);

impl<S: Send + Sync> FromRequest<S> for SpareBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(unread_body)?;
        if bytes.is_empty() {
            return Ok(Self(Value::Null));
        }
        let read = serde_json::from_slice(&bytes).map(Self);
        read.map_err(|error| Problem::bad_request("malformed_body", error.to_string()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn unread_body(rejection: BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Problem::too_large(),
        other => Problem::bad_request("malformed_body", other.body_text()),
    }
}

/// The query string. Answers 400 `bad_query`.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Problem::bad_request("bad_query", rejection.body_text())),
        }
    }
}

/// The `Idempotency-Key` header, 1 to 255 characters. Answers 400 `idempotency_key_required`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

impl IdempotencyKey {
    /// The longest key, characters.
    pub const LENGTH_MAX: usize = 255;
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let key = parts.headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::trim);
        match key {
            Some(key) if (1..=Self::LENGTH_MAX).contains(&key.len()) => Ok(Self(key.to_owned())),
            Some(_) | None => Err(Problem::bad_request(
                "idempotency_key_required",
                "Send an Idempotency-Key header of 1 to 255 characters, the same one at every retry.",
            )),
        }
    }
}

/// 404 `unknown_route`; the fallback of every router.
pub async fn unknown_route(method: Method, uri: Uri) -> Problem {
    Problem::not_found("unknown_route", format!("{method} {}", uri.path()))
}

/// 405 `method_not_allowed`; the method fallback of every router.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let title = "This address does not answer to this method.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title)
        .with_detail(format!("{method} {}", uri.path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Seats {
        seats: Vec<String>,
    }

    async fn read(content_type: &str, body: &'static str) -> Result<Seats, Problem> {
        let request = Request::post("/").header("content-type", content_type).body(Body::from(body)).unwrap();
        JsonBody::<Seats>::from_request(request, &()).await.map(|JsonBody(seats)| seats)
    }

    #[tokio::test]
    async fn a_body_is_refused_by_what_is_wrong_with_it() {
        assert_eq!(read("application/json; charset=utf-8", r#"{"seats":["C12"]}"#).await.unwrap().seats, ["C12"]);
        assert_eq!(read("text/plain", r#"{"seats":[]}"#).await.unwrap_err().status(), 415);
        assert_eq!(read("application/json", r#"{"seats":["#).await.unwrap_err().code(), "malformed_body");
        assert_eq!(read("application/json", "").await.unwrap_err().code(), "malformed_body");
        assert_eq!(read("application/json", r#"{"seats":7}"#).await.unwrap_err().status(), 422);
        let unknown = read("application/json", r#"{"seats":[],"sets":1}"#).await.unwrap_err();
        assert!(unknown.sentence().contains("sets"), "{unknown:?}");
    }

    #[tokio::test]
    async fn a_spare_body_is_what_was_sent_and_null_where_nothing_was() {
        for (body, code) in [("", "null"), ("{}", "{}"), (r#"{"a":1}"#, r#"{"a":1}"#), ("{", "malformed_body")] {
            let read = SpareBody::from_request(Request::post("/").body(Body::from(body)).unwrap(), &()).await;
            assert_eq!(read.map_or_else(|problem| problem.code().to_owned(), |body| body.0.to_string()), code);
        }
    }

    #[tokio::test]
    async fn an_idempotency_key_is_required_and_bounded() {
        for (key, accepted) in [("", false), ("a", true), (&"k".repeat(255), true), (&"k".repeat(256), false)] {
            let (mut parts, ()) = Request::post("/").header("Idempotency-Key", key).body(()).unwrap().into_parts();
            let extracted = IdempotencyKey::from_request_parts(&mut parts, &()).await;
            assert_eq!(extracted.is_ok(), accepted, "{} characters", key.len());
        }
        let (mut parts, ()) = Request::post("/").body(()).unwrap().into_parts();
        let missing = IdempotencyKey::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!((missing.status().as_u16(), missing.code()), (400, "idempotency_key_required"));
    }

    #[tokio::test]
    async fn a_query_that_cannot_be_read_is_400() {
        #[derive(Debug, Deserialize)]
        struct Page {
            limit: u32,
        }
        let parts = |uri: &str| Request::get(uri).body(()).unwrap().into_parts().0;
        let page = Params::<Page>::from_request_parts(&mut parts("/?limit=5"), &()).await.unwrap();
        assert_eq!(page.0.limit, 5);
        let bad = Params::<Page>::from_request_parts(&mut parts("/?limit=five"), &()).await.unwrap_err();
        assert_eq!((bad.status().as_u16(), bad.code()), (400, "bad_query"));
    }
}
