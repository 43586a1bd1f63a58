//! The edge as this device calls it: the door feed and the scans.

mod wire;
mod witness;

pub(crate) use wire::{BadFeed, DepartureUpload, FeedPage, FeedTicket, MemberUpload, OverrideCall, Upload, admission};
pub(crate) use witness::{WitnessAnswer, WitnessCall};

use crate::store::Identity;
use anyhow::Context;
use node::view::VerdictView;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::admission::{Effect, VerdictCode};
use shared::ids::{Incarnation, ScanId};
use std::time::Duration;

/// How long an answer may take beyond what was asked for. Also how late it is noticed that the edge is back.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Rows of a page of the feed while the edge is in reach, a megabyte at most: each page costs a flush of the disk here.
const PAGE_ROWS: u32 = 5_000;
/// Rows of a page that is also the probe for an edge out of reach, which must not take long on a bad line.
const PROBE_ROWS: u32 = 500;

/// Why the edge could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdgeError {
    /// No answer in time.
    #[error("the edge does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// An answer that says no.
    #[error("the edge answered {status}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The problem's code, if there was one.
        code: Option<String>,
    },
    /// An answer that cannot be read.
    #[error("the edge's answer cannot be read: {0}")]
    Unreadable(String),
}

impl EdgeError {
    /// The request itself is at fault: sending it again as it is will not help.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            // Other refusals (a wrong address, a login that ended) say nothing about what was sent.
            Self::Refused { status, .. } => matches!(status.as_u16(), 400 | 413 | 422),
            Self::Unreachable(_) | Self::Unreadable(_) => false,
        }
    }

    /// Somebody has declared this device off.
    pub(crate) fn is_off(&self) -> bool {
        matches!(self, Self::Refused { code: Some(code), .. } if code == VerdictCode::DeviceOff.code())
    }
}

impl From<BadFeed> for EdgeError {
    fn from(bad: BadFeed) -> Self {
        Self::Unreadable(bad.to_string())
    }
}

/// Calls one edge with this device's token over kept connections.
#[derive(Debug, Clone)]
pub(crate) struct EdgeClient {
    http: Client,
    base: String,
    token: String,
    incarnation: String,
}

/// A scan on its way, with the life of the device that made it.
#[derive(Serialize)]
struct Sent<'a> {
    #[serde(flatten)]
    scan: &'a Upload,
    incarnation: &'a str,
}

/// An HTTP client that knows nothing of the environment: no proxies between door and edge.
pub(crate) fn http_client() -> anyhow::Result<Client> {
    let builder = Client::builder().no_proxy().connect_timeout(Duration::from_secs(2)).tcp_nodelay(true);
    builder.build().context("make the HTTP client")
}

