//! What judges Usher from outside its crates: the deterministic simulation of the core, and the checks that need whole servers.

pub mod bench;
pub mod forgery;
pub mod fuzz;
pub mod model;
pub mod processes;
#[cfg(test)]
mod protocol_text;
pub mod simulation;
