//! The whole house in one program, as a library that tests use too.

pub mod client;
pub mod generate;
pub mod simulator;
pub mod valve;
