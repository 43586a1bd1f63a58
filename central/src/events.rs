//! The seat board: the seat maps that customers look at, kept ready and refreshed after each commit, with their changes
//! as server-sent events.

use crate::office::App;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use node::problem::Problem;
use node::view::SeatMapView;
use serde_json::json;
use shared::ids::ShowId;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// Changes a slow watcher may be behind before it is sent the whole map again.
const CHANGES_KEPT: usize = 64;
/// Maps kept ready; beyond it those that nobody watches go.
const MAPS_KEPT: usize = 2_000;

/// A seat map with its JSON.
#[derive(Debug)]
pub struct SeatMap {
    /// The map.
    pub view: SeatMapView,
    /// Its JSON.
    pub json: Bytes,
    /// Afterwards it is made anew even if no seat has changed: the show has ended.
    pub fresh_until: Timestamp,
}

impl SeatMap {
    /// Keeps a map with its JSON.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn new(view: SeatMapView, fresh_until: Timestamp) -> anyhow::Result<Self> {
        let json = serde_json::to_vec(&view)?.into();
        Ok(Self { view, json, fresh_until })
    }

    fn states(&self) -> BTreeMap<&str, &str> {
        let seats = self.view.rows.iter().flat_map(|row| &row.seats);
        seats.map(|seat| (seat.label.as_str(), seat.state.as_str())).collect()
    }

    /// What differs from another map, as the event's data; the whole map where there is no other.
    fn changes(&self, before: Option<&Self>) -> String {
        let before = before.map(Self::states).unwrap_or_default();
        let mut seats = self.states();
        seats.retain(|label, state| before.get(label) != Some(state));
        json!({ "version": self.view.version, "link": self.view.link, "seats": seats }).to_string()
    }
}

struct Posted {
    map: Arc<SeatMap>,
    watchers: broadcast::Sender<Arc<str>>,
}

/// The maps that are ready. Clones share them.
#[derive(Clone, Default)]
pub struct SeatBoard {
    posted: Arc<Mutex<BTreeMap<ShowId, Posted>>>,
}

impl SeatBoard {
    /// A show's map, if it is ready.
    pub fn map(&self, show: ShowId) -> Option<Arc<SeatMap>> {
        self.lock().get(&show).map(|posted| posted.map.clone())
    }

    /// Posts a map. Only the writer's thread may: a map made elsewhere could overwrite a newer one.
    pub fn post(&self, show: ShowId, map: Arc<SeatMap>) {
        let mut posted = self.lock();
        if posted.len() >= MAPS_KEPT {
            posted.retain(|_, posted| posted.watchers.receiver_count() > 0);
        }
        let watchers = posted.get(&show).map(|posted| posted.watchers.clone());
        let watchers = watchers.unwrap_or_else(|| broadcast::Sender::new(CHANGES_KEPT));
        posted.insert(show, Posted { map, watchers });
    }

    /// Takes down what nobody watches, and tells whether somebody watches the show.
    pub fn is_watched(&self, show: ShowId) -> bool {
        let mut posted = self.lock();
        let watched = posted.get(&show).is_some_and(|posted| posted.watchers.receiver_count() > 0);
        if !watched {
            posted.remove(&show);
        }
        watched
    }

    /// Posts a newer map and tells the watchers what changed.
    pub fn refresh(&self, show: ShowId, map: SeatMap) {
        let mut posted = self.lock();
        if let Some(posted) = posted.get_mut(&show)
            && posted.map.view.version != map.view.version
        {
            // Nobody listening any more is no fault.
            let _ = posted.watchers.send(map.changes(Some(&posted.map)).into());
            posted.map = Arc::new(map);
        }
    }

    /// The map with a subscription to its changes, if it is ready.
    fn watch(&self, show: ShowId) -> Option<(Arc<SeatMap>, broadcast::Receiver<Arc<str>>)> {
        self.lock().get(&show).map(|posted| (posted.map.clone(), posted.watchers.subscribe()))
    }

