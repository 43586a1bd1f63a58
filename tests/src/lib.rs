//! What judges Usher from outside its crates: the deterministic simulation of the core, and the checks that need whole servers.

pub mod bench;
#[cfg(test)]
mod compose;
pub mod forgery;
pub mod fuzz;
#[cfg(test)]
mod growth;
pub mod model;
pub mod processes;
#[cfg(test)]
mod protocol_text;
pub mod simulation;
