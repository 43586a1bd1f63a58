//! The counter's page: a static shell that its modules fill from the box's own JSON API, so that it works for as long
//! as the box does. `/till` is where a shift is counted, opened and closed, `/house` is what supervisors settle and managers
//! answer for, `/door` hands out the links that pair door devices.

mod house;
mod shift;

use house::house;
use maud::{Markup, html};
use node::design::{self, Asset, Crumb};
use shift::shift;

const ASSETS: &[Asset] = &[
    Asset { path: "/assets/counter.css", text: include_str!("page/counter.css") },
    Asset { path: "/assets/staff.css", text: include_str!("page/staff.css") },
    Asset { path: "/assets/till.css", text: include_str!("page/till.css") },
    Asset { path: "/assets/counter.js", text: include_str!("page/counter.js") },
    Asset { path: "/assets/closed.css", text: include_str!("page/closed.css") },
    Asset { path: "/assets/closed.js", text: include_str!("page/closed.js") },
    Asset { path: "/assets/badge.js", text: include_str!("page/badge.js") },
    Asset { path: "/assets/board.js", text: include_str!("page/board.js") },
    Asset { path: "/assets/hall.js", text: include_str!("page/hall.js") },
    Asset { path: "/assets/login.js", text: include_str!("page/login.js") },
    Asset { path: "/assets/till.js", text: include_str!("page/till.js") },
    Asset { path: "/assets/sale.js", text: include_str!("page/sale.js") },
    Asset { path: "/assets/once.js", text: include_str!("page/once.js") },
    Asset { path: "/assets/typed.js", text: include_str!("page/typed.js") },
    Asset { path: "/assets/group.js", text: include_str!("page/group.js") },
    Asset { path: "/assets/burst.js", text: include_str!("page/burst.js") },
    Asset { path: "/assets/idle.js", text: include_str!("page/idle.js") },
    Asset { path: "/assets/kept.js", text: include_str!("page/kept.js") },
    Asset { path: "/assets/drawer.js", text: include_str!("page/drawer.js") },
    Asset { path: "/assets/sold.js", text: include_str!("page/sold.js") },
    Asset { path: "/assets/finding.js", text: include_str!("page/finding.js") },
    Asset { path: "/assets/refunds.js", text: include_str!("page/refunds.js") },
    Asset { path: "/assets/waiting.js", text: include_str!("page/waiting.js") },
    Asset { path: "/assets/payment.js", text: include_str!("page/payment.js") },
    Asset { path: "/assets/approval.js", text: include_str!("page/approval.js") },
    Asset { path: "/assets/day.js", text: include_str!("page/day.js") },
    Asset { path: "/assets/slips.js", text: include_str!("page/slips.js") },
    Asset { path: "/assets/paper.js", text: include_str!("page/paper.js") },
    Asset { path: "/assets/printing.js", text: include_str!("page/printing.js") },
    Asset { path: "/assets/people.js", text: include_str!("page/people.js") },
    Asset { path: "/assets/printers.js", text: include_str!("page/printers.js") },
    Asset { path: "/assets/pairing.js", text: include_str!("page/pairing.js") },
    Asset { path: "/assets/house.css", text: include_str!("page/house.css") },
    Asset { path: "/assets/house.js", text: include_str!("page/house.js") },
    Asset { path: "/assets/shift.css", text: include_str!("page/shift.css") },
    Asset { path: "/assets/shift.js", text: include_str!("page/shift.js") },
    Asset { path: "/assets/pieces.js", text: include_str!("page/pieces.js") },
    Asset { path: "/assets/report.js", text: include_str!("page/report.js") },
    Asset { path: "/assets/sheet.js", text: include_str!("page/sheet.js") },
    Asset { path: "/assets/answered.js", text: include_str!("page/answered.js") },
    Asset { path: "/assets/settling.js", text: include_str!("page/settling.js") },
    Asset { path: "/assets/story.js", text: include_str!("page/story.js") },
    Asset { path: "/assets/letters.js", text: include_str!("page/letters.js") },
    Asset { path: "/assets/opening.js", text: include_str!("page/opening.js") },
    Asset { path: "/assets/unknown.js", text: include_str!("page/unknown.js") },
    Asset { path: "/assets/wayout.js", text: include_str!("page/wayout.js") },
    Asset { path: "/assets/withheld.js", text: include_str!("page/withheld.js") },
    Asset { path: "/assets/unwitnessed.js", text: include_str!("page/unwitnessed.js") },
    Asset { path: "/assets/witness.js", text: include_str!("page/witness.js") },
];

/// Serves `/`, `/till`, `/house`, `/door` and everything under `/assets/` that they load.
pub fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    use axum::{http::StatusCode, routing::get};
    axum::Router::new()
        .route("/", get(|| std::future::ready(design::respond(StatusCode::OK, counter()))))
        .route("/till", get(|| std::future::ready(design::respond(StatusCode::OK, shift()))))
        .route("/house", get(|| std::future::ready(design::respond(StatusCode::OK, house()))))
        .route("/door", get(|| std::future::ready(design::respond(StatusCode::OK, doors()))))
        .merge(design::router())
        .merge(design::serve(ASSETS))
}

