//! What is kept until it is sent with others.

use super::together::{Keys, Parents, Shape, may_overtake};
use crate::store::Value;
use std::sync::Arc;
use tokio_postgres::{Client, Error, Statement};

/// Statements with values of their own, in the order in which they are to be done.
#[derive(Default)]
pub(super) struct Unsent {
    groups: Vec<Group>,
    rows: usize,
}

/// A statement, or one for the rows of several.
pub(super) struct Group {
    alone: Statement,
    /// How its rows can be sent together.
    shape: Option<Arc<Shape>>,
    together: Option<Statement>,
    keys: Keys,
    rows: Vec<Box<[Owned]>>,
}

/// A value that outlives what it was read from.
pub(super) enum Owned {
    /// None.
    Null,
    /// A number.
    Int(i64),
    /// A fraction.
    Real(f64),
    /// Text.
    Text(Box<str>),
    /// Bytes.
    Blob(Box<[u8]>),
}

impl Unsent {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Adds a statement; one that writes a row like earlier ones goes with them. `together` prepares the statement for many.
    ///
    /// # Errors
    /// If it cannot be prepared.
    pub(super) fn add<E>(
        &mut self,
        statement: Statement,
        shape: Option<Arc<Shape>>,
        values: &[Value<'_>],
        parents: &Parents,
        together: impl FnOnce(&Shape, &Statement) -> Result<Statement, E>,
    ) -> Result<(), E> {
        self.rows += 1;
        let row: Box<[Owned]> = values.iter().map(Owned::of).collect();
        let key = shape.as_ref().and_then(|shape| shape.key(&row));
        if let Some(shape) = &shape
            && let Some(group) = self.group_of(shape, parents)
            && group.keys.take(key.clone())
        {
            if group.together.is_none() {
                group.together = Some(together(shape, &group.alone)?);
            }
            group.rows.push(row);
            return Ok(());
        }
        let mut keys = Keys::default();
        keys.take(key);
        self.groups.push(Group { alone: statement, shape, together: None, keys, rows: vec![row] });
        Ok(())
    }

    /// The rows with which one of this shape may go.
    fn group_of(&mut self, shape: &Arc<Shape>, parents: &Parents) -> Option<&mut Group> {
        for group in self.groups.iter_mut().rev() {
            let theirs = group.shape.as_ref()?;
            if Arc::ptr_eq(theirs, shape) {
                return Some(group);
            }
            if !may_overtake(parents, &shape.table, &theirs.table) {
                return None;
            }
        }
        None
    }

    /// What is to be sent.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }
}

impl Group {
    /// Sends it when it is first polled; how many rows it touched.
    pub(super) async fn to(&self, client: &Client) -> Result<u64, Error> {
        match (&self.together, &*self.rows) {
            (Some(together), rows) => {
                let width = rows.first().map_or(0, |row| row.len());
                let column = |at| rows.iter().filter_map(|row| row.get(at)).map(Owned::value).collect::<Vec<_>>();
                client.execute_raw(together, (0..width).map(column)).await
            }
            (None, rows) => {
                let row: &[Owned] = rows.first().map_or(&[], |row| row);
                client.execute_raw(&self.alone, row.iter().map(Owned::value)).await
            }
        }
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

    /// Appends it so that no two rows of values are the same bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let bytes: &[u8] = match self {
            Self::Null => return out.push(0),
            Self::Int(number) => &number.to_be_bytes(),
            Self::Real(fraction) => &fraction.to_be_bytes(),
            Self::Text(text) => text.as_bytes(),
            Self::Blob(bytes) => bytes,
        };
        out.push(1);
        out.extend(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        out.extend(bytes);
    }
}
