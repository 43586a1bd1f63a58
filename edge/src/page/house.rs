//! The house's page: what a supervisor settles, and what a manager answers for.

use super::staff_page;
use crate::staff::Role;
use maud::{Markup, html};

/// What to settle, house seats, dead letters, the witness, unknown seats, and opening by two persons.
pub(super) fn house() -> Markup {
    let parts = html! {
        nav.jumps aria-label="On this page" {
            @for (part, word, managers) in PARTS { a href={ "#" (part) } data-managers[managers] { (word) } }
        }
        (settle())
        (withheld())
        (answered())
        (unwitnessed())
        (letters())
        (opening())
        (unknown())
        (way_out())
        (witness())
        (people())
        (printers())
    };
    staff_page("House", "house", parts)
}

/// Anchor, word, and whether it is for managers only.
const PARTS: [(&str, &str, bool); 11] = [
    ("settle", "To settle", false),
    ("withheld", "House seats", false),
    ("answered", "Who did what", false),
    ("unwitnessed", "Kept nowhere else", false),
    ("letters", "Dead letters", false),
    ("opening", "Open or closed", true),
    ("unknown", "Unknown seats", true),
    ("wayout", "Going out", true),
    ("witness", "Doors and witness", true),
    ("people", "Staff", true),
    ("printers", "Printers", false),
];

fn settle() -> Markup {
    html! {
        section.card id="settle" aria-labelledby="settle-title" {
            h2 id="settle-title" tabindex="-1" { "To settle" }
            p.quiet { "What two sides do not agree on. Nothing of it goes away by itself: write down what was done about it." }
            label.tick { input type="checkbox" id="settled-too"; "Settled ones too" }
            div role="alert" {}
            ol.plain.stories {}
            button."button slim" type="button" data-more hidden { "Show more" }
        }
    }
}

fn answered() -> Markup {
    html! {
        section.card id="answered" aria-labelledby="answered-title" {
            h2 id="answered-title" tabindex="-1" { "Who did what" }
            p.quiet { "Voids, duplicates, what was given away or kept back, who was let in, and what two persons attested." }
            div role="alert" {}
            form.days { label.field { span { "Day" } input.input type="date" name="date" required; } }
            ol.plain.rows {}
        }
    }
}

fn unwitnessed() -> Markup {
    html! {
        section.card id="unwitnessed" aria-labelledby="unwitnessed-title" {
            h2 id="unwitnessed-title" tabindex="-1" { "Kept nowhere else" }
            p.quiet { "Sales of a time without line and witness: if this box's disk were lost now, nobody else would know of them." }
            div role="alert" {}
            ol.plain.rows {}
        }
    }
}

fn withheld() -> Markup {
    html! {
        section.card id="withheld" aria-labelledby="withheld-title" {
            h2 id="withheld-title" tabindex="-1" { "House seats" }
            p.quiet { "Seats kept back from sale, at the counter and online, until they are given back." }
            form.stack hidden {
                div role="alert" {}
                label.field { span { "Day" } input.input type="date" name="date"; }
                div."of-show stack" {
                    label.field { span { "Show" } select.input name="show" {} }
                    p.labels role="status" {}
                    label.field { span { "Seats" }
                        input.input name="seats" autocomplete="off" autocapitalize="characters" placeholder="A1, A2";
                    }
                    div.days {
                        button."button main" type="submit" value="withhold" { "Keep back" }
                        button.button type="submit" value="release" { "Give back to sale" }
                    }
                }
            }
            p.none hidden { "No show of this day is on sale." }
        }
    }
}

fn letters() -> Markup {
    html! {
        section.card id="letters" aria-labelledby="letters-title" {
            h2 id="letters-title" tabindex="-1" { "Dead letters" }
            p.quiet { "Messages that this program could not read. After an upgrade, or when what they were about has come, try them again." }
            div role="alert" {}
            ol.plain.rows {}
        }
    }
}

