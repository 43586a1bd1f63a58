//! Central: what customers on the web see and pay, and the other end of every theatre's line.
//!
//! A request becomes a job of the one writer, whose core is the [`desk`]: one replica per theatre decides, and its entries, the
//! booking, the payment and the remembered answer are committed in one transaction; only then the answer, the messages to the
//! boxes and the news to watching customers go out.
//!
//! The way of a sale: [`discovery`] finds a show, [`holds`] holds its seats, [`bookings`] makes a booking of the hold,
//! [`payments`] asks the gateway for the money and follows it by webhook, poll and reconciler, the seats are sold when the money
//! is there, and [`tickets`] are signed when first read. The way back: a cancellation asks the theatre first, and pays back when
//! the doors have answered. [`catalogue`] and [`fleet`] are what an operator sets up,
//! beforehand through [`setup`] and while it runs through [`running`].
//!
//! What central does not do: it decides nothing about seats under a theatre's authority, and it keeps no card numbers.

pub mod answers;
pub mod backup;
pub mod bookings;
pub mod catalogue;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod database;
pub mod desk;
pub mod discovery;
pub mod events;
pub mod fleet;
pub mod holds;
pub mod link;
pub mod metrics;
pub mod office;
pub mod operator;
pub mod pages;
pub mod payments;
pub mod pool;
pub mod router;
pub mod running;
pub mod schema;
pub mod server;
pub mod setup;
pub mod site;
mod states;
pub mod tickets;
pub mod watermark;
mod working;

pub use config::Config;
pub use server::{Central, run};
pub use setup::Setup;
