//! Shows as they are imported: CSV `theatre,city,screen,movie,starts_at,ends_at,prices`, and `on_sale_rush` where there is one.

use super::import::{ImportError, ImportReport, Imported, Row, RowError, read_table};
use super::movies;
use super::theatres::{self, Theatre};
use node::store::Sql;
use node::zone::parse_rfc3339;
use shared::ids::{MovieId, ScreenId};
use shared::money::{Currency, Money};
use shared::time::Timestamp;
use std::io::Read;
use std::time::Duration;

const COLUMNS: &[&str] = &["theatre", "city", "screen", "movie", "starts_at", "ends_at", "prices"];
/// A show that lasts longer is a typing error.
const DURATION_MAX: Duration = Duration::from_secs(12 * 3600);

/// One row, with the theatre and the movie it names.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedShow {
    /// The theatre.
    pub theatre: Theatre,
    /// The screen.
    pub screen: ScreenId,
    /// The movie.
    pub movie: MovieId,
    /// Its title.
    pub title: String,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Price by category name.
    pub prices: Vec<(String, Money)>,
    /// Its sale will be stormed: all but the counter's floor begins with the web.
    pub on_sale_rush: bool,
}

/// Reads shows and hands each to `add`, which says why it cannot be.
pub fn import(
    conn: &dyn Sql,
    input: impl Read,
    mut add: impl FnMut(PlannedShow) -> Result<Imported, RowError>,
) -> Result<ImportReport, ImportError> {
    read_table(input, COLUMNS, |row| add(planned(conn, row)?))
}

fn planned(conn: &dyn Sql, row: &Row<'_>) -> Result<PlannedShow, RowError> {
    let (name, city, title) = (row.name("theatre", 120)?, row.name("city", 60)?, row.name("movie", 210)?);
    let theatre = theatres::by_name(conn, &city, &name)?.ok_or_else(|| format!("no theatre {name:?} in {city}"))?;
    let movie = movies::by_title(conn, &title)?.ok_or_else(|| format!("no movie {title:?}"))?;
    let screen = row.count("screen", 255)?;
    let at = |column| {
        let moment = parse_rfc3339(row.text(column)).map_err(|error| format!("{column}: {error}"))?;
        if moment.0 % 60_000 == 0 { Ok(moment) } else { Err(format!("{column} is not a whole minute")) }
    };
    let (starts_at, ends_at) = (at("starts_at")?, at("ends_at")?);
    if ends_at <= starts_at || ends_at.since(starts_at) > DURATION_MAX {
        return Err(RowError::Bad("a show ends after it starts, within 12 hours".to_owned()));
    }
    let currency = Currency::parse(&theatre.currency).ok_or_else(|| format!("no currency {:?}", theatre.currency))?;
    let prices = prices(row.text("prices"), currency)?;
    let on_sale_rush = match row.text("on_sale_rush") {
        "" | "no" => false,
        "yes" => true,
        other => return Err(RowError::Bad(format!("on_sale_rush {other:?} is not yes or no"))),
    };
    let screen = ScreenId(u8::try_from(screen).map_err(|_| "screen is more than 255".to_owned())?);
    Ok(PlannedShow { theatre, screen, movie: movie.id, title: movie.title, starts_at, ends_at, prices, on_sale_rush })
}

/// Reads `Silver=150.00|Gold=220.00`.
fn prices(text: &str, currency: Currency) -> Result<Vec<(String, Money)>, String> {
    let price = |part: &str| {
        let (category, amount) = part.rsplit_once('=')?;
        let category = Some(category.trim()).filter(|name| !name.is_empty())?;
        Some((category.to_owned(), Money { minor: minor_units(amount.trim())?, currency }))
    };
    let bad = |part: &str| format!("price {part:?} is not like Gold=220.00");
    text.split('|').map(|part| price(part).ok_or_else(|| bad(part))).collect()
}

/// Reads `220`, `220.5` or `220.50`.
fn minor_units(amount: &str) -> Option<i64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 7 || fraction.len() > 2 || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<2}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly() {
        let read = |text| prices(text, Currency::INR);
        assert_eq!(
            read("Silver=150.00|Gold=220.5|Box=0"),
            Ok(vec![
                ("Silver".into(), Money::inr(15_000)),
                ("Gold".into(), Money::inr(22_050)),
                ("Box".into(), Money::inr(0))
            ])
        );
        for bad in ["", "Gold", "Gold=", "=1", "Gold=-1", "Gold=1.005", "Gold=1e3", "Gold=99999999", "Gold=1|"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_kind_of_bad_row_is_named() {
        let conn = crate::schema::empty();
        theatres::import(&conn, "city,name,screens,seats\nPune,Vijay,2,300\n".as_bytes()).expect("theatres");
        movies::import(&conn, "title,year,runtime_min\nDon,1978,166\n".as_bytes()).expect("movies");
        let (start, end) = ("2026-11-24T18:00:00+05:30", "2026-11-24T21:00:00+05:30");
        let table = format!(
            "theatre,city,screen,movie,starts_at,ends_at,prices,on_sale_rush\n\
             Vijay,Pune,1,Don,{start},{end},Gold=220,yes\n\
             Nowhere,Pune,1,Don,{start},{end},Gold=220,\n\
             Vijay,Pune,1,Dawn,{start},{end},Gold=220,\n\
             Vijay,Pune,0,Don,{start},{end},Gold=220,\n\
             Vijay,Pune,1,Don,24.11.2026 18:00,{end},Gold=220,\n\
             Vijay,Pune,1,Don,{end},{start},Gold=220,\n\
             Vijay,Pune,1,Don,{start},{end},free,\n\
             Vijay,Pune,1,Don,{start},{end},Gold=220,maybe\n"
        );
        let mut planned = Vec::new();
        let report = import(&conn, table.as_bytes(), |show| {
            planned.push(show);
            Ok(Imported::Added)
        });
        let report = report.expect("reads");
        assert_eq!((report.added, planned.len(), planned[0].on_sale_rush), (1, 1, true));
        let reasons: Vec<String> = report.refused.iter().map(|row| format!("{} {}", row.line, row.reason)).collect();
        assert_eq!(
            reasons,
            [
                "3 no theatre \"Nowhere\" in Pune",
                "4 no movie \"Dawn\"",
                "5 screen is missing",
                "6 starts_at: not a RFC 3339 time with zone: \"24.11.2026 18:00\"",
                "7 a show ends after it starts, within 12 hours",
                "8 price \"free\" is not like Gold=220.00",
                "9 on_sale_rush \"maybe\" is not yes or no",
            ]
        );
    }
}
