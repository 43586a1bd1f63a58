//! The whole house in one program, as a library that tests use too.
//!
//! [`generate`] makes seating plans and shows from facts and a seed; [`house`] starts the unmodified servers, each edge behind a
//! [`valve`], with the payment [`simulator`] beside them. [`client`] is what people outside use, [`headless`] plays a storyboard with
//! it, and [`truth`] checks all books against each other. [`control`], [`tape`] and [`stage`] are the page to watch it from.

pub mod client;
pub mod clock;
pub mod control;
pub mod generate;
pub mod headless;
pub mod house;
pub mod simulator;
pub mod stage;
pub mod tape;
pub mod truth;
pub mod valve;
