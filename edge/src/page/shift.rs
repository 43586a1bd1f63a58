//! The till's page: the shift from the counted float to the report, and the reports of days.

use super::staff_page;
use maud::{Markup, html};

/// One's shift, and for supervisors the day, payments to verify, every shift, the reports and the check of the journal.
pub(super) fn shift() -> Markup {
    staff_page(
        "Till",
        "shift",
        html! { p.only-on-paper id="theatre" {} section.sheet id="sheet" {} (own()) (day()) (slips()) (reports()) },
    )
}

fn own() -> Markup {
    html! {
        section.card id="own" aria-labelledby="own-title" {
            h2 id="own-title" tabindex="-1" { "Your shift" }
            div role="alert" {}
            div.facts {}
            form.stack id="open" hidden {
                p.quiet { "Count what is in the drawer before the first sale. Leave empty what is not there." }
                div.pieces {}
                p.total role="status" {}
                button."button main" type="submit" { "Open the shift" }
            }
            form.stack id="cash" hidden aria-labelledby="cash-title" {
                h3 id="cash-title" { "Cash in or out" }
                div role="alert" {}
                div.choices role="group" aria-label="Which way" {
                    label { input type="radio" name="direction" value="in" checked; span { "In" } }
                    label { input type="radio" name="direction" value="out"; span { "Out" } }
                }
                div.pair {
                    label.field { span { "Amount" } input.input name="amount" inputmode="decimal" autocomplete="off" required; }
                    label.field { span { "What for" } input.input name="reason" maxlength="200" autocomplete="off" required; }
                }
                button.button type="submit" { "Write it down" }
            }
            details id="close" hidden {
                summary { "Count the drawer and close the shift" }
                form.stack {
                    p.quiet { "Count without looking anything up. What should be in the drawer is told when you have closed." }
                    div role="alert" {}
                    div.pieces {}
                    p.total role="status" {}
                    button."button main" type="submit" { "Close the shift" }
                }
            }
        }
    }
}

fn day() -> Markup {
    html! {
        section.card id="day" data-supervisors hidden aria-labelledby="day-title" {
            h2 id="day-title" tabindex="-1" { "The day" }
            div role="alert" {}
            form.days { label.field { span { "Day" } input.input type="date" name="date" required; } }
            p.facts role="status" {}
            div.wide-table tabindex="0" role="region" aria-labelledby="day-title" {
                table {
                    thead { tr { @for word in ["Show", "Counter", "Online", "Seats", "In", "Taken"] { th scope="col" { (word) } } }}
                    tbody {}
                    tfoot {}
                }
            }
            p.none hidden { "No show begins on this day." }
            dl.report {}
        }
    }
}

fn slips() -> Markup {
    html! {
        section.card id="slips" data-supervisors hidden aria-labelledby="slips-title" {
            h2 id="slips-title" tabindex="-1" { "Payments to verify" }
            p.quiet { "Cards and UPI are recorded here and not verified. Compare them with the bank's list." }
            div role="alert" {}
            form.stack hidden {
                label.tick { input type="checkbox" name="all"; span { "All of them" } }
                ol.plain.rows {}
                label.field { span { "What was done about missing money, or money for which nothing was sold" } input.input name="note" maxlength="200" autocomplete="off"; }
                div.days {
                    button."button main" type="submit" value="paid" { "Paid" }
                    button."button bad" type="submit" value="missing" { "Missing" }
                }
            }
            p.none hidden { "There are none." }
        }
    }
}

fn reports() -> Markup {
    html! {
        section.card id="reports" data-supervisors hidden aria-labelledby="reports-title" {
            h2 id="reports-title" tabindex="-1" { "Shifts and reports" }
            div role="alert" {}
            form.days {
                label.field { span { "Day" } input.input type="date" name="date" required; }
                button.button type="submit" value="collection.csv" { "Daily collection (CSV)" }
                button.button type="submit" value="tenders.csv" { "Sales by tender (CSV)" }
                button.button type="submit" value="z.csv" { "Shifts (CSV)" }
                button.button type="submit" name="paper" value="collection.csv" { "Print the collection" }
                button.button type="submit" name="paper" value="tenders.csv" { "Print sales by tender" }
                button.button type="submit" name="paper" value="z.csv" { "Print shifts" }
            }
            div.days {
                button.button type="button" id="check" { "Check the till journal" }
                p id="checked" role="status" {}
            }
            ol.plain.rows {}
        }
    }
}
