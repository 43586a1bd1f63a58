//! What a page says when it cannot be shown.

use super::{foot, style};
use maud::{Markup, html};
use node::design::{masthead, page};

/// A problem with its stable code, what happened and what to do. `title` is a short sentence without a full stop.
pub fn problem(title: &str, detail: &str, code: &str) -> Markup {
    let body = html! {
        (masthead(&[], html! {}))
        main id="main" {
            section.hero { div."wrap hero-text" {
                h1 { (title) }
                p { (detail) }
                p { a.button.main href="/" { "See what’s on" } }
                p.small { "Code: " code { (code) } }
            } }
        }
        (foot())
    };
    page(title, style("/assets/customer.css"), body)
}
