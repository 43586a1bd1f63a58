//! A show: how many seats, the best ones proposed, the map to change them, then hold and pay.
//!
//! The list of checkboxes is the page's data: readable without scripts, and what `form.js` reads the map from.

use super::{foot, module, style};
use maud::{Markup, html};
use node::design::{Crumb, clock, count, day, masthead, money, page};
use node::view::{CategoryView, RowView, SeatMapView, SeatView, ShowView};

/// `/shows/{id}`.
pub fn seat_map(view: &SeatMapView) -> Markup {
    let show = &view.show;
    let back = format!("/movies/{}", show.movie.id);
    let crumbs = [Crumb { text: &show.movie.title, href: &back }];
    let crumbs = if show.movie.id == 0 { &crumbs[..0] } else { &crumbs[..] };
    let styles = ["/assets/seatmap.css", "/assets/order.css", "/assets/show.css"];
    let head = html! { @for path in styles { (style(path)) } (module("/assets/show.js")) };
    let body = html! {
        (masthead(crumbs, html! {}))
        main id="main" {
            (heading(show))
            @if show.state == "on_sale" { (sale(view)) } @else { (closed(show)) }
        }
        (foot())
    };
    page(&format!("Seats for {}", show.movie.title), head, body)
}

fn heading(show: &ShowView) -> Markup {
    html! {
        section.hero { div."wrap show-head" {
            h1 { (show.movie.title) }
            p { strong.figures { (clock(&show.starts_at)) } ", " (day(&show.starts_at)) }
            p { (show.theatre.name) " · Screen " (show.screen) }
        } }
    }
}

fn closed(show: &ShowView) -> Markup {
    let text = if show.state == "cancelled" { "This show is cancelled" } else { "This show is no longer on sale" };
    html! { div.wrap { div."notice warn" { strong { (text) } a href={ "/movies/" (show.movie.id) } { "See other shows" } } } }
}

fn sale(view: &SeatMapView) -> Markup {
    let online = view.counts.get("free").copied().unwrap_or_default();
    html! {
        div."wrap sale" {
            div.choosing id="choosing" {
                noscript { div."notice warn" {
                    strong { "Buying here needs JavaScript" }
                    span { "Below you see which seats are free; the counter sells them too." }
                } }
                div id="cut" role="status" { @if view.link == "locked_down" { (cut(online)) } }
                form id="seats" data-show=(view.show.id) data-version=(view.version) data-link=(view.link) {
                    fieldset.ask { legend { "How many seats?" } (numbers()) }
                    @if view.categories.len() > 1 { fieldset.ask { legend { "Which kind?" } (kinds(&view.categories)) } }
                    @if view.categories.len() == 1 { div hidden { (kinds(&view.categories)) } }
                    (map_box())
                    div.seat-list id="list" { @for (i, row) in view.rows.iter().enumerate() { (seat_row(view, i, row)) } }
                }
            }
            (order(view))
        }
    }
}

fn cut(online: u32) -> Markup {
    html! { div."notice warn" {
        strong { "The line to this theatre is down" }
        span { (count(online as usize, "seat")) " left online; more at the counter." }
    } }
}

fn numbers() -> Markup {
    html! { div.choices { @for n in 1..=10 {
        label { input type="radio" name="wanted" value=(n) checked[n == 2]; span { (n) } }
    } } }
}

fn kinds(categories: &[CategoryView]) -> Markup {
    html! { div.choices {
        label { input type="radio" name="category" value="" checked; span { "Any" } }
        @for (i, category) in categories.iter().enumerate() {
            label {
                input type="radio" name="category" value=(i) data-name=(category.name)
                    data-minor=(category.price.minor) data-currency=(category.price.currency.code());
                span { (category.name) " " (money(category.price)) }
            }
        }
    } }
}

fn map_box() -> Markup {
    html! {
        section.map-box aria-label="Seats" {
            div.map-tools {
                p.proposal id="proposal" role="status" {}
                div.map-keys {
                    button."button slim" type="button" id="next" { "Other seats" }
                    button."button slim" type="button" id="as-list" aria-pressed="false" aria-controls="list" { "As a list" }
                    span.zoom {
                        button."button slim" type="button" id="smaller" aria-label="Smaller" { "−" }
                        button."button slim" type="button" id="larger" aria-label="Larger" { "+" }
                    }
                }
            }
            div.seatmap-place id="map" {}
            div id="legend" {}
        }
    }
}

