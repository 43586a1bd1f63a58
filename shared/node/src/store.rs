//! What a store speaks with its database, whichever engine that is.
//!
//! Statements keep to what SQLite and PostgreSQL have in common (`ON CONFLICT`, `RETURNING`), with `?1`, `?2` … for the values.
//! An engine is an implementation of [`Sql`]; nothing above it names the engine.

mod sqlite;
mod value;

pub use value::{FromValue, ToValue, Value};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own words.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL's own words.
    #[cfg(feature = "postgres")]
    #[error("{}", crate::postgres::words(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// A column holds something that no program writes there.
    #[error("column {column} holds {found}, not {wanted}")]
    Column {
        /// Its number or name.
        column: String,
        /// The kind of value that is there.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The connection is closed.
    #[error("the connection to the database is closed")]
    Closed,
    /// The server has said nothing for too long.
    #[error("the database has not answered for {} s", .0.as_secs())]
    Silent(std::time::Duration),
    /// A question that always has an answer had none.
    #[error("no row answers {0:?}")]
    NoRow(Box<str>),
}

/// So many already wait to read that one more would only wait in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many reads are waiting")]
pub struct ReadersBusy;

/// Reads that may wait for each connection: at a millisecond each nobody waits for longer than they would for the answer.
pub(crate) const READS_WAITING_MAX: usize = 500;

/// A connection, or a transaction under way on it.
pub trait Sql {
    /// Does one statement and returns how many rows it touched.
    ///
    /// # Errors
    /// A store failure.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError>;

    /// Does one statement of a transaction whose rows nobody counts. An engine behind a line need not wait for each: what a
    /// statement failed with may be told by a later one, at the latest before the commit.
    ///
    /// # Errors
    /// A store failure, of this statement or of one before it.
    fn send(&self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        self.execute(sql, values).map(drop)
    }

    /// Asks one question and shows each row to `each`, until that answers that it has seen enough (`false`).
    ///
    /// # Errors
    /// A store failure, or what `each` failed with.
    fn query(&self, sql: &str, values: &[Value<'_>], each: &mut EachRow<'_>) -> Result<(), StoreError>;
}

/// What looks at the rows of an answer, one by one; says whether it wants the next.
pub type EachRow<'e> = dyn FnMut(&dyn Row) -> Result<bool, StoreError> + 'e;

impl dyn Sql + '_ {
    /// The first row of an answer, if there is one.
    ///
    /// # Errors
    /// A store failure, or what `read` failed with.
    pub fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut read, mut found) = (Some(read), None);
        self.query(sql, values, &mut |row| {
            found = read.take().map(|read| read(row)).transpose()?;
            Ok(false)
        })?;
        Ok(found)
    }

    /// The row of an answer that always has one: a count, a sum.
    ///
    /// # Errors
    /// A store failure, what `read` failed with, or that there was no row.
    pub fn only<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.first(sql, values, read)?.ok_or_else(|| StoreError::NoRow(sql.into()))
    }

    /// Every row of an answer.
    ///
    /// # Errors
    /// A store failure, or what `read` failed with.
    pub fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.query(sql, values, &mut |row| {
            found.push(read(row)?);
            Ok(true)
        })?;
        Ok(found)
    }
}

/// One row of an answer.
pub trait Row {
    /// What a column holds.
    ///
    /// # Errors
    /// If there is no such column, or it holds what no store has.
    fn value(&self, column: Column<'_>) -> Result<Value<'_>, StoreError>;
}

impl dyn Row + '_ {
    /// What a column holds, as the program has it.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub fn get<'c, T: FromValue>(&self, column: impl Into<Column<'c>>) -> Result<T, StoreError> {
        let column = column.into();
        let value = self.value(column)?;
        let found = value.kind();
        T::from_value(value).ok_or_else(|| StoreError::Column { column: column.to_string(), found, wanted: T::WANTED })
    }
}

/// Which column of a row.
#[derive(Debug, Clone, Copy)]
pub enum Column<'c> {
    /// By its place, from 0.
    At(usize),
    /// By its name.
    Named(&'c str),
}

impl From<usize> for Column<'_> {
    fn from(at: usize) -> Self {
        Self::At(at)
    }
}

impl<'c> From<&'c str> for Column<'c> {
    fn from(name: &'c str) -> Self {
        Self::Named(name)
    }
}

impl std::fmt::Display for Column<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(at) => write!(f, "{at}"),
            Self::Named(name) => write!(f, "{name:?}"),
        }
    }
}

/// The values of a statement, in the order of its numbers.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::ToValue::to_value(&$value)),*] };
}

#[cfg(test)]
mod tests;
