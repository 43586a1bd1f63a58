//! The schedule: a projection of the ledgers' shows, kept for searching by city, movie and date.

use crate::catalogue::theatres::Theatre;
use node::store::{Row, Sql, StoreError, Value};
use node::values;
use node::view::{MovieRef, ShowView, TheatreRef};
use node::zone::Zone;
use shared::entry::ShowFacts;
use shared::ids::{MovieId, ShowId, ShowNumber, TheatreId};
use shared::money::{Currency, Money};
use shared::time::Timestamp;

/// A show of the schedule.
#[derive(Debug, Clone)]
pub struct ScheduledShow {
    id: ShowId,
    movie: MovieId,
    title: String,
    theatre_name: String,
    zone: Zone,
    screen: u8,
    starts_at: Timestamp,
    ends_at: Timestamp,
    from: Money,
    seats: u32,
    cancelled: bool,
}

/// Which shows a list should have.
#[derive(Debug, Default)]
pub struct Wanted {
    /// In this city.
    pub city: Option<String>,
    /// Of this movie.
    pub movie: Option<MovieId>,
    /// In this theatre.
    pub theatre: Option<TheatreId>,
    /// On this local date, `2026-11-23`.
    pub date: Option<String>,
    /// Not over at this moment.
    pub ends_after: Timestamp,
    /// Sorted after this key.
    pub after: Vec<i64>,
}

impl ScheduledShow {
    /// Where the show stands in the list: start, theatre, number.
    pub fn key(&self) -> Vec<i64> {
        vec![self.starts_at.0, i64::from(self.id.theatre.0), i64::from(self.id.number.0)]
    }

    /// The zone of the theatre's clocks.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The show as lists carry it.
    pub fn view(self, now: Timestamp) -> ShowView {
        let state = match (self.cancelled, self.ends_at <= now) {
            (true, _) => "cancelled",
            (false, true) => "ended",
            (false, false) => "on_sale",
        };
        ShowView {
            id: self.id.to_string(),
            movie: MovieRef { id: self.movie.0, title: self.title },
            theatre: TheatreRef { id: self.id.theatre.0, name: self.theatre_name },
            screen: self.screen,
            starts_at: self.zone.rfc3339(self.starts_at),
            ends_at: self.zone.rfc3339(self.ends_at),
            from: self.from,
            seats_free: None,
            seats_count: Some(self.seats),
            state: state.to_owned(),
        }
    }
}

/// A show of the schedule with its theatre.
const SHOWS: &str = "SELECT s.*, t.name AS theatre_name, t.zone, t.currency
     FROM schedule s JOIN theatre t ON t.id = s.theatre WHERE ";
/// A city's theatres first: `CROSS` keeps SQLite from a movie's shows everywhere.
const SHOWS_IN_CITY: &str = "SELECT s.*, t.name AS theatre_name, t.zone, t.currency
     FROM theatre t CROSS JOIN schedule s WHERE t.id = s.theatre AND ";

/// Shows by start. The statement has only the conditions that are asked for, so that each has its index.
pub fn list(conn: &dyn Sql, wanted: &Wanted, limit: usize) -> Result<Vec<ScheduledShow>, StoreError> {
    let shows = if wanted.city.is_some() { SHOWS_IN_CITY } else { SHOWS };
    let mut question = Question::new(shows, "s.ends_at > ?", Value::Int(wanted.ends_after.0));
    if let Some(city) = &wanted.city {
        question.and("lower(t.city) = lower(?)", [Value::Text(city)]);
    }
    if let Some(movie) = wanted.movie {
        question.and("s.movie = ?", [Value::Int(movie.0.into())]);
    }
    if let Some(theatre) = wanted.theatre {
        question.and("s.theatre = ?", [Value::Int(theatre.0.into())]);
    }
    if let Some(date) = &wanted.date {
        question.and("s.local_date = ?", [Value::Text(date)]);
    }
    if let Ok(after) = <[i64; 3]>::try_from(wanted.after.clone()) {
        question.and("(s.starts_at, s.theatre, s.number) > (?, ?, ?)", after.map(Value::Int));
    }
    if wanted.city.is_none() && wanted.movie.is_none() && wanted.theatre.is_none() {
        let longest = "s.starts_at > ? - (SELECT coalesce(max(ends_at - starts_at), 0) FROM schedule)";
        question.and(longest, [Value::Int(wanted.ends_after.0)]);
    }
    let (text, values) = question.by_start(i64::try_from(limit).unwrap_or(i64::MAX));
    conn.all(&text, &values, from_row)
}

/// A question with as many conditions as are asked for.
struct Question<'w> {
    text: String,
    values: Vec<Value<'w>>,
}

impl<'w> Question<'w> {
    fn new(shows: &str, condition: &str, value: Value<'w>) -> Self {
        let mut question = Self { text: shows.to_owned(), values: Vec::new() };
        question.write(condition, [value]);
        question
    }

