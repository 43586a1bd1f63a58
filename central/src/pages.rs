//! The customers' pages: pure functions from views to HTML. The routes and what they read are the callers' affair.
//!
//! Each page works without scripts as far as reading goes; the modules beside it add the map, live seats, holding and
//! paying, all through the public JSON API.

mod booking;
mod cancellation;
mod home;
mod lookup;
mod motif;
mod movie;
mod poster;
mod problem;
mod show;

pub use booking::{BookingView, PaymentView, TicketView, booking};
pub use cancellation::{CancellationView, RefundView};
pub use home::{CitiesPage, CityCard, MovieCard, cities};
pub use lookup::lookup;
pub use movie::{MoviePage, movie};
pub use problem::problem;
pub use show::seat_map;

use maud::{Markup, html};
use node::design::{self, Asset};

const ASSETS: &[Asset] = &[
    Asset { path: "/assets/customer.css", text: include_str!("pages/customer.css") },
    Asset { path: "/assets/movie.css", text: include_str!("pages/movie.css") },
    Asset { path: "/assets/order.css", text: include_str!("pages/order.css") },
    Asset { path: "/assets/show.css", text: include_str!("pages/show.css") },
    Asset { path: "/assets/booking.css", text: include_str!("pages/booking.css") },
    Asset { path: "/assets/show.js", text: include_str!("pages/show.js") },
    Asset { path: "/assets/form.js", text: include_str!("pages/form.js") },
    Asset { path: "/assets/live.js", text: include_str!("pages/live.js") },
    Asset { path: "/assets/checkout.js", text: include_str!("pages/checkout.js") },
    Asset { path: "/assets/countdown.js", text: include_str!("pages/countdown.js") },
    Asset { path: "/assets/booking.js", text: include_str!("pages/booking.js") },
    Asset { path: "/assets/lookup.js", text: include_str!("pages/lookup.js") },
    Asset { path: "/assets/calendar.js", text: include_str!("pages/calendar.js") },
];

/// Serves everything under `/assets/` that these pages load, the shared files included.
pub fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    design::router().merge(design::serve(ASSETS))
}

fn foot() -> Markup {
    design::footer(
        "Your seats are sold once, even when a theatre's line is down.",
        &[("Find your booking", "/bookings")],
    )
}

fn style(path: &str) -> Markup {
    html! { link rel="stylesheet" href=(path); }
}

fn module(path: &str) -> Markup {
    html! { script type="module" src=(path) {} }
}
