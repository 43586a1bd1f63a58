//! The door's page: a verdict that can be read at arm's length, and what this door knows and how old it is.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use maud::{Markup, html};
use node::design::{self, Asset};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

const ASSETS: &[Asset] = &[
    Asset { path: "/assets/door.css", text: include_str!("page/door.css") },
    Asset { path: "/assets/verdict.css", text: include_str!("page/verdict.css") },
    Asset { path: "/assets/door.js", text: include_str!("page/door.js") },
    Asset { path: "/assets/verdict.js", text: include_str!("page/verdict.js") },
    Asset { path: "/assets/entry.js", text: include_str!("page/entry.js") },
    Asset { path: "/assets/group.css", text: include_str!("page/group.css") },
    Asset { path: "/assets/group.js", text: include_str!("page/group.js") },
    Asset { path: "/assets/find.js", text: include_str!("page/find.js") },
    Asset { path: "/assets/lane.js", text: include_str!("page/lane.js") },
    Asset { path: "/assets/kept.js", text: include_str!("page/kept.js") },
    Asset { path: "/assets/late.css", text: include_str!("page/late.css") },
    Asset { path: "/assets/late.js", text: include_str!("page/late.js") },
    Asset { path: "/assets/lock.js", text: include_str!("page/lock.js") },
    Asset { path: "/assets/reader.js", text: include_str!("page/reader.js") },
    Asset { path: "/assets/camera.js", text: include_str!("page/camera.js") },
    Asset { path: "/assets/badge.js", text: include_str!("page/badge.js") },
    Asset { path: "/assets/shell.js", text: include_str!("page/shell.js") },
    Asset { path: "/assets/sound.js", text: include_str!("page/sound.js") },
];

/// What the page loads of the files that all pages share.
const SHARED: &[&str] =
    &["tokens.css", "base.css", "controls.css", "mark.svg", "api.js", "words.js", "pane.js", "wedge.js"];

/// Where the browser finds the worker that keeps the page: at the root, for that is as far as it may reach.
const WORKER: &str = "/worker.js";

static WORKER_TEXT: LazyLock<String> = LazyLock::new(|| {
    let shared: Vec<Asset> = SHARED.iter().filter_map(|name| design::shared(name).copied()).collect();
    worker_text(&door().into_string(), &[ASSETS, &shared].concat())
});

/// The worker, with the name of its cache: another one where the page or anything that it loads is another.
fn worker_text(page: &str, assets: &[Asset]) -> String {
    let files = assets.iter().map(|asset| format!("\"{}\"", asset.path));
    let files: Vec<String> = std::iter::once("\"/\"".to_owned()).chain(files).collect();
    let mut hasher = DefaultHasher::new();
    page.hash(&mut hasher);
    assets.iter().for_each(|asset| (asset.path, asset.text).hash(&mut hasher));
    let (version, files) = (env!("CARGO_PKG_VERSION"), files.join(", "));
    let name = format!("door {version} {:016x}", hasher.finish());
    format!("const NAME = \"{name}\";\nconst FILES = [{files}];\n{}", include_str!("page/worker.js"))
}

/// Serves `/` and everything under `/assets/` that it loads.
pub fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    let worker = || {
        let head = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
        std::future::ready((head, WORKER_TEXT.as_str()).into_response())
    };
    axum::Router::new()
        .route("/", get(|| std::future::ready(design::respond(StatusCode::OK, door()))))
        .route(WORKER, get(worker))
        .merge(design::router())
        .merge(design::serve(ASSETS))
}

/// The door.
pub fn door() -> Markup {
    let head = html! {
        link rel="stylesheet" href="/assets/verdict.css";
        link rel="stylesheet" href="/assets/door.css";
        link rel="stylesheet" href="/assets/group.css";
        link rel="stylesheet" href="/assets/late.css";
        script type="module" src="/assets/door.js" {}
    };
    let body = html! {
        header.door-head {
            p.door-name { strong id="door" { "Door" } span id="serves" {} span id="theatre" {} }
            p.guarantee id="guarantee" role="status" { "…" }
        }
        main.verdict id="main" data-verdict="idle" tabindex="0" {
            div.verdict-shape id="shape" {}
            div.verdict-side {
                div.verdict-words role="alert" id="verdict" {
                    h1 id="words" { "Ready" }
                    p.verdict-seat id="seat" {}
                    p.verdict-text id="text" { "Scan a ticket" }
                    p.verdict-first id="first" {}
                    ul.verdict-lines id="lines" {}
                    p.verdict-level id="level" {}
                    p.verdict-first id="group-text" {}
                }
                form.group id="group" hidden {
                    fieldset.choices id="group-seats" aria-label="Who of the booking comes in too" {}
                    p id="group-fault" role="alert" {}
                    button."button group-key" type="submit" id="group-key" aria-keyshortcuts="F2" {}
                }
            }
            video.camera id="camera" hidden muted playsinline {}
            p.blind id="blind" role="status" hidden { "The camera reads nothing until this device's program answers." }
        }
        p.toast id="toast" role="status" hidden {}
        p.toast id="refused" role="status" hidden {}
        p.toast id="clock" role="status" hidden {}
        section.late id="late" aria-labelledby="late-text" hidden {
            div.late-head {
                p id="late-text" role="status" {}
                button.button type="button" id="late-key" { "Seen" }
            }
            ul id="late-list" tabindex="0" aria-labelledby="late-text" {}
        }
        footer.door-foot {
            dl.counts {
                div { dt { "In" } dd { span id="admitted" { "–" } small id="expected" {} } }
                div { dt { "A minute" } dd id="per-minute" { "–" } }
                div { dt { "To deliver" } dd id="queued" { "–" } }
                div.doors { dt { "Doors" } dd id="doors" { "–" } }
            }
            form.typed id="typed" {
                label.unseen for="code" { "Ticket code" }
                input.input id="code" placeholder="Type or paste a code" autocomplete="off" autocapitalize="characters"
                    spellcheck="false" enterkeyhint="go";
                button."button main" type="submit" { "Check" }
            }
            div.door-keys {
                button."button slim" type="button" id="undo-key" hidden { "Take back" }
                button."button slim" type="button" id="let-in-key" hidden { "Let in…" }
                button."button slim" type="button" id="find-key" { "Find ticket" }
                button."button slim setting" type="button" id="out-key" aria-pressed="false" { "Way out" }
                button."button slim" type="button" id="camera-key" hidden aria-pressed="false" { "Camera" }
                button."button slim setting" type="button" id="sound-key" aria-pressed="true" { "Sound" }
                button."button slim" type="button" id="lock-key" { "Lock" }
            }
        }
        (dialogs())
        noscript { p { "The door page needs JavaScript." } }
    };
    design::page("Door", head, body)
}

