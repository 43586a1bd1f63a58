//! The whole house in one program, as a library that tests use too.

pub mod generate;
