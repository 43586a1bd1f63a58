//! The start page: the choice of a city, then what is on there.

use super::{foot, poster::poster, style};
use maud::{Markup, html};
use node::design::{count, masthead, minutes, page};
use serde::{Deserialize, Serialize};

/// A city with theatres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CityCard {
    /// The name.
    pub name: String,
    /// How many theatres.
    pub theatres: u32,
}

/// A movie as lists and its page show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovieCard {
    /// The id in the catalogue.
    pub id: u32,
    /// The title.
    pub title: String,
    /// The year it came out, 0 if not known.
    pub year: u16,
    /// The running time in minutes, 0 if not known.
    pub runtime_min: u16,
    /// For example `Drama`.
    pub genres: Vec<String>,
    /// The leading actors.
    pub cast: Vec<String>,
}

impl MovieCard {
    /// Year, length and genres in one line.
    pub(super) fn facts(&self) -> String {
        let year = (self.year > 0).then(|| self.year.to_string());
        let length = (self.runtime_min > 0).then(|| minutes(u32::from(self.runtime_min)));
        let genres = (!self.genres.is_empty()).then(|| self.genres.join(", "));
        [year, length, genres].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// What the start page shows.
#[derive(Debug, Clone, Copy)]
pub struct CitiesPage<'a> {
    /// All cities.
    pub cities: &'a [CityCard],
    /// The chosen city; none shows the choice.
    pub city: Option<&'a str>,
    /// What was searched for.
    pub query: Option<&'a str>,
    /// Movies on in that city.
    pub movies: &'a [MovieCard],
    /// The cursor of the next page of movies.
    pub next: Option<&'a str>,
}

/// `/` and `/?city=…&q=…&after=…`.
pub fn cities(view: &CitiesPage<'_>) -> Markup {
    let title = view.city.map_or_else(|| "Choose your city".to_owned(), |city| format!("On in {city}"));
    let body = html! {
        (masthead(&[], city_links(view)))
        main id="main" {
            section.hero { div."wrap hero-text" {
                @match view.city {
                    Some(city) => {
                        h1 { "What’s on in " em { (city) } }
                        (search(city, view.query))
                    }
                    None => {
                        h1 { "The lights go down. " em { "Your seat is there." } }
                        p { "Choose your city to see what is on." }
                    }
                }
            } }
            @match view.city {
                Some(city) => (movies(view, city)),
                None => (choice(view.cities)),
            }
        }
        (foot())
    };
    page(&title, style("/assets/customer.css"), body)
}

fn city_links(view: &CitiesPage<'_>) -> Markup {
    html! {
        @if let Some(city) = view.city {
            nav.city-switch aria-label="City" {
                details {
                    summary { span.unseen { "City: " } (city) }
                    ul.plain {
                        @for other in view.cities {
                            @let current = (other.name == city).then_some("true");
                            li { a href={ "/?city=" (encode(&other.name)) } aria-current=[current] { (other.name) } }
                        }
                    }
                }
            }
        }
    }
}

fn choice(cities: &[CityCard]) -> Markup {
    html! {
        section.wrap aria-label="Cities" {
            ul."plain cities" {
                @for city in cities {
                    li { a href={ "/?city=" (encode(&city.name)) } {
                        strong { (city.name) }
                        span { (count(city.theatres as usize, "theatre")) }
                    } }
                }
            }
        }
    }
}

fn search(city: &str, query: Option<&str>) -> Markup {
    html! {
        form.search method="get" action="/" role="search" {
            input type="hidden" name="city" value=(city);
            label.unseen for="q" { "Search movies" }
            input.input id="q" name="q" type="search" value=[query] placeholder="Search movies and actors" autocomplete="off";
            button."button main" type="submit" { "Search" }
        }
    }
}

fn movies(view: &CitiesPage<'_>, city: &str) -> Markup {
    let city_code = encode(city);
    html! {
        section.wrap aria-label="Movies" {
            @if let Some(query) = view.query.filter(|query| !query.is_empty()) {
                p.found { "Results for “" (query) "” · " a href={ "/?city=" (city_code) } { "show everything" } }
            }
            @if view.movies.is_empty() {
                p.empty { "Nothing found here. Try a shorter word, or another city." }
            }
            ul."plain movies" {
                @for movie in view.movies {
                    li { a.movie href={ "/movies/" (movie.id) "?city=" (city_code) } {
                        (poster(&movie.title, movie.genres.first().map(String::as_str)))
                        strong { (movie.title) }
                        span.quiet { (movie.facts()) }
                    } }
                }
            }
            @if let Some(next) = view.next {
                @let query = encode(view.query.unwrap_or_default());
                p.more { a.button href={ "/?city=" (city_code) "&q=" (query) "&after=" (encode(next)) } { "More movies" } }
            }
        }
    }
}

/// Percent-encodes a value for a query.
pub(super) fn encode(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_with_a_space_is_encoded_in_links_and_escaped_in_text() {
        let cities = [CityCard { name: "New <Delhi".into(), theatres: 1 }];
        let view = CitiesPage { cities: &cities, city: None, query: None, movies: &[], next: None };
        let html = super::cities(&view).into_string();
        assert!(html.contains("href=\"/?city=New%20%3CDelhi\""));
        assert!(html.contains("New &lt;Delhi") && html.contains("1 theatre<"));
    }

    #[test]
    fn a_movie_without_year_or_length_shows_what_is_known() {
        let movie =
            MovieCard { id: 1, title: "X".into(), year: 0, runtime_min: 0, genres: vec!["Drama".into()], cast: vec![] };
        assert_eq!(movie.facts(), "Drama");
    }
}
