//! The customers' pages: what each reads before it is drawn.

use crate::bookings;
use crate::catalogue::{movies, theatres};
use crate::discovery::cursor::Cursor;
use crate::discovery::schedule::{self, ScheduledShow, Wanted};
use crate::discovery::search;
use crate::holds::customer;
use crate::office::{App, show_id};
use crate::pages::{self, CitiesPage, CityCard, MovieCard, MoviePage};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::Markup;
use node::problem::{Params, Problem};
use node::store::{Sql, StoreError};
use serde::Deserialize;
use shared::ids::MovieId;

/// Movies on one page of a city.
const MOVIES: usize = 48;
/// Days that a movie's page offers.
const DAYS: u32 = 14;
/// Shows of one movie in one city on one day.
const SHOWS_MAX: usize = 500;

/// A page, or the page that says why there is none.
pub struct Page(StatusCode, Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.0, [(header::CACHE_CONTROL, "no-store")], self.1).into_response()
    }
}

impl From<Problem> for Page {
    fn from(problem: Problem) -> Self {
        let title = match problem.status() {
            StatusCode::NOT_FOUND => "We could not find that",
            StatusCode::SERVICE_UNAVAILABLE => "Not possible at the moment",
            _ => "That did not work",
        };
        Self(problem.status(), pages::problem(title, problem.sentence(), problem.code()))
    }
}

impl From<anyhow::Error> for Page {
    fn from(error: anyhow::Error) -> Self {
        Problem::from(error).into()
    }
}

fn page(markup: Markup) -> Page {
    Page(StatusCode::OK, markup)
}

/// The query of the start page and of a movie's page.
#[derive(Debug, Default, Deserialize)]
pub struct Choice {
    city: Option<String>,
    q: Option<String>,
    date: Option<String>,
    after: Option<Cursor>,
}

impl Choice {
    fn city(&self) -> Option<String> {
        self.city.clone().filter(|city| !city.is_empty())
    }
}

/// `/`: cities, then what is on in one.
pub async fn home(State(app): State<App>, Params(choice): Params<Choice>) -> Result<Page, Page> {
    let now = app.clock.now().0;
    let (city, q) = (choice.city(), choice.q.filter(|q| !q.trim().is_empty()));
    let after = choice.after.and_then(|cursor| cursor.0.first().copied()).and_then(|id| u32::try_from(id).ok());
    let read = {
        let (city, q) = (city.clone(), q.clone());
        app.readers.read(move |conn| {
            let cities = city_cards(conn)?;
            let movies = match (&city, &q) {
                (None, _) => Vec::new(),
                (Some(city), None) => movies::list(conn, Some(city), now, after.unwrap_or_default(), MOVIES + 1)?,
                (Some(city), Some(q)) => {
                    let on = movies::list(conn, Some(city), now, 0, usize::MAX)?;
                    search::best(on, q, MOVIES, movies::Movie::searched)
                }
            };
            Ok((cities, movies))
        })
    };
    let (cities, mut movies) = read.await?;
    let more = movies.len() > MOVIES;
    movies.truncate(MOVIES);
    let next = movies.last().filter(|_| more).map(|movie| Cursor(vec![i64::from(movie.id.0)]).to_string());
    let movies: Vec<MovieCard> = movies.into_iter().map(Into::into).collect();
    let (city, query, next) = (city.as_deref(), q.as_deref(), next.as_deref());
    Ok(page(pages::cities(&CitiesPage { cities: &cities, city, query, movies: &movies, next })))
}

fn city_cards(conn: &dyn Sql) -> Result<Vec<CityCard>, StoreError> {
    let cities = theatres::cities(conn)?;
    Ok(cities.into_iter().map(|(name, theatres)| CityCard { name, theatres }).collect())
}

/// `/movies/{id}`: its shows on one day in one city.
pub async fn movie(
    State(app): State<App>,
    Path(id): Path<String>,
    Params(choice): Params<Choice>,
) -> Result<Page, Page> {
    let unknown = || Problem::not_found("unknown_movie", "There is no such movie.");
    let id: MovieId = id.parse().map_err(|_| unknown())?;
    let now = app.clock.now();
    let (city, wanted_date) = (choice.city(), choice.date);
    let read = app.readers.read(move |conn| {
        let Some(movie) = movies::by_id(conn, id)? else { return Ok(None) };
        let cities = city_cards(conn)?;
        let city = city.or_else(|| cities.first().map(|city| city.name.clone())).unwrap_or_default();
        let dates = schedule::dates(conn, &city, id, now, DAYS)?;
        let date = wanted_date.filter(|date| dates.contains(date)).or_else(|| dates.first().cloned());
        let wanted = Wanted {
            city: Some(city.clone()),
            movie: Some(id),
            date: date.clone(),
            ends_after: now,
            ..Wanted::default()
        };
        let shows = if date.is_some() { schedule::list(conn, &wanted, SHOWS_MAX)? } else { Vec::new() };
        Ok(Some((movie, cities, city, dates, date.unwrap_or_default(), shows)))
    });
    let (movie, cities, city, dates, date, shows) = read.await?.ok_or_else(unknown)?;
    let (movie, shows) = (MovieCard::from(movie), shows.into_iter().map(|show: ScheduledShow| show.view(now)));
    let shows: Vec<_> = shows.collect();
    let view = MoviePage { movie: &movie, cities: &cities, city: &city, dates: &dates, date: &date, shows: &shows };
    Ok(page(pages::movie(&view)))
}

/// `/shows/{id}`: the seat map that sells. A browser is told apart from others from here on.
pub async fn show(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Page> {
    let show = show_id(&id).map_err(Problem::from)?;
    let map = app.seat_map(show).await?;
    let page = page(pages::seat_map(&map.view));
    if customer::device(&headers).is_some() {
        return Ok(page.into_response());
    }
    let secure = app.public_url.starts_with("https:");
    Ok(([(header::SET_COOKIE, customer::new_cookie(secure))], page).into_response())
}

/// `/bookings`: a booking is found again by its code and contact.
pub async fn lookup() -> Page {
    page(pages::lookup())
}

/// `/bookings/{id}`: where it stands, its tickets, the way to cancel it.
pub async fn booking(State(app): State<App>, Path(id): Path<String>) -> Result<Page, Page> {
    let booking = bookings::find(&app, bookings::booking_id(&id)?).await?;
    Ok(page(pages::booking(&booking)))
}
