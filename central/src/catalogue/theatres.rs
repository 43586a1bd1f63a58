//! Theatres: import from CSV, and looking them up.

use super::import::{ImportError, ImportReport, Imported, Row, RowError, read_table};
use rusqlite::{Connection, OptionalExtension, named_params};
use shared::ids::TheatreId;
use std::io::Read;

const COLUMNS: &[&str] = &["city", "name", "screens", "seats"];
/// The zone of a theatre whose row names none.
pub const DEFAULT_ZONE: &str = "Asia/Kolkata";
/// The currency of a theatre whose row names none.
pub const DEFAULT_CURRENCY: &str = "INR";

/// A theatre of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Theatre {
    /// The id.
    pub id: TheatreId,
    /// The city.
    pub city: String,
    /// The name.
    pub name: String,
    /// The chain it belongs to.
    pub chain: Option<String>,
    /// How many screens.
    pub screens: u32,
    /// IANA zone name of its clocks.
    pub zone: String,
    /// Currency code of its prices.
    pub currency: String,
}

/// Imports theatres; the key is city and name, so that importing again changes nothing.
pub fn import(conn: &Connection, input: impl Read) -> Result<ImportReport, ImportError> {
    read_table(input, COLUMNS, |row| import_row(conn, row))
}

fn import_row(conn: &Connection, row: &Row<'_>) -> Result<Imported, RowError> {
    let city = row.name("city", 60)?;
    let name = row.name("name", 120)?;
    let screens = row.count("screens", 255)?;
    let seats = row.count("seats", 200_000)?;
    let text_or = |column: &str, default: &str| match row.text(column) {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    let chain = Some(row.text("chain")).filter(|chain| !chain.is_empty());
    let existing: Option<i64> = conn
        .prepare_cached("SELECT id FROM theatre WHERE city = ?1 AND name = ?2")?
        .query_row([&city, &name], |row| row.get(0))
        .optional()?;
    let changed = conn
        .prepare_cached(
            "INSERT INTO theatre (city, name, kind, chain, screens, seats, lat, lon, zone, currency)
             VALUES (:city, :name, :kind, :chain, :screens, :seats, :lat, :lon, :zone, :currency)
             ON CONFLICT (city, name) DO UPDATE SET
                 (kind, chain, screens, seats, lat, lon, zone, currency)
                 = (excluded.kind, excluded.chain, excluded.screens, excluded.seats, excluded.lat, excluded.lon,
                    excluded.zone, excluded.currency)
             WHERE (kind, chain, screens, seats, lat, lon, zone, currency)
                 IS NOT (excluded.kind, excluded.chain, excluded.screens, excluded.seats, excluded.lat, excluded.lon,
                         excluded.zone, excluded.currency)",
        )?
        .execute(named_params! {
            ":city": city, ":name": name, ":kind": text_or("type", "Theatre"), ":chain": chain,
            ":screens": screens, ":seats": seats,
            ":lat": row.decimal("lat", 90.0)?, ":lon": row.decimal("lon", 180.0)?,
            ":zone": text_or("zone", DEFAULT_ZONE), ":currency": text_or("currency", DEFAULT_CURRENCY),
        })?;
    Ok(match (existing, changed) {
        (None, _) => Imported::Added,
        (Some(_), 0) => Imported::Unchanged,
        (Some(_), _) => Imported::Updated,
    })
}

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Theatre> {
    Ok(Theatre {
        id: TheatreId(row.get("id")?),
        city: row.get("city")?,
        name: row.get("name")?,
        chain: row.get("chain")?,
        screens: row.get("screens")?,
        zone: row.get("zone")?,
        currency: row.get("currency")?,
    })
}

/// The theatre with this id.
pub fn by_id(conn: &Connection, id: TheatreId) -> rusqlite::Result<Option<Theatre>> {
    conn.prepare_cached("SELECT * FROM theatre WHERE id = ?1")?.query_row([id.0], from_row).optional()
}

/// The theatre with this name in this city, in any case.
pub fn by_name(conn: &Connection, city: &str, name: &str) -> rusqlite::Result<Option<Theatre>> {
    conn.prepare_cached("SELECT * FROM theatre WHERE city = ?1 COLLATE NOCASE AND name = ?2 COLLATE NOCASE")?
        .query_row([city, name], from_row)
        .optional()
}

/// All theatres by id, or those of one city, after an id.
pub fn list(conn: &Connection, city: Option<&str>, after: u32, limit: usize) -> rusqlite::Result<Vec<Theatre>> {
    conn.prepare_cached(
        "SELECT * FROM theatre WHERE id > ?1 AND (?2 IS NULL OR city = ?2 COLLATE NOCASE) ORDER BY id LIMIT ?3",
    )?
    .query_map(rusqlite::params![after, city, i64::try_from(limit).unwrap_or(i64::MAX)], from_row)?
    .collect()
}

/// Cities with how many theatres each has, by name.
pub fn cities(conn: &Connection) -> rusqlite::Result<Vec<(String, u32)>> {
    conn.prepare_cached("SELECT city, count(*) FROM theatre GROUP BY city ORDER BY city")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "city,name,type,chain,screens,seats,average_ticket_price_inr,lat,lon,source\r\n\
        Kochi,\"Padma, MG Road\",Single Screen,,1,900,125.619,9.97,76.28,\"A, B\"\r\n\
        Kochi,Nowhere: Town,Multiplex,,0,0,,9.9,76.2,A\r\n\
        Pune,Vijay,Multiplex,Vijay Chain,3,700,,18.5,73.8,A\r\n";

    #[test]
    fn theatres_are_imported_once_and_bad_rows_named() {
        let conn = crate::schema::empty();
        let report = import(&conn, TABLE.as_bytes()).expect("import");
        assert_eq!(report.to_string(), "line 3: screens is missing\n2 added, 0 updated, 0 unchanged, 1 refused");
        let again = import(&conn, TABLE.as_bytes()).expect("import");
        assert_eq!((again.added, again.updated, again.unchanged), (0, 0, 2));
        let renovated = TABLE.replace("Multiplex,Vijay Chain,3", "Multiplex,,4");
        let third = import(&conn, renovated.as_bytes()).expect("import");
        assert_eq!((third.added, third.updated, third.unchanged), (0, 1, 1));
        let vijay = by_name(&conn, "pune", "VIJAY").expect("read").expect("theatre");
        assert_eq!((vijay.id, vijay.screens, vijay.chain), (TheatreId(2), 4, None));
    }

    #[test]
    fn cities_are_counted_and_theatres_listed_after_a_cursor() {
        let conn = crate::schema::empty();
        import(&conn, TABLE.as_bytes()).expect("import");
        assert_eq!(cities(&conn).expect("read"), [("Kochi".to_owned(), 1), ("Pune".to_owned(), 1)]);
        assert_eq!(list(&conn, None, 1, 10).expect("read").len(), 1);
        assert_eq!(list(&conn, Some("kochi"), 0, 10).expect("read")[0].name, "Padma, MG Road");
    }
}
