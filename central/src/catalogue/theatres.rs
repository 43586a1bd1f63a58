//! Theatres: import from CSV, and looking them up.

use super::import::{ImportError, ImportReport, Imported, Row, RowError, read_table};
use node::store::{self, Sql, StoreError};
use node::values;
use node::zone::Zone;
use shared::ids::TheatreId;
use shared::money::Currency;
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
pub fn import(conn: &dyn Sql, input: impl Read) -> Result<ImportReport, ImportError> {
    read_table(input, COLUMNS, |row| import_row(conn, row))
}

fn import_row(conn: &dyn Sql, row: &Row<'_>) -> Result<Imported, RowError> {
    let city = row.name("city", 60)?;
    let name = row.name("name", 120)?;
    let screens = row.count("screens", 255)?;
    let seats = row.count("seats", 200_000)?;
    let text_or = |column: &str, default: &str| match row.text(column) {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    let (zone, currency) = (text_or("zone", DEFAULT_ZONE), text_or("currency", DEFAULT_CURRENCY));
    // A theatre whose clocks nobody can read would keep central from starting.
    Zone::named(&zone).map_err(|error| format!("zone {zone:?}: {error}"))?;
    Currency::parse(&currency).ok_or_else(|| format!("no currency {currency:?}"))?;
    let chain = Some(row.text("chain")).filter(|chain| !chain.is_empty());
    let known = "SELECT id, currency FROM theatre WHERE city = ?1 AND name = ?2";
    let existing: Option<(u32, String)> =
        conn.first(known, values![&city, &name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let Some((id, priced_in)) = &existing
        && *priced_in != currency
        && conn.only("SELECT EXISTS (SELECT 1 FROM schedule WHERE theatre = ?1)", values![*id], |row| row.get(0))?
    {
        return Err(RowError::Bad(format!("its shows are priced in {priced_in}; they cannot be in {currency}")));
    }
    let changed = conn.execute(
        "INSERT INTO theatre (city, name, kind, chain, screens, seats, lat, lon, zone, currency)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (city, name) DO UPDATE SET
                 (kind, chain, screens, seats, lat, lon, zone, currency)
                 = (excluded.kind, excluded.chain, excluded.screens, excluded.seats, excluded.lat, excluded.lon,
                    excluded.zone, excluded.currency)
             WHERE (theatre.kind, theatre.chain, theatre.screens, theatre.seats, theatre.lat, theatre.lon,
                    theatre.zone, theatre.currency)
                 IS DISTINCT FROM (excluded.kind, excluded.chain, excluded.screens, excluded.seats, excluded.lat,
                    excluded.lon, excluded.zone, excluded.currency)",
        values![
            city,
            name,
            text_or("type", "Theatre"),
            chain,
            screens,
            seats,
            row.decimal("lat", 90.0)?,
            row.decimal("lon", 180.0)?,
            zone,
            currency,
        ],
    )?;
    Ok(match (existing, changed) {
        (None, _) => Imported::Added,
        (Some(_), 0) => Imported::Unchanged,
        (Some(_), _) => Imported::Updated,
    })
}

fn from_row(row: &dyn store::Row) -> Result<Theatre, StoreError> {
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
pub fn by_id(conn: &dyn Sql, id: TheatreId) -> Result<Option<Theatre>, StoreError> {
    conn.first("SELECT * FROM theatre WHERE id = ?1", values![id.0], from_row)
}

/// The theatre with this name in this city, in any case.
pub fn by_name(conn: &dyn Sql, city: &str, name: &str) -> Result<Option<Theatre>, StoreError> {
    conn.first(
        "SELECT * FROM theatre WHERE lower(city) = lower(?1) AND lower(name) = lower(?2)",
        values![city, name],
        from_row,
    )
}

/// All theatres by id, or those of one city, after an id.
pub fn list(conn: &dyn Sql, city: Option<&str>, after: u32, limit: usize) -> Result<Vec<Theatre>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let Some(city) = city else {
        let all = "SELECT * FROM theatre WHERE id > ?1 ORDER BY id LIMIT ?2";
        return conn.all(all, values![after, limit], from_row);
    };
    let in_city = "SELECT * FROM theatre WHERE id > ?1 AND lower(city) = lower(?2) ORDER BY id LIMIT ?3";
    conn.all(in_city, values![after, city, limit], from_row)
}

/// Cities with how many theatres each has, by name.
pub fn cities(conn: &dyn Sql) -> Result<Vec<(String, u32)>, StoreError> {
    conn.all("SELECT city, count(*) FROM theatre GROUP BY city ORDER BY city", &[], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
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
    fn a_theatre_has_clocks_and_money_that_are_known() {
        let conn = crate::schema::empty();
        let table = "city,name,screens,seats,zone,currency\nPune,A,1,9,Asia/Calcuta,INR\nPune,B,1,9,,Rupees\nPune,C,1,9,UTC,EUR\n";
        let report = import(&conn, table.as_bytes()).expect("import");
        let reasons: Vec<String> = report.refused.iter().map(|row| format!("{} {}", row.line, row.reason)).collect();
        assert_eq!(report.added, 1);
        assert!(reasons[0].starts_with("2 zone \"Asia/Calcuta\": "), "{reasons:?}");
        assert_eq!(reasons[1..], ["3 no currency \"Rupees\""]);
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