fn opening() -> Markup {
    html! {
        section.card id="opening" data-managers aria-labelledby="opening-title" {
            h2 id="opening-title" tabindex="-1" { "Open or closed" }
            p.why role="status" {}
            form.stack hidden {
                p { "You and a second person answer for it. Seats that were unsold are kept back as unknown until two persons have settled them." }
                (second_person())
                button."button main" type="submit" { "Open with two persons" }
            }
        }
    }
}

fn unknown() -> Markup {
    html! {
        section.card id="unknown" data-managers aria-labelledby="unknown-title" {
            h2 id="unknown-title" tabindex="-1" { "Unknown seats" }
            p.quiet { "Seats whose sale may have been forgotten. They stay off sale until two persons answer for it that they were not sold." }
            form.stack hidden {
                div.choices.shows role="group" aria-label="Show" {}
                p.labels role="status" {}
                label.field { span { "Only these seats" }
                    input.input name="seats" autocomplete="off" autocapitalize="characters" placeholder="All of them; or A1, A2";
                }
                (second_person())
                button."button main" type="submit" { "Put them on sale" }
            }
            p.none hidden { "There are none." }
        }
    }
}

fn way_out() -> Markup {
    html! {
        section.card id="wayout" data-managers aria-labelledby="wayout-title" {
            h2 id="wayout-title" tabindex="-1" { "Going out" }
            p.quiet {
                "A door can count guests out, so that it says how many are inside. Their tickets stay used, unless guests may come back: "
                "then a door lets the ticket in again. The doors hear of it at once."
            }
            form.stack hidden {
                div role="alert" {}
                label.field { span { "Day" } input.input type="date" name="date"; }
                div."of-show stack" {
                    label.field { span { "Show" } select.input name="show" {} }
                    label.tick { input type="checkbox" name="exit"; "Whoever goes out is counted out" }
                    label.tick { input type="checkbox" name="reentry"; "Guests may go out and come back" }
                }
            }
            p.none hidden { "There is no show on this day." }
        }
    }
}

fn witness() -> Markup {
    html! {
        section.card id="witness" data-managers aria-labelledby="witness-title" {
            h2 id="witness-title" tabindex="-1" { "Doors and witness" }
            p.quiet {
                "One door device keeps this box's last entries and gives them back if the box forgets. "
                "Take one that stays in the house and stays on. No void waits for a device that is declared off, and nobody is let in there."
            }
            div role="alert" {}
            p.key-waits hidden {
                "This box has a new key, which not every door knows yet: the one before it goes on signing tickets. "
                button."button slim" type="button" { "Sign with the new one now" }
            }
            ol.plain.rows {}
            p { a href="/door" { "Pair a door" } }
        }
    }
}

fn people() -> Markup {
    html! {
        section.card id="people" data-managers aria-labelledby="people-title" {
            h2 id="people-title" tabindex="-1" { "Staff" }
            div role="alert" {}
            ol.plain.rows {}
            form.stack {
                p.quiet { "Somebody new, or a new role and PIN for somebody, who is then logged out everywhere." }
                div role="alert" {}
                div.pair {
                    label.field { span { "Name" } input.input name="name" autocomplete="off" maxlength="32" required; }
                    label.field { span { "Role" }
                        select.input name="role" { @for role in Role::ALL { option value=(role.word()) { (role.word()) } } }
                    }
                    label.field { span { "PIN" }
                        input.input name="pin" type="password" inputmode="numeric" autocomplete="new-password" maxlength="12" required;
                    }
                }
                button.button type="submit" { "Let them in" }
            }
        }
    }
}

fn printers() -> Markup {
    html! {
        section.card id="printers" aria-labelledby="printers-title" {
            h2 id="printers-title" tabindex="-1" { "Printers" }
            p.quiet { "They are named where the box is started; without one, papers are documents." }
            div role="alert" {}
            ol.plain.rows {}
        }
    }
}

fn second_person() -> Markup {
    html! {
        div role="alert" {}
        div.pair {
            label.field { span { "Second person" } input.input name="staff" autocomplete="off" autocapitalize="none" required; }
            label.field { span { "Their PIN" }
                input.input name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="12" required;
            }
        }
    }
}
