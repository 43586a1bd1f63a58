//! What every Usher program is as a program.
pub mod view;