/// The counter: sign in, shows, seats, till.
pub fn counter() -> Markup {
    let head = html! {
        link rel="stylesheet" href="/assets/seatmap.css";
        link rel="stylesheet" href="/assets/staff.css";
        link rel="stylesheet" href="/assets/counter.css";
        link rel="stylesheet" href="/assets/till.css";
        link rel="stylesheet" href="/assets/closed.css";
        script type="module" src="/assets/counter.js" {}
    };
    let aside = html! {
        p.badge id="badge" role="status" { "…" }
        a."button slim" id="till-link" href="/till" { span { "Till" span id="to-verify" {} } kbd { "T" } }
        a."button slim" id="house-link" href="/house" { span { "House" span id="to-settle" {} } kbd { "H" } }
        button."button slim" type="button" id="help-key" aria-haspopup="dialog" { "Keys " kbd { "?" } }
        button."button slim" type="button" id="lock" hidden { "Lock" }
    };
    let body = html! {
        (design::masthead(&[], html! { p.theatre id="theatre" {} (aside) }))
        (closed())
        main.counter id="main" tabindex="-1" {
            (login("Counter"))
            (board())
            (hall())
            (till())
            p.only-on-paper { "Tickets are printed with the key P: each comes out once." }
        }
        (help())
        (second())
        (drawer())
        p.unseen id="said" role="status" {}
        noscript { p { "The counter needs JavaScript." } }
    };
    design::page("Counter", head, body)
}

fn closed() -> Markup {
    html! {
        section."closed card" id="closed" hidden aria-labelledby="closed-title" {
            h1 id="closed-title" {}
            p.why role="status" {}
            ul aria-label="Who was asked" {}
            p."next quiet" {}
            p.persons hidden { a href="/house#opening" { "Open it with two persons" } " or read " a href="/house#settle" { "what is to be settled" } "." }
            form.stack hidden {
                div role="alert" {}
                label.field { span { "Manager" } input.input name="staff" autocomplete="username" autocapitalize="none" required; }
                label.field { span { "PIN" }
                    input.input name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="12" required;
                }
                button."button main" type="submit" { "Open and answer for it" }
            }
        }
    }
}

fn login(title: &str) -> Markup {
    html! {
        form.login id="login" hidden aria-labelledby="login-title" {
            h1 id="login-title" { (title) }
            div id="login-problem" role="alert" {}
            label.field { span { "Name" } input.input id="staff" name="staff" autocomplete="username" autocapitalize="none" required; }
            div.known role="group" aria-label="Who was here before" hidden {}
            label.field { span { "PIN" }
                input.input id="pin" name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="12" required;
            }
            div.pad {
                @for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] { button.button type="button" data-digit=(key) { (key) } }
                button.button type="button" data-digit="" aria-label="Delete the last digit" { "⌫" }
                button.button type="button" data-digit="0" { "0" }
                button."button main" type="submit" { "Go" }
            }
        }
    }
}

/// A page beside the counter, with its own stylesheet and module of the name `kind`: sign in, then its parts.
fn staff_page(title: &str, kind: &str, parts: Markup) -> Markup {
    let head = html! {
        link rel="stylesheet" href="/assets/staff.css";
        link rel="stylesheet" href={ "/assets/" (kind) ".css" };
        script type="module" src={ "/assets/" (kind) ".js" } {}
    };
    let aside = html! {
        p.badge id="badge" role="status" { "…" }
        button."button slim" type="button" id="lock" hidden { "Lock" }
    };
    let body = html! {
        (design::masthead(&[Crumb { text: "Counter", href: "/" }], aside))
        main class=(kind) id="main" tabindex="-1" {
            (login(title))
            div class=(kind) id="parts" hidden {
                h1 { (title) }
                (parts)
            }
        }
        p.unseen id="said" role="status" {}
        noscript { p { "This page needs JavaScript." } }
    };
    design::page(title, head, body)
}

fn board() -> Markup {
    html! {
        section.board id="board" hidden aria-labelledby="board-title" {
            div.board-head {
                h2 id="board-title" { "Shows" }
                button."button slim" type="button" data-day="-1" aria-label="The day before" { "‹" }
                button."button slim" type="button" data-day="1" aria-label="The day after" { "›" }
            }
            ol.plain id="shows" {}
        }
    }
}

fn hall() -> Markup {
    html! {
        section.hall id="hall" hidden aria-label="Seats" {
            div.hall-head {
                div { h1 id="show-title" {} p.quiet id="show-facts" {} }
                fieldset.ask {
                    legend.unseen { "How many seats?" }
                    div.choices id="wanted" {
                        @for n in 1..=10 {
                            label { input type="radio" name="wanted" value=(n) checked[n == 2]; span { (n) } }
                        }
                    }
                }
            }
            div id="hall-problem" role="alert" {}
            div.hall-tools {
                p id="proposal" role="status" {}
                div.choices id="kinds" role="group" aria-label="Category" {}
                button."button slim" type="button" id="best" { "Best " kbd { "B" } }
                button."button slim" type="button" id="next" { "Next best " kbd { "N" } }
            }
            div.seatmap-place id="map" {}
            div id="legend" {}
        }
    }
}

