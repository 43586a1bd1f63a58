//! The stage: everybody's page side by side on one screen, the switches that cut the lines, and the truth panel.
//!
//! The page is a static shell over the stage's own JSON: `GET /api/house`, `GET /api/truth`, `GET /api/tape?after=`,
//! `POST /api/theatres/{number}/cut`, `POST /api/house/cut`, `POST /api/heal`.

use maud::{Markup, html};
use node::design::{self, Asset};

const ASSETS: &[Asset] = &[
    Asset { path: "/assets/stage.css", text: include_str!("stage/stage.css") },
    Asset { path: "/assets/panes.css", text: include_str!("stage/panes.css") },
    Asset { path: "/assets/truth.css", text: include_str!("stage/truth.css") },
    Asset { path: "/assets/stage.js", text: include_str!("stage/stage.js") },
    Asset { path: "/assets/frame.js", text: include_str!("stage/frame.js") },
    Asset { path: "/assets/truth.js", text: include_str!("stage/truth.js") },
    Asset { path: "/assets/tape.js", text: include_str!("stage/tape.js") },
    Asset { path: "/assets/tray.js", text: include_str!("stage/tray.js") },
];

/// What a phone shows one at a time.
const TABS: [(&str, &str); 5] = [
    ("customer", "Customer"),
    ("counter-1", "Counter 1"),
    ("counter-2", "Counter 2"),
    ("doors", "Doors"),
    ("tape", "Tape"),
];

/// The truth panel: key, words, and whether any number but 0 is a breach.
const TRUTHS: [(&str, &str, bool); 8] = [
    ("seats_sold_twice", "Seats sold twice", true),
    ("paid_without_ticket", "Paid without ticket", true),
    ("ticket_without_sale", "Ticket without sale", true),
    ("admitted_twice_shared", "Admitted twice while doors agree", true),
    ("admitted_twice_solo", "Admitted twice at doors alone", false),
    ("entries_unsynced", "Entries not yet synced", false),
    ("oldest_unsynced_s", "Oldest of them", false),
    ("digests_equal", "Both books equal", false),
];

/// Serves `/` and everything under `/assets/` that it loads.
pub fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    use axum::{http::StatusCode, routing::get};
    axum::Router::new()
        .route("/", get(|| std::future::ready(design::respond(StatusCode::OK, stage()))))
        .merge(design::router())
        .merge(design::serve(ASSETS))
}

/// The stage.
pub fn stage() -> Markup {
    let head = html! {
        link rel="stylesheet" href="/assets/stage.css";
        link rel="stylesheet" href="/assets/panes.css";
        link rel="stylesheet" href="/assets/truth.css";
        script type="module" src="/assets/stage.js" {}
    };
    let body = html! {
        (design::masthead(&[], house_switches()))
        main.stage id="main" data-tab="customer" tabindex="-1" {
            h1.unseen { "The whole house" }
            (truth())
            div.tabs id="tabs" role="tablist" aria-label="Panes" {
                @for (tab, word) in TABS {
                    button type="button" role="tab" data-tab=(tab) aria-selected=(tab == "customer") { (word) }
                }
            }
            div.panes {
                section.pane.customer data-pane="customer" id="customer" aria-label="Customer" {
                    header { h2 { "Customer" } (pane_keys("customer")) }
                    div.frame data-width="400" {}
                }
                div.counters id="counters" {}
                div.side {
                    section.pane.doors data-pane="doors" aria-label="Doors" {
                        header { h2 { "Doors" } }
                        div.tray id="tray" {
                            p.quiet.small { "Tickets land here when somebody gets them. Take one in hand, then hold it to a door." }
                        }
                        div.theatre-doors id="doors" {}
                    }
                    section.pane.tape data-pane="tape" aria-label="Operator tape" {
                        header { h2 { "Tape" } }
                        div id="tape-log" role="log" aria-live="off" aria-label="Tape" tabindex="0" { ol.plain id="tape" {} }
                    }
                }
            }
        }
        p.unseen id="said" role="status" {}
        noscript { p { "The stage needs JavaScript." } }
    };
    design::page("Stage", head, body)
}

fn house_switches() -> Markup {
    html! {
        div.house-switches role="group" aria-label="The whole house" {
            button."switch" type="button" data-house="broker" aria-pressed="false" { "Broker down" }
            button."switch" type="button" data-house="central" aria-pressed="false" { "Central down" }
            button."switch heal" type="button" id="heal" { "Heal" }
        }
    }
}

fn truth() -> Markup {
    html! {
        section.truth id="truth" data-state="asking" aria-labelledby="truth-title" {
            div.truth-head { h2 id="truth-title" { "Truth" } p id="truth-word" role="status" { "Asking…" } }
            dl {
                @for (key, words, breach) in TRUTHS {
                    div data-truth=(key) data-breach[breach] { dt { (words) } dd { "–" } }
                }
            }
            ul id="stories" hidden {}
        }
    }
}

fn pane_keys(of: &str) -> Markup {
    html! {
        span.pane-keys {
            button type="button" data-reload=(of) aria-label="Load again" { "↻" }
            a data-open=(of) target="_blank" rel="noreferrer" aria-label="Open in its own window" { "↗" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_loads_only_what_is_served_here() {
        let html = stage().into_string();
        for asset in html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let own = ASSETS.iter().any(|a| a.path.ends_with(asset));
            assert!(own || ["tokens.css", "base.css", "controls.css", "mark.svg"].contains(&asset), "{asset}");
        }
    }

    #[test]
    fn the_panel_shows_every_number_of_the_truth() {
        let panel = serde_json::to_value(crate::truth::Panel::default()).expect("JSON");
        let keys: Vec<&str> = panel.as_object().expect("object").keys().map(String::as_str).collect();
        assert_eq!(keys.len(), TRUTHS.len());
        for key in keys {
            assert!(TRUTHS.iter().any(|(shown, ..)| *shown == key), "{key}");
        }
    }
}