fn seat_row(view: &SeatMapView, index: usize, row: &RowView) -> Markup {
    let category = |row: &RowView| row.seats.first().map(|seat| seat.category);
    let begins = index
        .checked_sub(1)
        .and_then(|before| view.rows.get(before))
        .is_none_or(|before| category(before) != category(row));
    let heading = category(row).filter(|_| begins).and_then(|index| view.categories.get(usize::from(index)));
    html! {
        @if let Some(category) = heading { h3 { (category.name) " · " (money(category.price)) } }
        fieldset data-row=(row.label) data-c=[category(row)] {
            legend { "Row " (row.label) }
            @for (i, seat) in row.seats.iter().enumerate() {
                (checkbox(seat, i.checked_sub(1).and_then(|left| row.seats.get(left)), category(row)))
            }
        }
    }
}

/// A seat in few bytes: the column is said only after a gap, the category only where it differs from its row's.
fn checkbox(seat: &SeatView, left: Option<&SeatView>, category: Option<u8>) -> Markup {
    let free = seat.state == "free";
    let follows = left.is_some_and(|left| left.column.checked_add(1) == Some(seat.column));
    html! {
        label {
            input type="checkbox" value=(seat.label) data-x=[(!follows).then_some(seat.column)]
                data-c=[(category != Some(seat.category)).then_some(seat.category)]
                data-s=[(!free).then_some(&seat.state)] data-a[seat.accessible] data-k[seat.by_claim] disabled[!free];
            (seat.number)
            @if !free { i { " " (state_word(&seat.state)) } }
        }
    }
}

fn state_word(state: &str) -> &str {
    match state {
        "unavailable" => "counter only",
        "in_transit" => "on its way",
        "withheld" | "unknown" => "not on sale",
        other => other,
    }
}

fn order(view: &SeatMapView) -> Markup {
    html! {
        aside.order id="order" aria-labelledby="order-title" {
            h2 id="order-title" tabindex="-1" { "Your seats" }
            div id="problem" role="alert" {}
            p.chosen id="chosen" { "None chosen yet" }
            ul."plain lines" id="lines" {}
            p.total { span { "Total" } strong.figures id="total" {} }
            button."button main wide" type="button" id="take" disabled { "Continue" }
            p."small quiet" id="promise" { "Kept for you for 8 minutes while you pay. No account needed." }
            form.stack id="pay" hidden novalidate data-show=(view.show.id) {
                div.countdown {
                    p { strong.figures id="left" role="timer" { "8:00" } span { "Your seats are kept for you" } }
                    button."button slim" type="button" id="extend" { "Keep longer" }
                }
                label.field {
                    span { "Phone number or e-mail" }
                    input.input id="contact" name="contact" autocomplete="email" inputmode="email" required
                        aria-describedby="contact-why";
                    span."small quiet" id="contact-why" { "For your tickets, and in case the show changes." }
                }
                button."button main wide" type="submit" id="pay-button" { "Pay" }
                button.link type="button" id="release" { "Choose other seats" }
            }
            p.unseen id="said" aria-live="assertive" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(state: &str) -> String {
        let state = state.to_owned();
        let seat = SeatView {
            label: "C12".into(),
            number: 12,
            column: 14,
            category: 1,
            state,
            accessible: false,
            by_claim: false,
        };
        checkbox(&seat, None, Some(1)).into_string()
    }

    #[test]
    fn a_free_seat_can_be_ticked_and_any_other_says_why_not() {
        assert!(!seat("free").contains("disabled"));
        assert!(seat("sold").contains(" disabled") && seat("sold").contains("<i> sold</i>"));
        assert!(seat("unavailable").contains("<i> counter only</i>"));
    }

    #[test]
    fn a_seat_costs_so_few_bytes_that_a_big_hall_stays_light() {
        assert!(seat("free").len() < 70 && seat("sold").len() < 110);
    }
}