/// What asks for more than a tap.
fn dialogs() -> Markup {
    let field = |name: &str, words: &str, kind: &str| {
        html! {
            label { (words) input.input name=(name) type=(kind) required autocomplete="off"; }
        }
    };
    let pin = |words: &str| {
        html! {
            label { (words) input.input name="pin" type="password" inputmode="numeric" required autocomplete="off" maxlength="12"; }
        }
    };
    html! {
        dialog.sheet id="let-in" aria-label="Let in against the verdict" {
            form id="let-in-form" {
                p { "A supervisor lets the bearer in. Both names are written down." }
                (field("person", "Your name", "text"))
                (field("reason", "Reason", "text"))
                (field("staff", "Supervisor", "text"))
                (field("pin", "Supervisor's PIN", "password"))
                p.fault id="let-in-fault" role="alert" {}
                button."button main" type="submit" { "Let in" }
                button.button type="button" data-closes="let-in" { "Back" }
            }
        }
        dialog.sheet id="find" aria-label="Find a ticket" {
            form id="find-form" {
                (field("seat", "Seat, or the short code of the booking", "text"))
                button."button main" type="submit" { "Find" }
                button.button type="button" data-closes="find" { "Back" }
            }
            ul id="found" {}
        }
        dialog.sheet id="lock" aria-label="Lock the settings" {
            form id="lock-form" {
                p { "Scanning goes on. The same PIN opens the settings again, or a supervisor's." }
                (pin("PIN, 4 to 12 digits"))
                p.fault id="lock-fault" role="alert" {}
                button."button main" type="submit" { "Lock" }
                button.button type="button" data-closes="lock" { "Back" }
            }
        }
        dialog.sheet id="unlock" aria-label="Unlock the settings" {
            form id="unlock-form" {
                (pin("PIN"))
                label { "Supervisor, if it is theirs" input.input name="staff" autocomplete="off"; }
                p.fault id="unlock-fault" role="alert" {}
                button."button main" type="submit" { "Unlock" }
                button.button type="button" data-closes="unlock" { "Back" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_page_loads_only_what_is_served_here() {
        let html = door().into_string();
        for asset in html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let own = ASSETS.iter().any(|a| a.path.ends_with(asset));
            assert!(own || SHARED.contains(&asset), "{asset}");
        }
        assert!(!html.contains("style=") && !html.contains("onclick"));
    }

    #[test]
    fn the_worker_keeps_everything_that_the_page_and_its_modules_load() {
        for asset in ASSETS {
            for module in asset.text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(WORKER_TEXT.contains(&format!("\"/assets/{module}\"")), "{} loads {module}", asset.path);
            }
        }
    }

    #[test]
    fn an_upgrade_of_any_file_that_the_page_loads_has_a_cache_of_its_own() {
        let name = |page: &str, assets: &[Asset]| worker_text(page, assets).lines().next().map(str::to_owned);
        let all: Vec<Asset> =
            ASSETS.iter().copied().chain(SHARED.iter().map(|name| *design::shared(name).expect(name))).collect();
        let page = door().into_string();
        let kept = name(&page, &all);
        assert_eq!(kept.as_deref(), WORKER_TEXT.lines().next(), "all of them are looked at");
        assert_ne!(kept, name("", &all), "the page");
        for at in 0..all.len() {
            let mut upgraded = all.clone();
            upgraded[at].text = "";
            assert_ne!(kept, name(&page, &upgraded), "{}", all[at].path);
        }
    }

    #[test]
    fn every_verdict_code_has_its_two_or_three_words() {
        let words = include_str!("page/verdict.js");
        for code in shared::admission::VerdictCode::ALL {
            assert!(words.contains(&format!("  {}: \"", code.code())), "{code}");
        }
    }
}
