//! `GET /v1/verdicts?after=`: verdicts on scans that no page asked for, for the pages to show.

use crate::group::AnswerView;
use crate::server::Device;
use axum::Json;
use axum::extract::State;
use node::problem::{Params, Problem};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest a page waits for one.
const WAIT: Duration = Duration::from_secs(20);
/// Verdicts kept for a page that was away or is slow.
const KEPT: usize = 20;

/// The last verdicts on scans of readers, numbered.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The number of the last one.
    n: u64,
    kept: VecDeque<One>,
}

#[derive(Debug, Clone)]
struct One {
    at: Instant,
    read: String,
    verdict: AnswerView,
}

impl Shown {
    /// The oldest that a page has not seen, and its number. A number from before a restart has seen nothing.
    fn after(&self, seen: u64) -> Option<(u64, &One)> {
        let seen = if seen > self.n { 0 } else { seen };
        let oldest = self.n - self.kept.len() as u64;
        let at = usize::try_from(seen.saturating_sub(oldest)).ok()?;
        self.kept.get(at).map(|one| (oldest + at as u64 + 1, one))
    }
}

/// The number of the last one a page has seen; nothing at first.
#[derive(Debug, Deserialize)]
pub(crate) struct VerdictQuery {
    after: Option<u64>,
}

/// One of them, its number, and how long ago it was given.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ShownView {
    n: u64,
    verdict: Option<AnswerView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_s: Option<u64>,
}

/// Waits for the next one. A page that asks for the first time is told the number only, not what was shown before it came.
///
/// # Errors
/// None but the server's end.
pub(crate) async fn next(
    State(device): State<Arc<Device>>,
    Params(query): Params<VerdictQuery>,
) -> Result<Json<ShownView>, Problem> {
    let mut shown = device.shown.subscribe();
    let Some(after) = query.after else {
        return Ok(Json(ShownView { n: shown.borrow().n, ..ShownView::default() }));
    };
    let news = tokio::time::timeout(WAIT, shown.wait_for(|shown| shown.n != after)).await;
    let nothing = |n| ShownView { n, ..ShownView::default() };
    let view = match news {
        Ok(Ok(shown)) => shown.after(after).map_or_else(
            || nothing(shown.n),
            |(n, One { at, read, verdict })| ShownView {
                n,
                verdict: Some(verdict.clone()),
                read: Some(read.clone()),
                age_s: Some(at.elapsed().as_secs()),
            },
        ),
        _ => nothing(after),
    };
    Ok(Json(view))
}

impl Device {
    /// Has every open page show the verdict on what a reader has read.
    pub(crate) fn show(&self, read: String, verdict: AnswerView) {
        self.count(&verdict.verdict);
        self.shown.send_modify(|shown| {
            shown.n += 1;
            shown.kept.push_back(One { at: Instant::now(), read, verdict });
            if shown.kept.len() > KEPT {
                shown.kept.pop_front();
            }
        });
    }
}
