//! The frame of every page: document, masthead, footer, and how it is sent.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

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

/// The line at the bottom of customers' pages, with links as words and address.
pub fn footer(text: &str, links: &[(&str, &str)]) -> Markup {
    html! {
        footer.foot {
            (mark())
            p { (text) }
            @for (words, href) in links { a href=(href) { (words) } }
        }
    }
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

/// Sends a page, not to be kept: what it shows is true now. What it may load and who may
/// frame it is one setting for all pages of a server, [`crate::http::HttpLimits`].
pub fn respond(status: StatusCode, page: Markup) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
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
    fn a_page_is_not_kept_and_brings_no_policy_of_its_own() {
        let response = respond(StatusCode::OK, html! {});
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(!response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    }
}
