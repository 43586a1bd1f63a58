//! The facts in `data/`: theatres with screens and seat totals, films with run times.

use serde::Deserialize;
use shared::money::Money;

/// `data/theatres.csv`, byte for byte, for importers.
pub const THEATRES_CSV: &str = include_str!("../../data/theatres.csv");
/// `data/films.csv`, byte for byte, for importers.
pub const FILMS_CSV: &str = include_str!("../../data/films.csv");

/// One theatre as the facts have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Theatre {
    /// The city.
    pub city: String,
    /// The name, unique within the facts.
    pub name: String,
    /// Several screens under one roof, by the facts' own word.
    pub multiplex: bool,
    /// How many screens; 0 where unknown.
    pub screens: u8,
    /// How many seats over all screens; 0 where unknown.
    pub seats: u32,
    /// The average price of a ticket, where known.
    pub average_price: Option<Money>,
}

/// One film as the facts have it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Film {
    /// The title.
    pub title: String,
    /// Year of release.
    pub year: u16,
    /// Run time, minutes.
    pub runtime_min: u16,
}

/// A row of the facts that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read the {what} facts")]
pub struct BadFacts {
    what: &'static str,
    #[source]
    source: csv::Error,
}

#[derive(Deserialize)]
struct TheatreRow {
    city: String,
    name: String,
    r#type: String,
    screens: u8,
    seats: u32,
    average_ticket_price_inr: Option<f64>,
}

/// All theatres, in the order of the file, those that cannot be used included.
pub fn theatres() -> Result<Vec<Theatre>, BadFacts> {
    let rows = csv::Reader::from_reader(THEATRES_CSV.as_bytes()).into_deserialize::<TheatreRow>();
    rows.map(|row| row.map(Theatre::from).map_err(|source| BadFacts { what: "theatre", source })).collect()
}

/// All films, in the order of the file.
pub fn films() -> Result<Vec<Film>, BadFacts> {
    let rows = csv::Reader::from_reader(FILMS_CSV.as_bytes()).into_deserialize::<Film>();
    rows.map(|row| row.map_err(|source| BadFacts { what: "film", source })).collect()
}

impl From<TheatreRow> for Theatre {
    fn from(row: TheatreRow) -> Self {
        Self {
            city: row.city,
            name: row.name,
            multiplex: row.r#type == "Multiplex",
            screens: row.screens,
            seats: row.seats,
            average_price: row.average_ticket_price_inr.map(|rupees| Money::inr((rupees * 100.0).round() as i64)),
        }
    }
}

impl Film {
    /// The title, with the year where another film of `films` has the same title: what a schedule names a film by.
    pub fn unambiguous_title(&self, films: &[Film]) -> String {
        let namesakes = films.iter().filter(|film| film.title == self.title).count();
        if namesakes > 1 { format!("{} ({})", self.title, self.year) } else { self.title.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_theatres_and_films_are_read() {
        let theatres = theatres().expect("theatres");
        assert_eq!(theatres.len(), 578);
        assert_eq!(theatres.iter().filter(|theatre| theatre.screens == 0).count(), 2);
        assert!(theatres.iter().any(|theatre| theatre.seats == 8));
        assert!(theatres.iter().any(|theatre| theatre.name == "Apsara Cinema, Behrampura"));
        assert_eq!(films().expect("films").len(), 867);
    }

    #[test]
    fn only_a_title_that_two_films_share_carries_its_year() {
        let films = films().expect("films");
        let titles: Vec<String> = films.iter().map(|film| film.unambiguous_title(&films)).collect();
        assert!(titles.contains(&"Sholay".to_owned()));
        assert_eq!(titles.iter().filter(|title| title.starts_with("Ghost (")).count(), 2);
        assert_eq!(titles.iter().collect::<std::collections::BTreeSet<_>>().len(), films.len());
    }
}
