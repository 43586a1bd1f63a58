//! A statement that is kept until it is sent with others.

use crate::store::Value;
use tokio_postgres::{Client, Error, Statement};

/// A statement with values of its own.
pub(super) struct Unsent {
    statement: Statement,
    values: Vec<Owned>,
}

enum Owned {
    Null,
    Int(i64),
    Real(f64),
    Text(Box<str>),
    Blob(Box<[u8]>),
}

impl Unsent {
    /// The statement as it is now.
    pub(super) fn new(statement: Statement, values: &[Value<'_>]) -> Self {
        Self { statement, values: values.iter().map(Owned::of).collect() }
    }

    /// Sends it when it is first polled; how many rows it touched.
    pub(super) async fn to(&self, client: &Client) -> Result<u64, Error> {
        client.execute_raw(&self.statement, self.values.iter().map(Owned::value)).await
    }
}

impl Owned {
    fn of(value: &Value<'_>) -> Self {
        match *value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(number),
            Value::Real(fraction) => Self::Real(fraction),
            Value::Text(text) => Self::Text(text.into()),
            Value::Blob(bytes) => Self::Blob(bytes.into()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Real(fraction) => Value::Real(*fraction),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}
