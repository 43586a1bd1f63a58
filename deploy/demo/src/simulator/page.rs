//! The hosted payment page: an amount, a reference, and two buttons.

use super::Desk;
use super::book::No;
use super::payment::{Payment, PaymentState};
use crate::clock::now;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use node::design::{self, Asset};
use std::sync::Arc;

const ASSETS: &[Asset] = &[Asset { path: "/assets/pay.css", text: include_str!("pay.css") }];

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/pay/{id}", get(show))
        .route("/pay/{id}/approve", post(approve))
        .route("/pay/{id}/decline", post(decline))
        .with_state(desk)
        .merge(design::router())
        .merge(design::serve(ASSETS))
}

async fn show(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    match desk.book().payment(&id) {
        Ok(payment) => document(StatusCode::OK, sheet(payment)),
        Err(no) => unknown(no),
    }
}

async fn approve(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    decide(&desk, &id, PaymentState::Captured)
}

async fn decline(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    decide(&desk, &id, PaymentState::Declined)
}

/// A second press of a button finds the payment decided and leads back like the first.
fn decide(desk: &Desk, id: &str, wanted: PaymentState) -> Response {
    let mut book = desk.book();
    let response = match book.settle(id, wanted, now()) {
        Ok(payment) if payment.state == wanted => Redirect::to(&payment.return_url).into_response(),
        Ok(payment) => document(StatusCode::CONFLICT, sheet(payment)),
        Err(no) => unknown(no),
    };
    desk.moved.notify_one();
    response
}

fn unknown(no: No) -> Response {
    let text = html! {
        h1 { "No such payment" }
        p.quiet { "In this simulator " (no.to_string()) "." }
    };
    document(StatusCode::NOT_FOUND, text)
}

fn document(status: StatusCode, content: Markup) -> Response {
    let head = html! { link rel="stylesheet" href="/assets/pay.css"; };
    let body = html! {
        main id="main" class="pay" {
            div.card {
                p.eyebrow { "Payment simulator" }
                (content)
            }
            p.quiet.small { "No real money moves here." }
        }
    };
    design::respond(status, design::page("Pay", head, body))
}

fn sheet(payment: &Payment) -> Markup {
    html! {
        h1.figures { (design::money(payment.amount)) }
        dl.facts {
            dt { "For booking" }
            dd { code { (payment.reference) } }
            dt { "Payment" }
            dd { code { (payment.payment) } }
            @if let (Some(expires_at), PaymentState::Created) = (&payment.expires_at, payment.state) {
                dt { "Pay until" }
                dd.figures { (design::clock(expires_at)) }
            }
        }
        @match payment.state {
            PaymentState::Created => (buttons(payment)),
            PaymentState::Captured => (over(payment, "good", "This payment is complete.")),
            PaymentState::Declined => (over(payment, "bad", "This payment was declined. No money was taken.")),
            PaymentState::Expired => (over(payment, "warn", "The time for this payment is over. No money was taken.")),
            PaymentState::Refunded => (over(payment, "good", "This payment was given back in full.")),
        }
    }
}

fn buttons(payment: &Payment) -> Markup {
    let action = |what: &str| format!("/pay/{}/{what}", payment.payment);
    html! {
        div.buttons {
            form method="post" action=(action("approve")) {
                button.button.main type="submit" autofocus { "Pay " (design::money(payment.amount)) }
            }
            form method="post" action=(action("decline")) {
                button.button type="submit" { "Decline" }
            }
        }
    }
}

fn over(payment: &Payment, tone: &str, text: &str) -> Markup {
    html! {
        p class={ "notice " (tone) } role="status" { span { (text) } }
        p.back { a.button href=(payment.return_url) { "Back to the booking" } }
    }
}
