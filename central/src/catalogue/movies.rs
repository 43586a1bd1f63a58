//! Movies: import from CSV, and looking them up.

use super::import::{ImportError, ImportReport, Imported, Row, RowError, read_table};
use crate::discovery::search::Searched;
use node::store::{self, Sql, StoreError};
use node::values;
use shared::ids::MovieId;
use std::io::Read;

const COLUMNS: &[&str] = &["title", "year", "runtime_min"];
/// How many leading names of a cast are kept.
const CAST_MAX: usize = 5;

/// A movie of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movie {
    /// The id.
    pub id: MovieId,
    /// The title.
    pub title: String,
    /// The year of its release.
    pub year: u16,
    /// Minutes.
    pub runtime_min: u16,
    /// For example `Drama`.
    pub genres: Vec<String>,
    /// Leading names.
    pub cast: Vec<String>,
}

impl Movie {
    /// What a search looks at: the title, and the leading names.
    pub fn searched(&self) -> Searched {
        Searched { name: self.title.clone(), other: self.cast.clone() }
    }
}

/// Imports movies; the key is title and year, so that importing again changes nothing.
pub fn import(conn: &dyn Sql, input: impl Read) -> Result<ImportReport, ImportError> {
    read_table(input, COLUMNS, |row| import_row(conn, row))
}

fn import_row(conn: &dyn Sql, row: &Row<'_>) -> Result<Imported, RowError> {
    let title = row.name("title", 200)?;
    let year = row.count("year", 2200)?;
    let runtime = row.count("runtime_min", 900)?;
    let cast: Vec<&str> = row.text("cast").split('|').filter(|name| !name.is_empty()).take(CAST_MAX).collect();
    let existing: Option<i64> =
        conn.first("SELECT id FROM movie WHERE title = ?1 AND year = ?2", values![title, year], |row| row.get(0))?;
    let changed = conn.execute(
        "INSERT INTO movie (title, year, runtime_min, genres, cast_names) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (title, year) DO UPDATE SET
                 (runtime_min, genres, cast_names) = (excluded.runtime_min, excluded.genres, excluded.cast_names)
             WHERE (movie.runtime_min, movie.genres, movie.cast_names)
                 IS DISTINCT FROM (excluded.runtime_min, excluded.genres, excluded.cast_names)",
        values![title, year, runtime, row.text("genres"), cast.join("|")],
    )?;
    Ok(match (existing, changed) {
        (None, _) => Imported::Added,
        (Some(_), 0) => Imported::Unchanged,
        (Some(_), _) => Imported::Updated,
    })
}

fn from_row(row: &dyn store::Row) -> Result<Movie, StoreError> {
    let list = |text: String| text.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Ok(Movie {
        id: MovieId(row.get("id")?),
        title: row.get("title")?,
        year: row.get("year")?,
        runtime_min: row.get("runtime_min")?,
        genres: list(row.get("genres")?),
        cast: list(row.get("cast_names")?),
    })
}

/// The movie with this id.
pub fn by_id(conn: &dyn Sql, id: MovieId) -> Result<Option<Movie>, StoreError> {
    conn.first("SELECT * FROM movie WHERE id = ?1", values![id.0], from_row)
}

/// The movie of a title, or of `Title (1975)` where two share it; the latest of several.
pub fn by_title(conn: &dyn Sql, text: &str) -> Result<Option<Movie>, StoreError> {
    conn.first(
        "SELECT * FROM movie WHERE lower(title) = lower(?1) OR lower(title || ' (' || year || ')') = lower(?1)
         ORDER BY year DESC LIMIT 1",
        values![text],
        from_row,
    )
}

/// Movies by id after an id; of one city: those with a show there that starts after `now_ms`.
pub fn list(
    conn: &dyn Sql,
    city: Option<&str>,
    now_ms: i64,
    after: u32,
    limit: usize,
) -> Result<Vec<Movie>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let Some(city) = city else {
        let all = "SELECT * FROM movie WHERE id > ?1 ORDER BY id LIMIT ?2";
        return conn.all(all, values![after, limit], from_row);
    };
    // What starts later also ends later, and there is an index of ends.
    conn.all(
        "SELECT * FROM movie WHERE id > ?1 AND id IN (
             SELECT s.movie FROM schedule s JOIN theatre t ON t.id = s.theatre
             WHERE lower(t.city) = lower(?2) AND s.ends_at > ?3 AND s.starts_at > ?3 AND s.cancelled = 0)
         ORDER BY id LIMIT ?4",
        values![after, city, now_ms, limit],
        from_row,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movies_are_imported_once_with_their_leading_cast() {
        let conn = crate::schema::empty();
        let table = "imdb_id,title,year,runtime_min,genres,cast\r\n\
            tt1,Sholay,1975,198,Action|Comedy,A|B|C|D|E|F\r\ntt2,Don,1978,166,,\r\ntt3,Don,2006,168,Action,G\r\ntt4,Lost,,1,,\r\n";
        let report = import(&conn, table.as_bytes()).expect("import");
        assert_eq!((report.added, report.refused[0].line), (3, 5));
        assert_eq!(import(&conn, table.as_bytes()).expect("import").unchanged, 3);
        let sholay = by_title(&conn, "sholay").expect("read").expect("movie");
        assert_eq!((sholay.genres.len(), sholay.cast.len()), (2, CAST_MAX));
        let year = |text| by_title(&conn, text).expect("read").map(|movie| movie.year);
        assert_eq!((year("Don"), year("Don (1978)"), year("Dawn")), (Some(2006), Some(1978), None));
    }
}
