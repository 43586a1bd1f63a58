//! The stage's own interface: where everything is, what is true, what happened, and the switches.

use crate::clock::now;
use crate::house::{CASHIER, Cut, House, HouseCut, MANAGER, Staff};
use crate::tape::{Event, Tape};
use crate::truth::{Report, Truth};
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use node::problem::{JsonBody, Params, Problem};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Money and sales that are on their way may take so long before the panel counts them.
const GRACE: Duration = Duration::from_secs(10);
/// The panel is made anew at most so often, however many pages ask.
const PANEL_LASTS: Duration = Duration::from_millis(400);

/// What the stage shows and switches.
pub struct Stage {
    house: House,
    truth: Truth,
    tape: Arc<Tape>,
    report: Mutex<Option<(Instant, Report)>>,
}

impl Stage {
    /// The stage of a house.
    pub fn new(house: House, truth: Truth) -> Self {
        let tape = Arc::new(Tape::of(&house));
        Self { house, truth, tape, report: Mutex::new(None) }
    }

    /// The house.
    pub fn house(&self) -> &House {
        &self.house
    }

    /// The tape; somebody has to [`Tape::follow`] the books for it to fill.
    pub fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// The house again, for its end.
    pub fn into_house(self) -> House {
        self.house
    }
}

/// The routes under `/api/`.
pub fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .route("/api/house", get(house))
        .route("/api/truth", get(truth))
        .route("/api/tape", get(tape))
        .route("/api/theatres/{theatre}/cut", post(cut_theatre))
        .route("/api/house/cut", post(cut_house))
        .route("/api/heal", post(heal))
        .with_state(stage)
}

/// Where everything is and how its lines are.
#[derive(Debug, Serialize)]
struct HouseView {
    seed: u64,
    /// The customers' page.
    customer: String,
    simulator: String,
    /// What fails for the whole house, nothing where all is well.
    cut: Option<HouseCut>,
    staff: [Staff; 2],
    theatres: Vec<TheatreView>,
}

#[derive(Debug, Serialize)]
struct TheatreView {
    /// Its number in the switches, from 1.
    number: usize,
    id: u32,
    name: String,
    city: String,
    /// The counter's page.
    counter: String,
    doors: Vec<DoorView>,
    /// How its line is cut, nothing where it is open.
    cut: Option<Cut>,
    /// `live suspect locked_down reconciling`, as the edge sees it; `unreachable` where it does not answer.
    link: String,
    /// Bytes on its line so far, both ways.
    line_bytes: u64,
}

#[derive(Debug, Serialize)]
struct DoorView {
    name: String,
    url: String,
}

async fn house(State(stage): State<Arc<Stage>>) -> Json<HouseView> {
    let house = &stage.house;
    let mut theatres = Vec::new();
    for (number, place) in (1..).zip(house.theatres()) {
        let doors = place.doors.iter().map(|door| DoorView { name: door.name.clone(), url: door.url.clone() });
        theatres.push(TheatreView {
            number,
            id: place.id,
            name: place.name.clone(),
            city: place.city.clone(),
            counter: place.edge_url.clone(),
            doors: doors.collect(),
            cut: place.cut_now(),
            link: link_state(place.link().await),
            line_bytes: place.line_bytes(),
        });
    }
    Json(HouseView {
        seed: house.seed(),
        customer: house.central_url().to_owned(),
        simulator: house.simulator_url().to_owned(),
        cut: house.house_cut(),
        staff: [CASHIER, MANAGER],
        theatres,
    })
}

fn link_state(link: anyhow::Result<node::view::LinkView>) -> String {
    link.map_or_else(|_| "unreachable".to_owned(), |link| link.state)
}

/// The panel with the story of each finding.
#[derive(Debug, Serialize)]
struct TruthView {
    #[serde(flatten)]
    panel: crate::truth::Panel,
    holds: bool,
    stories: Vec<String>,
}

async fn truth(State(stage): State<Arc<Stage>>) -> Result<Json<TruthView>, Problem> {
    let mut kept = stage.report.lock().await;
    let fresh = kept.as_ref().filter(|(at, _)| at.elapsed() < PANEL_LASTS).map(|(_, report)| report.clone());
    let report = match fresh {
        Some(report) => report,
        None => {
            let report = stage.truth.report(GRACE).await?;
            *kept = Some((Instant::now(), report.clone()));
            report
        }
    };
    Ok(Json(TruthView { holds: report.panel.holds(), panel: report.panel, stories: report.stories }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TapeQuery {
    /// Only events after this number.
    #[serde(default)]
    after: u64,
}

#[derive(Debug, Serialize)]
struct TapeView {
    events: Vec<Event>,
}

async fn tape(State(stage): State<Arc<Stage>>, Params(query): Params<TapeQuery>) -> Json<TapeView> {
    Json(TapeView { events: stage.tape.after(query.after) })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CutRequest<Mode> {
    mode: Mode,
}

async fn cut_theatre(
    State(stage): State<Arc<Stage>>,
    Path(number): Path<usize>,
    JsonBody(request): JsonBody<CutRequest<Cut>>,
) -> Result<Json<HouseView>, Problem> {
    let index = number.checked_sub(1).filter(|index| *index < stage.house.theatres().len());
    let index = index.ok_or_else(|| Problem::not_found("unknown_theatre", format!("there is no theatre {number}")))?;
    stage.house.cut(index, request.mode);
    let place = stage.house.theatres().get(index).map_or("", |place| place.name.as_str());
    stage.tape.note(now(), place, "cut", format!("the line is cut: {}", words(request.mode)));
    Ok(house(State(stage)).await)
}

fn words(cut: Cut) -> &'static str {
    match cut {
        Cut::Clean => "clean",
        Cut::UpOnly => "only up still works",
        Cut::DownOnly => "only down still works",
        Cut::Latency => "30 s late each way",
    }
}

async fn cut_house(
    State(stage): State<Arc<Stage>>,
    JsonBody(request): JsonBody<CutRequest<HouseCut>>,
) -> Result<Json<HouseView>, Problem> {
    stage.house.cut_house(request.mode).await?;
    let text = match request.mode {
        HouseCut::Broker => "no theatre reaches the broker",
        HouseCut::Central => "central is stopped",
    };
    stage.tape.note(now(), "house", "cut", text.to_owned());
    Ok(house(State(stage)).await)
}

async fn heal(State(stage): State<Arc<Stage>>) -> Result<Json<HouseView>, Problem> {
    stage.house.heal().await?;
    stage.tape.note(now(), "house", "healed", "all lines are open".to_owned());
    Ok(house(State(stage)).await)
}
