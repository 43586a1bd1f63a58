//! The frame of every page: document, masthead, footer, and the headers it is sent with.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'";
const POLICY_WITH_FRAMES: &str = "default-src 'self'; frame-src http: https:; base-uri 'none'; object-src 'none'";

/// One step of the way back, shown in the masthead.
#[derive(Debug, Clone, Copy)]
pub struct Crumb<'a> {
    /// What it is called.
    pub text: &'a str,
    /// Where it leads.
    pub href: &'a str,
}

/// A whole document. `head` adds style sheets and modules; `body` contains `<main id="main">`.
pub fn page(title: &str, head: Markup, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="color-scheme" content="light dark";
                meta name="theme-color" content="#14121b";
                title { (title) " · Usher" }
                link rel="icon" href="/assets/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/tokens.css";
                link rel="stylesheet" href="/assets/base.css";
                link rel="stylesheet" href="/assets/controls.css";
                (head)
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (body)
            }
        }
    }
}

/// The dark band on top: the word mark, the way back, and what the page adds on the right.
pub fn masthead(crumbs: &[Crumb<'_>], aside: Markup) -> Markup {
    html! {
        header.masthead {
            a.wordmark href="/" aria-label="Usher, start page" { (mark()) span { "Usher" } }
            @if !crumbs.is_empty() {
                nav.crumbs aria-label="Way back" {
                    @for crumb in crumbs { a href=(crumb.href) { (crumb.text) } }
                }
            }
            div.masthead-aside { (aside) }
        }
    }
}

/// The line at the bottom of customers' pages.
pub fn footer(text: &str) -> Markup {
    html! { footer.foot { (mark()) p { (text) } } }
}

/// An usher's torch: a lamp and its beam.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" {
            path.beam d="M11 13 30 3v26L11 19z" {}
            circle.lamp cx="9" cy="16" r="5" {}
        }
    }
}

/// Sends a page under the policy that it may load and run only what this program serves.
pub fn respond(status: StatusCode, page: Markup) -> Response {
    send(status, POLICY, page)
}

/// Like [`respond`], for a page that shows other programs' pages in frames.
pub fn respond_with_frames(status: StatusCode, page: Markup) -> Response {
    send(status, POLICY_WITH_FRAMES, page)
}

fn send(status: StatusCode, policy: &'static str, page: Markup) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, page.into_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_its_title_and_begins_with_a_way_past_the_masthead() {
        let page = page("<Sholay>", html! {}, html! { main id="main" {} }).into_string();
        assert!(page.contains("<title>&lt;Sholay&gt; · Usher</title>"));
        assert!(page.contains("<body><a class=\"skip\" href=\"#main\">"));
    }

    #[test]
    fn a_page_is_sent_under_a_policy_without_inline_script_or_style() {
        let response = respond(StatusCode::OK, html! {});
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"));
    }
}
