//! Errors on HTTP: RFC 9457 problem answers with a stable code, and extractors that answer with them.

mod extract;

pub use extract::{IdempotencyKey, JsonBody, Params, SpareBody, method_not_allowed, unknown_route};

use crate::store::ReadersBusy;
use crate::zone::BadTime;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::admission::{Guarantee, Verdict};
use shared::found::NotFound;
use shared::ids::BadId;
use shared::refusal::Refusal;
use shared::till::drawer::TillRefusal;
use std::borrow::Cow;

/// An answer of type `application/problem+json`. Handlers return it as their error.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    members: Map<String, Value>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem with a status, a stable snake_case code and a sentence that is the same for every occurrence of the
    /// code.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into(), title: title.into(), detail: None, members: Map::new(), retry_after_s: None }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "The request is not understood.").with_detail(detail)
    }

    /// 401: no login, or one that does not count.
    pub fn unauthorized(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, "A login is needed.").with_detail(detail)
    }

    /// 403: logged in, but not for this.
    pub fn forbidden(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, "This is not allowed.").with_detail(detail)
    }

    /// 404: no such thing here.
    pub fn not_found(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, "There is no such thing here.").with_detail(detail)
    }

    /// 409: the state of things does not allow it.
    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "The present state does not allow this.").with_detail(detail)
    }

    /// 422: understood, but wrong in its content.
    pub fn unprocessable(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The content of the request is not acceptable.")
            .with_detail(detail)
    }

    /// 413 `body_too_large`.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body of the request is too large.")
    }

    /// 429: too many tries; ask again after so many seconds.
    pub fn too_many(code: impl Into<Cow<'static, str>>, detail: impl Into<String>, retry_after_s: u32) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code, "Too many tries.");
        problem.with_detail(detail).with_retry_after(retry_after_s)
    }

    /// 503 `overloaded`: ask again after so many seconds.
    pub fn overloaded(retry_after_s: u32) -> Self {
        let title = "Too much is going on at the moment; try again shortly.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", title).with_retry_after(retry_after_s)
    }

    /// 503 with a code of its own: something this answer needs is not there.
    pub fn unavailable(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "This is not possible at the moment.").with_detail(detail)
    }

    /// 500 `internal`. The error goes to the log, with the request it belongs to; the client learns nothing of it.
    pub fn internal(error: &anyhow::Error) -> Self {
        tracing::error!(error = format!("{error:#}"), "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here; the operator finds it in the log.",
        )
    }

    /// Adds what this occurrence is about.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a member of the problem object; one that does not serialise, or takes a standard name, is left out.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let standard = ["type", "title", "status", "detail", "code"].contains(&name);
        if let (false, Ok(value)) = (standard, serde_json::to_value(value)) {
            self.members.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds `Retry-After`, seconds.
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The detail, or the title where there is none: one sentence for a person.
    pub fn sentence(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.title)
    }
}

impl Problem {
    /// The media type of [`Self::body`].
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// The object that is sent.
    pub fn body(self) -> String {
        let mut body = Map::new();
        body.insert("type".into(), format!("urn:usher:problem:{}", self.code).into());
        body.insert("title".into(), self.title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("code".into(), self.code.into());
        if let Some(detail) = self.detail {
            body.insert("detail".into(), detail.into());
        }
        body.extend(self.members);
        Value::Object(body).to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut response = (status, [content_type, no_store], self.body()).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal_status(refusal), refusal.code(), refusal.text());
        match refusal {
            Refusal::SeatElsewhere | Refusal::LinkDown | Refusal::ClaimQueueFull | Refusal::PeerClosed => {
                problem.with_retry_after(2)
            }
            Refusal::SeatInTransit | Refusal::TooManyInTransit => problem.with_retry_after(1),
            Refusal::SeatHeld | Refusal::VoidPending => problem.with_retry_after(5),
            Refusal::Closed | Refusal::Asking => problem.with_retry_after(10),
            _ => problem,
        }
    }
}

fn refusal_status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::Closed => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::UnknownShow
        | Refusal::UnknownSeat
        | Refusal::UnknownHold
        | Refusal::UnknownCategory
        | Refusal::UnknownTicket
        | Refusal::UnknownPlan => StatusCode::NOT_FOUND,
        Refusal::ShowCancelled | Refusal::ShowEnded | Refusal::HoldExpired => StatusCode::GONE,
        Refusal::BadSeatCount | Refusal::BadPlan | Refusal::PlanMovesSeats | Refusal::TooLarge => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refusal::NotYourHold | Refusal::CounterOnly | Refusal::NotTheSeller => StatusCode::FORBIDDEN,
        Refusal::HoldCap
        | Refusal::SeatSold
        | Refusal::SeatHeld
        | Refusal::SeatWithheld
        | Refusal::SeatNotWithheld
        | Refusal::SeatUnknown
        | Refusal::SeatInTransit
        | Refusal::SeatElsewhere
        | Refusal::LinkDown
        | Refusal::ClaimQueueFull
        | Refusal::NoSeatsTogether
        | Refusal::AlreadyVoid
        | Refusal::AlreadyAdmitted
        | Refusal::VoidPending
        | Refusal::PeerClosed
        | Refusal::TooManyInTransit
        | Refusal::ShowOverlaps
        | Refusal::TicketKnown
        | Refusal::SeatNotUnknown
        | Refusal::SaleSetAside
        | Refusal::NotClosed
        | Refusal::Asking => StatusCode::CONFLICT,
    }
}

