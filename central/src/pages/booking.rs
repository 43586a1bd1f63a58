//! A booking: where it stands in words, its tickets, and the way to cancel it.

use super::cancellation::{CancellationView, steps};
use super::{foot, module, style};
use maud::{Markup, html};
use node::design::{Crumb, clock, count, day, masthead, money, page};
use node::view::{LineView, ShowView};
use serde::{Deserialize, Serialize};
use shared::money::Money;

/// A booking as `GET /v1/bookings/{id}` answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingView {
    /// 32 hex digits; whoever knows it may see and cancel the booking.
    pub booking: String,
    /// The short code printed below the tickets.
    pub code: String,
    /// `awaiting_payment paying booked cancelling cancelled expired refunded`.
    pub state: String,
    /// The show.
    pub show: ShowView,
    /// Seats with their frozen prices.
    pub lines: Vec<LineView>,
    /// The sum.
    pub total: Money,
    /// The payment, once there is one.
    pub payment: Option<PaymentView>,
    /// The tickets, once it is booked.
    pub tickets: Vec<TicketView>,
    /// RFC 3339: until when the seats wait for the payment.
    pub expires_at: Option<String>,
    /// How its cancellation stands, once one was asked for.
    pub cancellation: Option<CancellationView>,
}

/// The payment of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// The gateway's id.
    pub payment: String,
    /// `created captured declined expired refunded`.
    pub state: String,
    /// The hosted page.
    pub pay_url: String,
}

/// One ticket of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    /// `C12`.
    pub seat: String,
    /// 16 hex digits.
    pub ticket: String,
    /// `live void_requested void used`.
    pub state: String,
}

/// `/bookings/{id}`.
pub fn booking(view: &BookingView) -> Markup {
    let back = format!("/movies/{}", view.show.movie.id);
    let crumbs = [Crumb { text: &view.show.movie.title, href: &back }];
    let head = html! { (style("/assets/customer.css")) (style("/assets/booking.css")) (module("/assets/booking.js")) };
    let body = html! {
        (masthead(&crumbs, html! {}))
        main id="main" data-booking=(view.booking) data-state=(view.state) data-settled=(settled(view)) {
            section.hero { div."wrap booking-head" role="status" { (headline(view)) } }
            div."wrap booking" {
                div.stack {
                    div id="problem" role="alert" {}
                    (next_step(view))
                    @if view.state == "booked" { (tickets(view)) }
                    @if let Some(cancellation) = &view.cancellation { (steps(cancellation, view.total)) }
                }
                (summary(view))
            }
        }
        (foot())
    };
    page(&format!("Booking {}", view.code), head, body)
}

fn settled(view: &BookingView) -> bool {
    let refunding = view.cancellation.as_ref().and_then(|c| c.refund.as_ref()).is_some_and(|r| r.state == "pending");
    !refunding && matches!(view.state.as_str(), "booked" | "cancelled" | "expired" | "refunded")
}

fn headline(view: &BookingView) -> Markup {
    let refused = view.cancellation.as_ref().is_some_and(|c| c.state == "refused");
    let (title, text) = match view.state.as_str() {
        "awaiting_payment" => ("Nearly there", "Your seats are kept until the payment is made."),
        "paying" => ("Waiting for your payment", "This page changes by itself as soon as it is confirmed."),
        "booked" if refused => ("Your booking stands", "The theatre did not accept the cancellation."),
        "booked" => ("You’re going", "Show the code at the door. It works without a network, on both sides."),
        "cancelling" => ("Cancellation under way", "Your tickets no longer let anybody in."),
        "cancelled" => ("Cancelled", "Your seats are free again."),
        "refunded" => ("Refunded", "The money is on its way back to where it came from."),
        "expired" => ("The time ran out", "The payment did not arrive in time and your seats were let go."),
        other => (other, ""),
    };
    html! { h1 { (title) } p { (text) } }
}

fn next_step(view: &BookingView) -> Markup {
    let declined = view.payment.as_ref().is_some_and(|payment| payment.state == "declined");
    html! {
        @match view.state.as_str() {
            "awaiting_payment" => div."card stack" {
                @if declined { div."notice warn" {
                    strong { "The payment was declined" }
                    span { "No money was taken. You can try again." }
                } }
                @if let Some(until) = &view.expires_at {
                    p { "Kept until " strong { time datetime=(until) data-clock { (clock(until)) } } "." }
                }
                p { button."button main" type="button" id="pay" { "Pay " (money(view.total)) } }
            },
            "paying" => div."card stack" {
                p.waiting { "Asking the payment service…" }
                @if let Some(payment) = &view.payment {
                    p { "Left the payment page too early? " a href=(payment.pay_url) { "Open it again" } "." }
                }
            },
            "expired" => div."card stack" {
                p { "If money was taken after that, it goes back by itself; you need not do anything." }
                p { a."button main" href={ "/shows/" (view.show.id) } { "Choose seats again" } }
            },
            _ => {}
        }
    }
}

