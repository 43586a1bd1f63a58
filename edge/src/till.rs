//! The till: shifts with a counted float and a blind count, a journal that only grows, and the reports made of it.
//!
//! A cashier opens a shift by counting the float; whoever sells without one gets a shift with an empty float, so that every sale
//! is in the journal. Cash that goes in or out has a reason. The count that ends a shift is made blind: what should be in the
//! drawer is told to the cashier only afterwards. The report of a closed shift has a number without gaps and never changes.

pub mod day;
pub mod journal;
pub mod reports;
pub mod shifts;
pub mod slips;

#[cfg(test)]
mod tests;