    /// Shows with a map, of the theatres that `of` accepts.
    pub fn shows(&self, of: impl Fn(ShowId) -> bool) -> Vec<ShowId> {
        self.lock().keys().copied().filter(|show| of(*show)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ShowId, Posted>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /v1/shows/{id}/events`: the whole map as the first event, then changes.
pub async fn events(
    State(app): State<App>,
    Path(show): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let show = crate::office::show_id(&show)?;
    let (map, changes) = watch(&app, show).await?;
    let (sender, events) = tokio::sync::mpsc::channel(CHANGES_KEPT);
    tokio::spawn(async move {
        let first: Arc<str> = map.changes(None).into();
        drop(map);
        pass_on(&app.board, show, first, changes, sender).await;
    });
    Ok(Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::default()))
}

async fn watch(app: &App, show: ShowId) -> Result<(Arc<SeatMap>, broadcast::Receiver<Arc<str>>), Problem> {
    // A commit may take the map down between posting and watching it.
    for _ in 0..3 {
        app.seat_map(show).await?;
        if let Some(watching) = app.board.watch(show) {
            return Ok(watching);
        }
    }
    Err(Problem::overloaded(1))
}

async fn pass_on(
    board: &SeatBoard,
    show: ShowId,
    first: Arc<str>,
    mut changes: broadcast::Receiver<Arc<str>>,
    sender: tokio::sync::mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut next = first;
    loop {
        if sender.send(Ok(Event::default().event("seats").data(&*next))).await.is_err() {
            return;
        }
        next = tokio::select! {
            // A watcher that has gone must not be counted until the next change.
            () = sender.closed() => return,
            change = changes.recv() => match change {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => match board.map(show) {
                    Some(map) => map.changes(None).into(),
                    None => return,
                },
                Err(RecvError::Closed) => return,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::view::{MovieRef, RowView, SeatView, ShowView, TheatreRef};
    use shared::ids::{ShowNumber, TheatreId};
    use shared::money::Money;

    fn map(version: &str, states: &[(&str, &str)]) -> SeatMap {
        let seat = |(label, state): &(&str, &str)| SeatView {
            label: (*label).into(),
            number: 1,
            column: 0,
            category: 0,
            state: (*state).into(),
            accessible: false,
            by_claim: false,
        };
        let show = ShowView {
            id: "1-1".into(),
            movie: MovieRef { id: 1, title: "Don".into() },
            theatre: TheatreRef { id: 1, name: "Rex".into() },
            screen: 1,
            starts_at: String::new(),
            ends_at: String::new(),
            from: Money::inr(1),
            seats_free: None,
            seats_count: None,
            state: "on_sale".into(),
        };
        let rows = vec![RowView { label: "A".into(), seats: states.iter().map(seat).collect() }];
        let (link, version) = ("live".into(), version.into());
        let view = SeatMapView { show, link, version, categories: Vec::new(), rows, counts: BTreeMap::new() };
        SeatMap::new(view, Timestamp(i64::MAX)).expect("json")
    }

    const SHOW: ShowId = ShowId { theatre: TheatreId(1), number: ShowNumber(1) };

    #[test]
    fn watchers_hear_only_what_changed() {
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(map("v1", &[("A1", "free"), ("A2", "free")])));
        let (_, mut changes) = board.watch(SHOW).expect("posted");
        board.refresh(SHOW, map("v1", &[("A1", "free"), ("A2", "free")]));
        board.refresh(SHOW, map("v2", &[("A1", "free"), ("A2", "sold")]));
        let heard = changes.try_recv().expect("a change");
        let heard: serde_json::Value = serde_json::from_str(&heard).expect("json");
        assert_eq!(heard, json!({ "version": "v2", "link": "live", "seats": { "A2": "sold" } }));
        assert!(changes.try_recv().is_err());
    }

    #[test]
    fn a_map_that_nobody_watches_is_taken_down_when_it_changes() {
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(map("v1", &[])));
        assert!(board.map(SHOW).is_some());
        assert!(!board.is_watched(SHOW));
        assert!(board.map(SHOW).is_none());
        board.post(SHOW, Arc::new(map("v1", &[])));
        let watching = board.watch(SHOW);
        assert!(board.is_watched(SHOW));
        drop(watching);
        assert!(!board.is_watched(SHOW));
    }
}