    fn and<const N: usize>(&mut self, condition: &str, values: [Value<'w>; N]) {
        self.text += " AND ";
        self.write(condition, values);
    }

    fn by_start(mut self, limit: i64) -> (String, Vec<Value<'w>>) {
        self.write(" ORDER BY s.starts_at, s.theatre, s.number LIMIT ?", [Value::Int(limit)]);
        (self.text, self.values)
    }

    /// Each `?` gets the number of its value.
    fn write<const N: usize>(&mut self, words: &str, values: [Value<'w>; N]) {
        let mut parts = words.split('?');
        self.text += parts.next().unwrap_or_default();
        for (value, part) in values.into_iter().zip(parts) {
            self.values.push(value);
            self.text += &format!("?{}{part}", self.values.len());
        }
    }
}

/// One show.
pub fn by_id(conn: &dyn Sql, show: ShowId) -> Result<Option<ScheduledShow>, StoreError> {
    let text = format!("{SHOWS}s.theatre = ?1 AND s.number = ?2");
    conn.first(&text, values![show.theatre.0, show.number.0], from_row)
}

/// The local dates with shows of a movie in a city to come, at most `limit`.
pub fn dates(
    conn: &dyn Sql,
    city: &str,
    movie: MovieId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    conn.all(
        "SELECT DISTINCT s.local_date FROM theatre t CROSS JOIN schedule s
         WHERE t.id = s.theatre AND lower(t.city) = lower(?1) AND s.movie = ?2 AND s.ends_at > ?3 ORDER BY s.local_date LIMIT ?4",
        values![city, movie.0, now.0, limit],
        |row| row.get(0),
    )
}

fn from_row(row: &dyn Row) -> Result<ScheduledShow, StoreError> {
    let (zone, currency): (String, String) = (row.get("zone")?, row.get("currency")?);
    let currency = Currency::parse(&currency).unwrap_or(Currency::INR);
    Ok(ScheduledShow {
        id: ShowId { theatre: TheatreId(row.get("theatre")?), number: ShowNumber(row.get("number")?) },
        movie: MovieId(row.get("movie")?),
        title: row.get("title")?,
        theatre_name: row.get("theatre_name")?,
        zone: Zone::named(&zone).unwrap_or_else(|_| Zone::utc()),
        screen: row.get("screen")?,
        starts_at: Timestamp(row.get("starts_at")?),
        ends_at: Timestamp(row.get("ends_at")?),
        from: Money { minor: row.get("from_minor")?, currency },
        seats: row.get("seats")?,
        cancelled: row.get("cancelled")?,
    })
}

/// The highest number of a show of central's that this theatre has had, or may have had before a backup was put back.
pub fn highest_number(conn: &dyn Sql, theatre: TheatreId) -> Result<u32, StoreError> {
    let used = "SELECT coalesce(max(number), 0) FROM schedule WHERE theatre = ?1 AND number < ?2";
    let used: u32 = conn.only(used, values![theatre.0, ShowNumber::EDGE_BIT], |row| row.get(0))?;
    let floor = "SELECT coalesce(max(number), 0) FROM number_floor WHERE theatre = ?1";
    let floor: u32 = conn.only(floor, values![theatre.0], |row| row.get(0))?;
    Ok(used.max(floor))
}

/// What the cheapest seat of a show costs from now on, minor units.
pub fn set_from(conn: &dyn Sql, show: ShowId, minor: u32) -> Result<(), StoreError> {
    let update = "UPDATE schedule SET from_minor = ?3 WHERE theatre = ?1 AND number = ?2";
    conn.send(update, values![show.theatre.0, show.number.0, minor])
}

/// Writes a show of a theatre's ledger into the schedule.
pub fn put(conn: &dyn Sql, theatre: &Theatre, facts: &ShowFacts, seats: usize) -> Result<(), StoreError> {
    let zone = Zone::named(&theatre.zone).unwrap_or_else(|_| Zone::utc());
    conn.send(
        "INSERT INTO schedule
             (theatre, number, screen, movie, title, starts_at, ends_at, local_date, from_minor, seats, cancelled)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0)
         ON CONFLICT (theatre, number) DO UPDATE SET
             (screen, movie, title, starts_at, ends_at, local_date, from_minor, seats, cancelled)
             = (excluded.screen, excluded.movie, excluded.title, excluded.starts_at, excluded.ends_at,
                excluded.local_date, excluded.from_minor, excluded.seats, excluded.cancelled)",
        values![
            theatre.id.0,
            facts.number.0,
            facts.screen.0,
            facts.movie.0,
            facts.title,
            facts.starts_at().0,
            facts.ends_at().0,
            zone.local_date(facts.starts_at()),
            facts.prices.iter().min().copied().unwrap_or_default(),
            i64::try_from(seats).unwrap_or(i64::MAX),
        ],
    )
}

/// The theatre's clocks show something else: its shows may be on other days.
pub fn follow_zone(conn: &dyn Sql, theatre: TheatreId, zone: &Zone) -> Result<(), StoreError> {
    let all = "SELECT number, starts_at FROM schedule WHERE theatre = ?1";
    let shows: Vec<(u32, i64)> = conn.all(all, values![theatre.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (number, starts_at) in shows {
        let update = "UPDATE schedule SET local_date = ?3 WHERE theatre = ?1 AND number = ?2";
        conn.send(update, values![theatre.0, number, zone.local_date(Timestamp(starts_at))])?;
    }
    Ok(())
}

/// Marks a show cancelled, for ever.
pub fn cancel(conn: &dyn Sql, show: ShowId) -> Result<(), StoreError> {
    conn.send(
        "UPDATE schedule SET cancelled = 1 WHERE theatre = ?1 AND number = ?2",
        values![show.theatre.0, show.number.0],
    )
}
