//! The box in the theatre: it holds that theatre's seats in SQLite, sells them at the counter and admits at the doors, with or
//! without a line to central.
//!
//! A request becomes a job of the one writer, whose core is the [`desk`]: the replica of this theatre decides, its changes, the
//! counter's rows and the door feed are committed in one transaction, and only then the answer, the messages to central and the
//! news to the doors go out. What the box does not do: it takes no money by itself, and it knows no customers.

pub mod checkup;
pub mod cli;
pub mod clock_back;
pub mod config;
pub mod counter;
pub mod dead_letters;
pub mod desk;
pub mod discrepancies;
pub mod door;
pub mod found;
pub mod house;
pub mod identity;
pub mod link;
pub mod opening;
pub mod page;
pub mod printing;
pub mod router;
pub mod schema;
pub mod server;
pub mod signing;
pub mod staff;
pub mod status;
pub mod till;

pub use config::Config;
pub use server::{Edge, run};
