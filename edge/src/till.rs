//! The till: shifts with a counted float and a blind count, a journal that only grows, and the reports made of it.
//!
//! A cashier opens a shift by counting the float; whoever sells without one gets a shift with an empty float, so that every sale
//! is in the journal. Cash that goes in or out has a reason. The count that ends a shift is made blind: what should be in the
//! drawer is told to the cashier only afterwards. The report of a closed shift has a number without gaps and never changes.

pub mod answered;
pub mod day;
pub mod journal;
pub mod refunds;
pub mod reports;
pub mod shifts;
pub mod signed;
pub mod slips;
pub mod unwitnessed;
pub mod web;

use rusqlite::types::Type;
use shared::money::Currency;
use shared::till::Tender;

/// A column that names a currency.
///
/// # Errors
/// If it names none.
pub fn currency_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Currency> {
    named_at(row, column, Currency::parse)
}

/// A column that names a tender.
///
/// # Errors
/// If it names none.
pub fn tender_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Tender> {
    named_at(row, column, Tender::parse)
}

fn named_at<T>(row: &rusqlite::Row<'_>, column: usize, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let word: String = row.get(column)?;
    let wrong = || rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("{word:?} is none").into());
    parse(&word).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