fn tickets(view: &BookingView) -> Markup {
    let show = &view.show;
    html! {
        ul."plain tickets" aria-label="Tickets" {
            @for ticket in &view.tickets {
                @let line = view.lines.iter().find(|line| line.seat == ticket.seat);
                li.ticket data-seat=(ticket.seat) {
                    div.stub {
                        p.eyebrow { (day(&show.starts_at)) }
                        h2 { (show.movie.title) }
                        dl.facts {
                            div { dt { "Seat" } dd.big { (ticket.seat) } }
                            div { dt { "Screen" } dd.big { (show.screen) } }
                            div { dt { "Starts" } dd.big { (clock(&show.starts_at)) } }
                        }
                        p { (show.theatre.name) }
                        @if let Some(line) = line { p.quiet { (line.category) " · " (money(line.price)) } }
                        @if ticket.state == "used" { p.badge { "✓ Used for entry" } }
                    }
                    div.entry {
                        img src={ "/v1/bookings/" (view.booking) "/tickets/" (ticket.seat) ".svg" } width="180" height="180"
                            alt={ "QR code of the ticket for seat " (ticket.seat) };
                        p.short-code { (spaced(&view.code)) }
                    }
                }
            }
        }
        div.ticket-tools {
            button."button slim" type="button" id="calendar" data-title=(show.movie.title) data-place=(show.theatre.name)
                data-starts=(show.starts_at) data-ends=(show.ends_at) data-code=(view.code) { "Add to calendar" }
            button."button slim" type="button" id="print" { "Print" }
            a."button slim" href={ "/v1/bookings/" (view.booking) "/tickets.pdf" } { "PDF" }
            details id="codes" { summary { "Ticket codes as text" } div id="code-texts" {} }
        }
        @if view.cancellation.is_none() { (cancel(view)) }
    }
}

fn cancel(view: &BookingView) -> Markup {
    html! {
        details.cancel {
            summary { "Cancel this booking" }
            div.stack {
                p { "All of it, " (count(view.tickets.len(), "ticket")) ". First the theatre confirms that nobody has entered; "
                    "then " (money(view.total)) " goes back to you." }
                p { button."button bad" type="button" id="cancel" { "Yes, cancel all tickets" } }
            }
        }
    }
}

fn summary(view: &BookingView) -> Markup {
    let show = &view.show;
    html! {
        aside."card summary" aria-label="Booking" {
            p.eyebrow { "Booking" }
            p.short-code { (spaced(&view.code)) }
            h3 { (show.movie.title) }
            p { (day(&show.starts_at)) ", " (clock(&show.starts_at)) br; (show.theatre.name) " · Screen " (show.screen) }
            ul."plain lines" {
                @for line in &view.lines { li { span { (line.seat) " · " (line.category) } span.figures { (money(line.price)) } } }
            }
            p.total { span { "Total" } strong.figures { (money(view.total)) } }
            p."small quiet" { "Keep this page’s address: it is your booking." }
        }
    }
}

/// Eight characters in two groups, easier to read out.
fn spaced(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((head, tail)) if !tail.is_empty() => format!("{head} {tail}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cancellation::RefundView;
    use super::*;
    use node::view::{MovieRef, TheatreRef};

    fn view(state: &str) -> BookingView {
        BookingView {
            booking: "ab".repeat(16),
            code: "K7QF9RTX".into(),
            state: state.into(),
            show: ShowView {
                id: "12-345".into(),
                movie: MovieRef { id: 7, title: "Sholay".into() },
                theatre: TheatreRef { id: 12, name: "Amber".into() },
                screen: 2,
                starts_at: "2026-11-28T18:30:00+05:30".into(),
                ends_at: "2026-11-28T21:48:00+05:30".into(),
                from: Money::inr(12_000),
                seats_free: None,
                seats_count: None,
                state: "on_sale".into(),
            },
            lines: vec![LineView { seat: "C12".into(), category: "Gold".into(), price: Money::inr(25_000) }],
            total: Money::inr(25_000),
            payment: None,
            tickets: vec![TicketView { seat: "C12".into(), ticket: "00".repeat(8), state: "live".into() }],
            expires_at: None,
            cancellation: None,
        }
    }

    fn cancelled(state: &str, refund: Option<&str>) -> BookingView {
        let refund = refund.map(|state| RefundView { state: state.into(), amount: Money::inr(25_000) });
        BookingView { cancellation: Some(CancellationView { state: state.into(), refund }), ..view("cancelling") }
    }

    #[test]
    fn a_booked_booking_shows_its_tickets_and_the_way_to_cancel() {
        let html = booking(&view("booked")).into_string();
        assert!(html.contains("/tickets/C12.svg") && html.contains("K7QF 9RTX") && html.contains("id=\"cancel\""));
        assert!(html.contains("data-settled=\"true\""));
    }

    #[test]
    fn an_unpaid_booking_shows_no_ticket() {
        for state in ["awaiting_payment", "paying", "expired", "cancelling", "cancelled", "refunded"] {
            assert!(!booking(&view(state)).into_string().contains(".svg\" width"), "{state}");
        }
    }

    #[test]
    fn a_cancellation_says_at_which_of_its_steps_it_stands() {
        let html = |view| booking(&view).into_string();
        assert!(html(cancelled("waiting_for_theatre", None)).contains("Waiting for the theatre"));
        assert!(html(cancelled("accepted", Some("pending"))).contains("₹250 is going back"));
        assert!(html(cancelled("accepted", Some("succeeded"))).contains("₹250 went back"));
        assert!(html(cancelled("refused", None)).contains("Your booking stands"));
    }

    #[test]
    fn a_booking_with_money_on_its_way_is_looked_at_again() {
        let mut pending = cancelled("accepted", Some("pending"));
        pending.state = "cancelled".into();
        assert!(!settled(&pending));
        pending.cancellation = None;
        assert!(settled(&pending));
    }
}
