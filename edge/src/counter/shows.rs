//! Shows and their seats, and the shows this house adds itself.

use crate::desk::Desk;
use crate::house::House;
use crate::staff::Task;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::problem::{JsonBody, Params, Problem};
use node::view::ShowView;
use node::zone::parse_rfc3339;
use serde::{Deserialize, Serialize};
use shared::entry::ShowFacts;
use shared::ids::{MovieId, ScreenId, ShowNumber};
use shared::money::Money;
use shared::refusal::Refusal;
use shared::show::Show;
use shared::time::Timestamp;
use std::sync::Arc;

/// Which day's shows.
#[derive(Debug, Deserialize)]
pub struct ShowsQuery {
    date: Option<String>,
}

/// Shows by start.
#[derive(Debug, Serialize)]
pub struct ShowList {
    /// The day they begin on.
    date: Option<String>,
    /// The last day before it on which a show begins that is not over.
    before: Option<String>,
    /// The first day after it on which a show begins.
    after: Option<String>,
    shows: Vec<ShowView>,
}

/// `GET /v1/shows?date=`: the shows that begin on a local date; without one, those that are not over of the first date that
/// has any.
pub async fn list(
    State(house): State<Arc<House>>,
    Params(query): Params<ShowsQuery>,
) -> Result<Json<ShowList>, Problem> {
    let day = query.date.as_deref().map(|date| house.identity.zone.day(date)).transpose();
    let day = day.map_err(|error| Problem::bad_request("bad_date", error.to_string()))?;
    Ok(Json(house.writer.run(move |desk, _, now| desk.shows_on(query.date, day, now)).await?))
}

impl Desk {
    /// The shows that begin on a day; without one, those that are not over of the first day that has any.
    fn shows_on(
        &self,
        date: Option<String>,
        day: Option<(Timestamp, Timestamp)>,
        now: Timestamp,
    ) -> anyhow::Result<ShowList> {
        let zone = &self.identity().zone;
        let shows = || self.replica().ledger().shows();
        let to_come = || shows().filter(|show| now < show.facts.ends_at()).map(|show| show.facts.starts_at());
        let (date, all) = match date {
            Some(date) => (Some(date), true),
            None => (to_come().min().map(|starts| zone.local_date(starts)), false),
        };
        let day = match (day, &date) {
            (None, Some(date)) => Some(zone.day(date).context("read a day of the house's own")?),
            (day, _) => day,
        };
        let Some((from, until)) = day else {
            return Ok(ShowList { date, before: None, after: None, shows: Vec::new() });
        };
        let begins = |show: &&Show| (from..until).contains(&show.facts.starts_at());
        let mut chosen: Vec<_> = shows().filter(begins).filter(|show| all || now < show.facts.ends_at()).collect();
        chosen.sort_by_key(|show| (show.facts.starts, show.facts.screen, show.facts.number));
        let before = to_come().filter(|starts| *starts < from).max();
        let after = to_come().filter(|starts| *starts >= until).min();
        let view = self.view();
        Ok(ShowList {
            date,
            before: before.map(|starts| zone.local_date(starts)),
            after: after.map(|starts| zone.local_date(starts)),
            shows: chosen.into_iter().map(|show| view.counted(show, now)).collect(),
        })
    }
}

/// `GET /v1/shows/{show}/seats`, with the map's version as ETag.
pub async fn seats(
    State(house): State<Arc<House>>,
    Path(show): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let map = house
        .writer
        .run(move |desk, _, now| Ok(desk.replica().ledger().show(number).map(|show| desk.view().seat_map(show, now))));
    let map = map.await?.ok_or(Refusal::UnknownShow)?;
    let tag = format!("\"{}\"", map.version);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Json(map).into_response() };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// A show that this house adds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowRequest {
    screen: u8,
    title: String,
    starts_at: String,
    ends_at: String,
    /// By category, cheapest first, as the screen's plan lists them.
    prices: Vec<Money>,
}

/// `POST /v1/shows`: a late show; all its seats are the counter's.
pub async fn add(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<ShowRequest>,
) -> Result<(StatusCode, Json<ShowView>), Problem> {
    house.authorise(&headers, Task::Shows).await?;
    let bad_time = |error: node::zone::BadTime| Problem::unprocessable("bad_time", error.to_string());
    let starts = parse_rfc3339(&request.starts_at).map_err(bad_time)?;
    let ends = parse_rfc3339(&request.ends_at).map_err(bad_time)?;
    if starts.minutes() >= ends.minutes() {
        return Err(Problem::unprocessable("bad_time", "A show ends after it starts."));
    }
    let title = request.title.trim().to_owned();
    if !(1..=120).contains(&title.chars().count()) {
        return Err(Problem::unprocessable("bad_title", "A title has 1 to 120 characters."));
    }
    let currency = house.identity.join.currency;
    let price = |money: &Money| u32::try_from(money.minor).ok().filter(|_| money.currency == currency);
    let bad_price = || Problem::unprocessable("bad_price", format!("Prices are not negative, in {}.", currency.code()));
    let prices = request.prices.iter().map(|money| price(money).ok_or_else(bad_price)).collect::<Result<_, _>>()?;
    let screen = ScreenId(request.screen);
    let added = house.writer.run(move |desk, _, now| {
        let Some(plan) = desk.replica().ledger().newest_plan(screen) else { return Ok(Err(Refusal::UnknownPlan)) };
        let facts = ShowFacts {
            number: desk.next_show_number(),
            screen,
            movie: MovieId(0),
            title,
            starts: starts.minutes(),
            ends: ends.minutes(),
            plan: plan.plan.version,
            currency,
            prices,
            edge_seats: Vec::new(),
        };
        let number = facts.number;
        Ok(desk.replica_mut().add_show(facts, now).and_then(|()| view_of(desk, number, now)))
    });
    Ok((StatusCode::CREATED, Json(added.await??)))
}

/// `POST /v1/shows/{show}/cancellation`: for ever.
pub async fn cancel(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Path(show): Path<String>,
) -> Result<Json<ShowView>, Problem> {
    house.authorise(&headers, Task::Shows).await?;
    let number = house.show_number(&show).ok_or(Refusal::UnknownShow)?;
    let cancelled = house.writer.run(move |desk, _, now| {
        Ok(desk.replica_mut().cancel_show(number, now).and_then(|()| view_of(desk, number, now)))
    });
    Ok(Json(cancelled.await??))
}

fn view_of(desk: &Desk, number: ShowNumber, now: Timestamp) -> Result<ShowView, Refusal> {
    let show = desk.replica().ledger().show(number).ok_or(Refusal::UnknownShow)?;
    Ok(desk.view().show(show, now))
}
