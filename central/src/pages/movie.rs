//! A movie: its shows on one day in one city, by theatre and time.

use super::home::{CityCard, MovieCard, encode};
use super::{foot, poster::poster, style};
use maud::{Markup, html};
use node::design::{Crumb, clock, day_short, masthead, money, page};
use node::view::ShowView;
use std::collections::BTreeMap;

/// What a movie's page shows.
#[derive(Debug, Clone, Copy)]
pub struct MoviePage<'a> {
    /// The movie.
    pub movie: &'a MovieCard,
    /// All cities, for changing it.
    pub cities: &'a [CityCard],
    /// The chosen city.
    pub city: &'a str,
    /// Days with shows, `YYYY-MM-DD`.
    pub dates: &'a [String],
    /// The chosen day, one of them.
    pub date: &'a str,
    /// The shows of that day in that city.
    pub shows: &'a [ShowView],
}

/// `/movies/{id}?city=…&date=…`.
pub fn movie(view: &MoviePage<'_>) -> Markup {
    let MovieCard { id, title, cast, genres, .. } = view.movie;
    let home = format!("/?city={}", encode(view.city));
    let body = html! {
        (masthead(&[Crumb { text: view.city, href: &home }], html! {}))
        main id="main" {
            section.hero { div."wrap movie-head" {
                (poster(title, genres.first().map(String::as_str)))
                div {
                    h1 { (title) }
                    p { (view.movie.facts()) }
                    @if !cast.is_empty() { p.cast { "With " (cast.join(", ")) } }
                }
            } }
            div."wrap stack" {
                nav.days aria-label="Day" {
                    @for date in view.dates {
                        a href={ "/movies/" (id) "?city=" (encode(view.city)) "&date=" (date) }
                            aria-current=[(date == view.date).then_some("date")] { (day_short(date)) }
                    }
                }
                @if view.shows.is_empty() {
                    p.empty { "No shows in " (view.city) " on this day. Try another day" (other_cities(view)) }
                }
                @for (theatre, shows) in by_theatre(view.shows) {
                    section.theatre aria-label=(theatre) {
                        h2 { (theatre) }
                        ul."plain shows" { @for show in shows { li { (time(show)) } } }
                    }
                }
            }
        }
        (foot())
    };
    let head = html! { (style("/assets/customer.css")) (style("/assets/movie.css")) };
    page(title, head, body)
}

fn other_cities(view: &MoviePage<'_>) -> Markup {
    html! {
        ", or "
        @for (i, city) in view.cities.iter().filter(|city| city.name != view.city).take(4).enumerate() {
            @if i > 0 { ", " }
            a href={ "/movies/" (view.movie.id) "?city=" (encode(&city.name)) } { (city.name) }
        }
        "."
    }
}

fn by_theatre(shows: &[ShowView]) -> BTreeMap<&str, Vec<&ShowView>> {
    let mut theatres: BTreeMap<&str, Vec<&ShowView>> = BTreeMap::new();
    for show in shows {
        theatres.entry(show.theatre.name.as_str()).or_default().push(show);
    }
    for shows in theatres.values_mut() {
        shows.sort_by(|a, b| a.starts_at.cmp(&b.starts_at));
    }
    theatres
}

fn time(show: &ShowView) -> Markup {
    let inner = html! {
        strong.figures { (clock(&show.starts_at)) }
        span { "Screen " (show.screen) " · from " (money(show.from)) }
        span.left { (left(show)) }
        @if let (Some(free), Some(all)) = (show.seats_free, show.seats_count) {
            progress max=(all) value=(all.saturating_sub(free)) aria-hidden="true" {}
        }
    };
    let open = show.state == "on_sale" && show.seats_free != Some(0);
    html! {
        @if open { a.show href={ "/shows/" (show.id) } { (inner) } }
        @else { div."show closed" { (inner) } }
    }
}

fn left(show: &ShowView) -> String {
    match (show.state.as_str(), show.seats_free, show.seats_count) {
        ("cancelled", ..) => "Cancelled".into(),
        ("ended", ..) => "Over".into(),
        (_, Some(0), _) => "Sold out online".into(),
        (_, Some(free), Some(all)) if free * 5 <= all => format!("Only {free} left"),
        (_, Some(free), _) => format!("{free} seats free"),
        _ => "On sale".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::view::{MovieRef, TheatreRef};
    use shared::money::Money;

    fn show(state: &str, free: Option<u32>) -> ShowView {
        ShowView {
            id: "12-345".into(),
            movie: MovieRef { id: 7, title: "Sholay".into() },
            theatre: TheatreRef { id: 12, name: "Amber".into() },
            screen: 1,
            starts_at: "2026-11-28T18:30:00+05:30".into(),
            ends_at: "2026-11-28T21:30:00+05:30".into(),
            from: Money::inr(12_000),
            seats_free: free,
            seats_count: Some(100),
            state: state.into(),
        }
    }

    #[test]
    fn only_a_show_with_free_seats_can_be_opened() {
        assert!(time(&show("on_sale", Some(12))).into_string().contains("href=\"/shows/12-345\""));
        for closed in [show("on_sale", Some(0)), show("cancelled", Some(12)), show("ended", Some(12))] {
            assert!(!time(&closed).into_string().contains("href"));
        }
    }

    #[test]
    fn few_seats_left_are_said_so() {
        assert_eq!(left(&show("on_sale", Some(12))), "Only 12 left");
        assert_eq!(left(&show("on_sale", Some(80))), "80 seats free");
        assert_eq!(left(&show("cancelled", Some(80))), "Cancelled");
    }
}