/// 404, 409 or 422 with the till's code.
impl From<TillRefusal> for Problem {
    fn from(refusal: TillRefusal) -> Self {
        let code = refusal.code();
        match refusal {
            TillRefusal::NoShift => Self::not_found(code, "There is no such shift."),
            TillRefusal::ShiftClosed => {
                Self::conflict(code, "This shift is closed; its report does not change any more.")
            }
            TillRefusal::ShiftOpen => Self::conflict(code, "You have a shift open; close it first."),
            TillRefusal::BadCount => {
                Self::unprocessable(code, "Name each kind of note or coin once, with its worth and how many there are.")
            }
            TillRefusal::BadAmount => Self::unprocessable(code, "Say how much, more than nothing."),
            TillRefusal::WrongCurrency => Self::unprocessable(code, "This drawer is counted in another currency."),
            TillRefusal::BadReason => Self::unprocessable(code, "Say what for, in 1 to 200 characters."),
        }
    }
}

/// 422 with the code that a door would show.
impl From<NotFound> for Problem {
    fn from(not_found: NotFound) -> Self {
        match not_found {
            NotFound::Refused(refusal) => refusal.into(),
            NotFound::Code(code) => Self::unprocessable(code.code(), Verdict::bare(code, Guarantee::Solo).text()),
        }
    }
}

/// A path that holds no such id leads nowhere: 404 `unknown_show` for what is no show id.
impl From<BadId> for Problem {
    fn from(bad: BadId) -> Self {
        let noun = bad.what.strip_suffix(" id").or_else(|| bad.what.strip_suffix(" number")).unwrap_or(bad.what);
        Self::not_found(format!("unknown_{}", noun.replace(' ', "_")), bad.to_string())
    }
}

/// 400 `bad_time`.
impl From<BadTime> for Problem {
    fn from(bad: BadTime) -> Self {
        Self::bad_request("bad_time", bad.to_string())
    }
}

/// Whatever a handler could not do and nobody foresaw: 500, logged here. A store that is away for a while is no surprise.
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        if error.is::<ReadersBusy>() {
            return Self::overloaded(1);
        }
        if is_store_away(&error) {
            tracing::warn!(error = format!("{error:#}"), "the store is away");
            let detail = "The store cannot be reached just now; nothing was done. Ask again.";
            return Self::unavailable("store_unreachable", detail).with_retry_after(2);
        }
        Self::internal(&error)
    }
}

#[cfg(feature = "postgres")]
fn is_store_away(error: &anyhow::Error) -> bool {
    crate::postgres::is_away(error)
}

#[cfg(not(feature = "postgres"))]
fn is_store_away(_error: &anyhow::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> Value {
        serde_json::from_slice(&axum::body::to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_problem_says_type_title_status_code_and_what_was_added() {
        let problem =
            Problem::conflict("seat_sold", "C12 is sold").with("seats", ["C12"]).with("status", 1).with_retry_after(3);
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
        let expected = serde_json::json!({
            "type": "urn:usher:problem:seat_sold", "title": "The present state does not allow this.", "status": 409,
            "code": "seat_sold", "detail": "C12 is sold", "seats": ["C12"],
        });
        assert_eq!(body(response).await, expected);
    }

    #[tokio::test]
    async fn every_refusal_is_a_problem_with_its_own_code_and_text() {
        for &refusal in Refusal::ALL {
            let response = Problem::from(refusal).into_response();
            assert!(response.status().is_client_error() || refusal == Refusal::Closed, "{refusal}");
            let body = body(response).await;
            assert_eq!(body["code"], refusal.code());
            assert_eq!(body["title"], refusal.text());
        }
    }

    #[test]
    fn refusals_that_pass_say_when_to_ask_again() {
        for refusal in [Refusal::SeatElsewhere, Refusal::ClaimQueueFull, Refusal::LinkDown] {
            let problem = Problem::from(refusal);
            assert_eq!(problem.status(), StatusCode::CONFLICT);
            assert!(problem.into_response().headers().contains_key(header::RETRY_AFTER), "{refusal}");
        }
        assert_eq!(Problem::from(Refusal::Closed).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(Problem::from(Refusal::HoldExpired).status(), StatusCode::GONE);
        assert_eq!(Problem::from(Refusal::NotYourHold).status(), StatusCode::FORBIDDEN);
        assert_eq!(Problem::from(Refusal::BadSeatCount).status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_path_without_an_id_leads_nowhere() {
        let problem = Problem::from("abc".parse::<shared::ids::ShowId>().unwrap_err());
        assert_eq!((problem.status().as_u16(), problem.code()), (404, "unknown_show"));
    }

    #[tokio::test]
    async fn an_internal_error_tells_the_client_nothing() {
        let problem = Problem::from(anyhow::anyhow!("secret path"));
        assert!(!body(problem.into_response()).await.to_string().contains("secret"));
    }
}
