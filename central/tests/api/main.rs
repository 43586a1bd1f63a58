//! Central over HTTP, with its real store and broker and a gateway that is another program's stand-in.

mod bookings;
mod claims;
mod discovery;
mod edge;
mod failure;
mod gateway;
mod holds;
mod operators;
mod payments;
mod server;
mod setup;
mod weight;
