//! (in work)
pub mod catalogue;
pub mod fleet;
pub mod payments;
pub mod schema;
mod states;
