//! Discovery: what customers search. It reads the catalogue and the schedule beside the writer and decides nothing.

pub mod cursor;
pub mod schedule;
pub mod search;

use crate::catalogue::movies::{self, Movie};
use crate::catalogue::theatres::{self, Theatre};
use crate::office::App;
use crate::pages::{CityCard, MovieCard};
use axum::Json;
use axum::extract::State;
use cursor::Cursor;
use node::problem::{Params, Problem};
use node::store::Sql;
use node::view::ShowView;
use schedule::Wanted;
use search::Searched;
use serde::{Deserialize, Serialize};
use shared::ids::{MovieId, TheatreId};

/// The most rows of one page of a list.
const PAGE_MAX: usize = 100;
/// How many rows a page has unless asked otherwise.
const PAGE: usize = 50;

/// A theatre in a list.
#[derive(Debug, Serialize)]
pub struct TheatreView {
    /// The id.
    pub id: u32,
    /// The name.
    pub name: String,
    /// The city.
    pub city: String,
    /// The chain, absent for an independent one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// How many screens.
    pub screens: u32,
}

impl From<Theatre> for TheatreView {
    fn from(theatre: Theatre) -> Self {
        let Theatre { id, name, city, chain, screens, .. } = theatre;
        Self { id: id.0, name, city, chain, screens }
    }
}

impl From<Movie> for MovieCard {
    fn from(movie: Movie) -> Self {
        let Movie { id, title, year, runtime_min, genres, cast } = movie;
        Self { id: id.0, title, year, runtime_min, genres, cast }
    }
}

/// `GET /v1/cities`
#[derive(Debug, Serialize)]
pub struct Cities {
    cities: Vec<CityCard>,
}

/// `GET /v1/theatres`
#[derive(Debug, Serialize)]
pub struct Theatres {
    theatres: Vec<TheatreView>,
    next: Option<String>,
}

/// `GET /v1/movies`
#[derive(Debug, Serialize)]
pub struct Movies {
    movies: Vec<MovieCard>,
    next: Option<String>,
}

/// `GET /v1/shows`
#[derive(Debug, Serialize)]
pub struct Shows {
    shows: Vec<ShowView>,
    next: Option<String>,
}

/// `GET /v1/search`
#[derive(Debug, Serialize)]
pub struct Found {
    movies: Vec<MovieCard>,
    theatres: Vec<TheatreView>,
}

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParams {
    city: Option<String>,
    q: Option<String>,
    movie: Option<u32>,
    theatre: Option<u32>,
    date: Option<String>,
    after: Option<Cursor>,
    limit: Option<usize>,
}

impl ListParams {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX)
    }

    fn after(&self) -> Vec<i64> {
        self.after.as_ref().map(|cursor| cursor.0.clone()).unwrap_or_default()
    }

    fn after_id(&self) -> u32 {
        self.after().first().and_then(|id| u32::try_from(*id).ok()).unwrap_or_default()
    }
}

/// Cuts a list that was read with one row more than asked for, and says where the next page begins.
fn cut<T>(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> Vec<i64>) -> (Vec<T>, Option<String>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| Cursor(key(row)).to_string());
    (rows, next)
}

/// Lists cities.
pub async fn cities(State(app): State<App>) -> Result<Json<Cities>, Problem> {
    let cities = app.readers.read(|conn| Ok(theatres::cities(conn)?)).await?;
    let cities = cities.into_iter().map(|(name, theatres)| CityCard { name, theatres }).collect();
    Ok(Json(Cities { cities }))
}

/// Lists theatres, all or those of a city.
pub async fn theatres(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Json<Theatres>, Problem> {
    let limit = params.limit();
    let list = move |conn: &dyn Sql| Ok(theatres::list(conn, params.city.as_deref(), params.after_id(), limit + 1)?);
    let (theatres, next) = cut(app.readers.read(list).await?, limit, |theatre| vec![i64::from(theatre.id.0)]);
    Ok(Json(Theatres { theatres: theatres.into_iter().map(Into::into).collect(), next }))
}

/// Lists movies: all, those like `q`, or those with a show to come in a city.
pub async fn movies(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Json<Movies>, Problem> {
    let (limit, now) = (params.limit(), app.clock.now().0);
    let after = params.after_id();
    let list = move |conn: &dyn Sql| match params.q.as_deref() {
        None => Ok(movies::list(conn, params.city.as_deref(), now, after, limit + 1)?),
        Some(q) => {
            let all = movies::list(conn, params.city.as_deref(), now, 0, usize::MAX)?;
            Ok(search::best(all, q, limit, Movie::searched))
        }
    };
    let (movies, next) = cut(app.readers.read(list).await?, limit, |movie| vec![i64::from(movie.id.0)]);
    Ok(Json(Movies { movies: movies.into_iter().map(Into::into).collect(), next }))
}

/// Lists shows that are not over, by start.
pub async fn shows(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Json<Shows>, Problem> {
    if let Some(date) = &params.date {
        node::zone::Zone::utc().day(date).map_err(|error| Problem::bad_request("bad_query", error.to_string()))?;
    }
    let (limit, now) = (params.limit(), app.clock.now());
    let wanted = Wanted {
        after: params.after(),
        city: params.city,
        movie: params.movie.map(MovieId),
        theatre: params.theatre.map(TheatreId),
        date: params.date,
        ends_after: now,
    };
    let rows = app.readers.read(move |conn| Ok(schedule::list(conn, &wanted, limit + 1)?)).await?;
    let (rows, next) = cut(rows, limit, schedule::ScheduledShow::key);
    Ok(Json(Shows { shows: rows.into_iter().map(|show| show.view(now)).collect(), next }))
}

/// Finds movies and theatres by words that may be misspelt.
pub async fn search(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Json<Found>, Problem> {
    let Some(q) = params.q.clone().filter(|q| !q.trim().is_empty()) else {
        return Err(Problem::bad_request("bad_query", "name what you look for as q"));
    };
    let limit = params.limit().min(20);
    let find = move |conn: &dyn Sql| {
        let movies = search::best(movies::list(conn, None, 0, 0, usize::MAX)?, &q, limit, Movie::searched);
        let theatres = theatres::list(conn, params.city.as_deref(), 0, usize::MAX)?;
        Ok((
            movies,
            search::best(theatres, &q, limit, |theatre| Searched {
                name: theatre.name.clone(),
                other: theatre.chain.iter().cloned().collect(),
            }),
        ))
    };
    let (movies, theatres) = app.readers.read(find).await?;
    let (movies, theatres) =
        (movies.into_iter().map(Into::into).collect(), theatres.into_iter().map(Into::into).collect());
    Ok(Json(Found { movies, theatres }))
}