fn till() -> Markup {
    html! {
        section.till id="till" hidden aria-labelledby="till-title" {
            h2 id="till-title" { "Sale" }
            div id="till-problem" role="alert" {}
            div.stack id="voids" role="status" {}
            div.stack id="refunds" role="status" {}
            div.stack id="prints" role="status" {}
            div id="till-body" {}
        }
    }
}

fn help() -> Markup {
    let keys = [
        ("1 … 9, 0", "how many seats (0 is ten), best ones chosen"),
        ("B", "best seats"),
        ("N", "next best seats"),
        ("← → ↑ ↓", "walk on the map"),
        ("Space", "choose the seat, or move the party there"),
        ("Enter", "cash; Enter again takes the exact amount"),
        ("C  U  F  M", "card, UPI, free, or money again"),
        ("D", "open the drawer without a sale"),
        ("Page Up / Down", "show before / after, the next day's too"),
        ("K", "go on with seats that you hold at another window"),
        ("G", "find a sale by its code, seat or ticket"),
        ("W", "a whole group: up to 60 seats in one sale"),
        ("V", "void the sale that is shown, or some of its tickets"),
        ("P", "print the tickets again, as a duplicate"),
        ("A", "all seats of a group on one paper"),
        ("R  O  S", "a failed print: retry, other printer, skip"),
        ("T  X", "the till: your shift and what it has taken"),
        ("H", "the house: what is to be settled"),
        ("L", "lock"),
        ("Esc", "back"),
    ];
    html! {
        dialog.help id="help" aria-labelledby="help-title" {
            h2 id="help-title" { "Keys" }
            dl { @for (key, meaning) in keys { div { dt { kbd { (key) } } dd { (meaning) } } } }
            form method="dialog" { button."button main" { "Close" } }
        }
    }
}

/// Who answers for a duplicate.
fn second() -> Markup {
    html! {
        dialog.help id="second" aria-labelledby="second-title" {
            form.stack method="dialog" {
                h2 id="second-title" { "A duplicate" }
                p { "It was printed already. A supervisor answers for another one." }
                label.field { span { "Name" } input.input name="staff" autocomplete="off" required autofocus; }
                label.field { span { "PIN" } input.input name="pin" type="password" inputmode="numeric" autocomplete="off" required; }
                button."button main wide" type="submit" value="print" { "Print a duplicate" }
                button.link type="submit" value="" formnovalidate { "Cancel" }
            }
        }
    }
}

/// Why the drawer is opened without a sale.
fn drawer() -> Markup {
    html! {
        dialog.help id="drawer" aria-labelledby="drawer-title" {
            form.stack method="dialog" {
                h2 id="drawer-title" { "Open the drawer" }
                p { "It is written down and counted on the report of the shift." }
                label.field { span { "What for" }
                    input.input name="reason" value="Change" maxlength="200" autocomplete="off" required autofocus;
                }
                button."button main wide" type="submit" value="open" { "Open " kbd { "Enter" } }
                button.link type="submit" value="" formnovalidate { "Cancel" }
            }
        }
    }
}

/// The manager's page that pairs door devices.
pub fn doors() -> Markup {
    let head = html! {
        link rel="stylesheet" href="/assets/staff.css";
        script type="module" src="/assets/pairing.js" {}
    };
    let body = html! {
        (design::masthead(&[Crumb { text: "Counter", href: "/" }], html! { p.badge id="badge" role="status" { "…" } }))
        main.pairing id="main" {
            h1 { "Pair a door" }
            p.quiet { "A door device gets a link that works once. From then on it admits by itself, with this box or without." }
            form.stack.card id="pairing" {
                div id="problem" role="alert" {}
                label.field { span { "Manager" } input.input name="staff" autocomplete="username" autocapitalize="none" required; }
                label.field { span { "PIN" } input.input name="pin" type="password" inputmode="numeric" autocomplete="off" required; }
                label.field { span { "Name of the door" } input.input name="door" placeholder="Door A" required; }
                button."button main" type="submit" { "Make the link" }
            }
            div id="link" role="status" {}
        }
    };
    design::page("Pair a door", head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_load_only_what_is_served_here() {
        for page in [counter(), shift(), house(), doors()] {
            let html = page.into_string();
            for asset in html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
                let own = ASSETS.iter().any(|a| a.path.ends_with(asset));
                assert!(
                    own || ["tokens.css", "base.css", "controls.css", "seatmap.css", "mark.svg"].contains(&asset),
                    "{asset}"
                );
            }
            assert!(!html.contains("style=") && !html.contains("onclick"));
        }
    }

    #[test]
    fn every_module_finds_the_modules_it_imports() {
        for asset in ASSETS {
            for module in asset.text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                let own = ASSETS.iter().any(|other| other.path.strip_prefix("/assets/") == Some(module));
                assert!(own || design::shared(module).is_some(), "{} imports {module}", asset.path);
            }
        }
    }
}
