//! The seat board: the seat maps that customers look at, kept ready and refreshed after each commit, with their changes
//! as server-sent events.

use crate::office::{App, Office};
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
use std::collections::btree_map::Entry;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// A map that takes no longer than this is drawn at every change.
const SLIGHT: Duration = Duration::from_millis(5);
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
    drawn_at: Instant,
    took: Duration,
}

impl SeatMap {
    /// Draws a map and keeps it with its JSON.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn draw(fresh_until: Timestamp, view: impl FnOnce() -> SeatMapView) -> anyhow::Result<Self> {
        let began = Instant::now();
        let view = view();
        let json = serde_json::to_vec(&view)?.into();
        Ok(Self { view, json, fresh_until, drawn_at: Instant::now(), took: began.elapsed() })
    }

    /// How long it may stay as it is although seats have changed: a large hall is drawn on the writer's thread, and so seldom that
    /// nine tenths of the time are left for those who buy.
    fn rests(&self) -> Duration {
        if self.took < SLIGHT { Duration::ZERO } else { (self.took * 9).saturating_sub(self.drawn_at.elapsed()) }
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
    /// Seats have changed since it was drawn.
    is_behind: bool,
    watchers: broadcast::Sender<Arc<str>>,
}

impl Posted {
    /// Shows a newer map, and tells the watchers what changed.
    fn show(&mut self, map: Arc<SeatMap>) {
        self.is_behind = false;
        if self.map.view.version != map.view.version && self.watchers.receiver_count() > 0 {
            // Nobody listening any more is no fault.
            let _ = self.watchers.send(map.changes(Some(&self.map)).into());
        }
        self.map = map;
    }
}

/// A map that somebody watches from now on.
struct Watching {
    map: Arc<SeatMap>,
    changes: broadcast::Receiver<Arc<str>>,
    /// It is behind and nobody watched it: it is not going to be drawn again by itself.
    is_forgotten: bool,
}

/// What is to be done for a show whose seats have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redraw {
    /// Nothing: nobody watches it.
    No,
    /// Its map is drawn now.
    Now,
    /// Its map is drawn when this time is over.
    After(Duration),
}

/// The maps that are ready. Clones share them.
#[derive(Clone, Default)]
pub struct SeatBoard {
    posted: Arc<Mutex<BTreeMap<ShowId, Posted>>>,
}

impl SeatBoard {
    /// A show's map, if it is ready.
    pub fn map(&self, show: ShowId) -> Option<Arc<SeatMap>> {
        let posted = self.lock();
        let posted = posted.get(&show).filter(|posted| !posted.is_behind || !posted.map.rests().is_zero());
        posted.map(|posted| posted.map.clone())
    }

    /// A show's map, if nothing has changed since it was drawn.
    pub fn current(&self, show: ShowId) -> Option<Arc<SeatMap>> {
        self.lock().get(&show).filter(|posted| !posted.is_behind).map(|posted| posted.map.clone())
    }

    /// A show's last map.
    fn latest(&self, show: ShowId) -> Option<Arc<SeatMap>> {
        self.lock().get(&show).map(|posted| posted.map.clone())
    }

    /// Posts a map. Only the writer's thread may: a map made elsewhere could overwrite a newer one.
    pub fn post(&self, show: ShowId, map: Arc<SeatMap>) {
        let mut posted = self.lock();
        if posted.len() >= MAPS_KEPT {
            posted.retain(|_, posted| posted.watchers.receiver_count() > 0);
        }
        match posted.entry(show) {
            Entry::Occupied(mut there) => there.get_mut().show(map),
            Entry::Vacant(place) => {
                place.insert(Posted { map, is_behind: false, watchers: broadcast::Sender::new(CHANGES_KEPT) });
            }
        }
    }

    /// Seats of a show have changed: takes its map down if nobody watches it, and tells when it is to be drawn.
    pub fn note_change(&self, show: ShowId) -> Redraw {
        let mut posted = self.lock();
        let Some(found) = posted.get_mut(&show) else { return Redraw::No };
        let (is_watched, rests) = (found.watchers.receiver_count() > 0, found.map.rests());
        found.is_behind = true;
        match (is_watched, rests.is_zero()) {
            (true, true) => return Redraw::Now,
            (true, false) => return Redraw::After(rests),
            (false, false) => {}
            (false, true) => drop(posted.remove(&show)),
        }
        Redraw::No
    }

    /// Posts a newer map and tells the watchers what changed.
    pub fn refresh(&self, show: ShowId, map: SeatMap) {
        if let Some(posted) = self.lock().get_mut(&show) {
            posted.show(Arc::new(map));
        }
    }

