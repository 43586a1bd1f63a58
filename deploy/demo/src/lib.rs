//! The whole house in one program, as a library that tests use too.

pub mod client;
pub mod clock;
pub mod generate;
pub mod simulator;
pub mod truth;
pub mod valve;
