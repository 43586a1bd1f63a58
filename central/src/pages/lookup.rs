//! The page where a customer finds a booking again.

use super::{foot, module, style};
use maud::{Markup, html};
use node::design::{masthead, page};

/// `/bookings`: a form of two fields; the module beside it asks.
pub fn lookup() -> Markup {
    let body = html! {
        (masthead(&[], html! {}))
        main id="main" {
            section.hero { div."wrap hero-text" {
                h1 { "Find your booking" }
                p { "You need the code of your booking, and the e-mail address or mobile number you gave." }
                form.lookup id="lookup" novalidate {
                    label.field {
                        span { "Booking code" }
                        input.input id="code" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false"
                            required maxlength="16" placeholder="ABCD EFGH";
                    }
                    label.field {
                        span { "E-mail or mobile number" }
                        input.input id="contact" name="contact" autocomplete="email" inputmode="email" required
                            maxlength="254";
                    }
                    div id="problem" role="alert" {}
                    button."button main" id="find" { "Find it" }
                }
                noscript { p { "This form needs JavaScript." } }
            } }
        }
        (foot())
    };
    let head = html! { (style("/assets/customer.css")) (module("/assets/lookup.js")) };
    page("Find your booking", head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_names_both_fields_in_words() {
        let html = lookup().into_string();
        for words in ["Booking code", "E-mail or mobile number", "Find it", "role=\"alert\""] {
            assert!(html.contains(words), "{words}");
        }
    }
}