    /// The map with a subscription to its changes, if it is ready.
    fn watch(&self, show: ShowId) -> Option<Watching> {
        let posted = self.lock();
        let posted = posted.get(&show)?;
        let is_forgotten = posted.is_behind && posted.watchers.receiver_count() == 0;
        Some(Watching { map: posted.map.clone(), changes: posted.watchers.subscribe(), is_forgotten })
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
    let Watching { map, changes, .. } = watch(&app, show).await?;
    let (sender, events) = tokio::sync::mpsc::channel(CHANGES_KEPT);
    tokio::spawn(async move {
        let first: Arc<str> = map.changes(None).into();
        drop(map);
        pass_on(&app, show, first, changes, sender).await;
    });
    Ok(Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::default()))
}

async fn watch(app: &App, show: ShowId) -> Result<Watching, Problem> {
    // A commit may take the map down between posting and watching it.
    for _ in 0..3 {
        app.seat_map(show).await?;
        if let Some(watching) = app.board.watch(show) {
            if watching.is_forgotten {
                let redraw = app.writer.run_for_newcomer(move |desk, _, _| {
                    desk.redraw(show);
                    Ok(())
                });
                redraw.await?;
            }
            return Ok(watching);
        }
    }
    Err(Problem::overloaded(1))
}

async fn pass_on(
    app: &Office,
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
            // Another node works now, and this board shows what was.
            () = app.ending.wait() => return,
            change = changes.recv() => match change {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => match app.board.latest(show) {
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
        SeatMap::draw(Timestamp(i64::MAX), || view).expect("json")
    }

    const SHOW: ShowId = ShowId { theatre: TheatreId(1), number: ShowNumber(1) };

    #[test]
    fn watchers_hear_only_what_changed() {
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(map("v1", &[("A1", "free"), ("A2", "free")])));
        let Watching { mut changes, .. } = board.watch(SHOW).expect("posted");
        board.refresh(SHOW, map("v1", &[("A1", "free"), ("A2", "free")]));
        board.refresh(SHOW, map("v2", &[("A1", "free"), ("A2", "sold")]));
        let heard = changes.try_recv().expect("a change");
        let heard: serde_json::Value = serde_json::from_str(&heard).expect("json");
        assert_eq!(heard, json!({ "version": "v2", "link": "live", "seats": { "A2": "sold" } }));
        assert!(changes.try_recv().is_err());
    }

    #[test]
    fn watchers_hear_what_changed_whoever_had_the_newer_map_drawn() {
        let large = |version, state| SeatMap { took: Duration::from_secs(60), ..map(version, &[("A1", state)]) };
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(large("v1", "free")));
        let Watching { mut changes, .. } = board.watch(SHOW).expect("posted");
        assert!(matches!(board.note_change(SHOW), Redraw::After(_)));
        board.post(SHOW, Arc::new(large("v2", "sold")));
        assert!(changes.try_recv().expect("a change").contains(r#""A1":"sold""#));
        assert_eq!(board.current(SHOW).expect("posted").view.version, "v2");
    }

    #[test]
    fn a_map_that_was_let_be_behind_is_drawn_again_for_its_first_watcher() {
        let large = || SeatMap { took: Duration::from_secs(60), ..map("v1", &[]) };
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(large()));
        assert!(!board.watch(SHOW).expect("posted").is_forgotten);
        assert_eq!(board.note_change(SHOW), Redraw::No);
        let first = board.watch(SHOW).expect("posted");
        assert!(first.is_forgotten && !board.watch(SHOW).expect("posted").is_forgotten);
        assert!(matches!(board.note_change(SHOW), Redraw::After(_)), "it is watched now");
    }

    #[test]
    fn a_map_that_nobody_watches_is_taken_down_when_it_changes() {
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(map("v1", &[])));
        assert!(board.map(SHOW).is_some());
        assert_eq!(board.note_change(SHOW), Redraw::No);
        assert!(board.map(SHOW).is_none());
        board.post(SHOW, Arc::new(map("v1", &[])));
        let watching = board.watch(SHOW);
        assert_eq!(board.note_change(SHOW), Redraw::Now);
        drop(watching);
        assert_eq!(board.note_change(SHOW), Redraw::No);
    }

    #[test]
    fn a_hall_that_takes_long_to_draw_is_drawn_seldom_and_shown_as_it_was_meanwhile() {
        let large = |took| SeatMap { took, ..map("v1", &[]) };
        let board = SeatBoard::default();
        board.post(SHOW, Arc::new(large(Duration::from_secs(60))));
        assert_eq!(board.note_change(SHOW), Redraw::No);
        assert!(board.map(SHOW).is_some(), "nobody watches it, and it is not drawn for everybody who looks");
        let watching = board.watch(SHOW);
        assert!(matches!(board.note_change(SHOW), Redraw::After(rests) if rests > Duration::from_secs(500)));
        drop(watching);
        let drawn_at = Instant::now().checked_sub(Duration::from_secs(1)).expect("a second ago");
        board.post(SHOW, Arc::new(SeatMap { drawn_at, ..large(Duration::from_millis(100)) }));
        let _watching = board.watch(SHOW);
        assert_eq!(board.note_change(SHOW), Redraw::Now);
        assert!(board.map(SHOW).is_none(), "it is behind, and has rested");
    }
}
