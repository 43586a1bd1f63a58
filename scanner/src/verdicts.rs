//! `GET /v1/verdicts?after=`: verdicts on scans that no page asked for, for the pages to show.

use crate::group::AnswerView;
use crate::server::Device;
use axum::Json;
use axum::extract::State;
use node::problem::{Params, Problem};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The longest a page waits for one.
const WAIT: Duration = Duration::from_secs(20);

/// The last verdict on a scan of a reader, numbered.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Shown {
    n: u64,
    verdict: Option<AnswerView>,
}

/// The number of the last one a page has seen; nothing at first.
#[derive(Debug, Deserialize)]
pub(crate) struct VerdictQuery {
    after: Option<u64>,
}

/// Waits for the next one. A page that asks for the first time is told the number only, not what was shown before it came.
///
/// # Errors
/// None but the server's end.
pub(crate) async fn next(
    State(device): State<Arc<Device>>,
    Params(query): Params<VerdictQuery>,
) -> Result<Json<Shown>, Problem> {
    let mut shown = device.shown.subscribe();
    let Some(after) = query.after else {
        let n = shown.borrow().n;
        return Ok(Json(Shown { n, verdict: None }));
    };
    let news = tokio::time::timeout(WAIT, shown.wait_for(|shown| shown.n != after)).await;
    let view = match news {
        Ok(Ok(shown)) => shown.clone(),
        _ => Shown { n: after, verdict: None },
    };
    Ok(Json(view))
}

impl Device {
    /// Has every open page show a verdict.
    pub(crate) fn show(&self, verdict: AnswerView) {
        self.count(&verdict.verdict);
        self.shown.send_modify(|shown| *shown = Shown { n: shown.n + 1, verdict: Some(verdict) });
    }
}