impl EdgeClient {
    pub(crate) fn new(base: &str, identity: &Identity, incarnation: Incarnation) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http: http_client()?, base, token: identity.token.clone(), incarnation: incarnation.to_string() })
    }

    /// Reads on after a cursor and thereby acknowledges everything up to it. Waits up to `wait` for news.
    pub(crate) async fn feed(&self, after: Option<&str>, wait: Duration) -> Result<FeedPage, EdgeError> {
        let wait_s = wait.as_secs().to_string();
        let rows = if wait.is_zero() { PROBE_ROWS } else { PAGE_ROWS }.to_string();
        let mut query = vec![("wait_s", wait_s.as_str()), ("rows", rows.as_str())];
        query.extend(after.map(|cursor| ("after", cursor)));
        let request = self.request(Method::GET, "/v1/door/feed").query(&query);
        let page: wire::Feed = answer(request.timeout(wait + ANSWER_WITHIN)).await?;
        Ok(page.try_into()?)
    }

    /// Says what is kept of the edge's log, and waits up to `wait` for more of it.
    pub(crate) async fn witness(&self, call: &WitnessCall, wait: Duration) -> Result<WitnessAnswer, EdgeError> {
        answer(self.request(Method::POST, "/v1/door/witness").json(call).timeout(wait + ANSWER_WITHIN)).await
    }

    /// Asks for the edge's verdicts on new scans, in their order. The scans by which this device has let the same tickets in come
    /// before them: an edge whose disk is older than that must not let them in again.
    pub(crate) async fn ask(
        &self,
        earlier: &[Upload],
        scans: &[Upload],
        within: Duration,
    ) -> Result<Vec<VerdictView>, EdgeError> {
        let all: Vec<Sent<'_>> = earlier.iter().chain(scans).map(|scan| self.sent(scan)).collect();
        let request = self.request(Method::POST, "/v1/door/scans").json(&all).timeout(within);
        let mut answers: Vec<wire::Answered> = answer(request).await?;
        let unanswered = || EdgeError::Unreadable("no verdict for a scan".into());
        let take = |scan: &Upload| {
            let at = answers.iter().rposition(|answered| answered.id == scan.id).ok_or_else(unanswered)?;
            Ok(answers.swap_remove(at).verdict)
        };
        scans.iter().map(take).collect()
    }

    /// Uploads scans that were answered here; returns the ids that the edge has stored, with its own verdicts.
    pub(crate) async fn upload(&self, scans: &[Upload]) -> Result<Vec<(ScanId, VerdictView)>, EdgeError> {
        let all: Vec<Sent<'_>> = scans.iter().map(|scan| self.sent(scan)).collect();
        let request = self.request(Method::POST, "/v1/door/scans").json(&all).timeout(ANSWER_WITHIN);
        let answers: Vec<wire::Answered> = answer(request).await?;
        let id = |answered: wire::Answered| {
            let id = answered.id.parse().map_err(|error| EdgeError::Unreadable(format!("{error}")))?;
            Ok((id, answered.verdict))
        };
        answers.into_iter().map(id).collect()
    }

    /// Uploads departures; the edge stores them all. Returns what each comes to.
    pub(crate) async fn depart(&self, departures: &[DepartureUpload]) -> Result<Vec<(ScanId, Effect)>, EdgeError> {
        let request = self.request(Method::POST, "/v1/door/departures").json(departures).timeout(ANSWER_WITHIN);
        let stored: Vec<wire::Departed> = answer(request).await?;
        let told = |stored: &wire::Departed| {
            let id = stored.id.parse().map_err(|error| EdgeError::Unreadable(format!("{error}")))?;
            Ok((id, stored.effect()))
        };
        stored.iter().map(told).collect()
    }

    /// Asks the edge to have a supervisor let somebody in. Checking a PIN takes its time.
    pub(crate) async fn let_in(&self, call: &OverrideCall) -> Result<VerdictView, EdgeError> {
        answer(self.request(Method::POST, "/v1/door/overrides").json(call).timeout(2 * ANSWER_WITHIN)).await
    }

    /// The role of a person, by name and PIN.
    pub(crate) async fn role_of(&self, staff: &str, pin: &str) -> Result<String, EdgeError> {
        #[derive(serde::Deserialize)]
        struct Session {
            role: String,
        }
        let login = serde_json::json!({ "staff": staff, "pin": pin });
        let session: Session =
            answer(self.request(Method::POST, "/v1/session").json(&login).timeout(2 * ANSWER_WITHIN)).await?;
        Ok(session.role)
    }

    fn sent<'a>(&'a self, scan: &'a Upload) -> Sent<'a> {
        Sent { scan, incarnation: &self.incarnation }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, EdgeError> {
    let response = request.send().await.map_err(EdgeError::Unreachable)?;
    let status = response.status();
    let body = response.bytes().await.map_err(EdgeError::Unreachable)?;
    if status.is_success() {
        serde_json::from_slice(&body).map_err(|error| EdgeError::Unreadable(error.to_string()))
    } else {
        let problem: Option<wire::Problem> = serde_json::from_slice(&body).ok();
        Err(EdgeError::Refused { status, code: problem.map(|problem| problem.code) })
    }
}
