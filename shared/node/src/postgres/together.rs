//! Rows of one table that go to the server in one statement: each statement costs it several times what a row does.
//!
//! A row may overtake what was said of other tables before it, but nothing of its own table, nothing of a table it refers to, and no
//! statement that is anything but such a row.

use super::unsent::Owned;
use std::collections::{BTreeSet, HashMap, HashSet};
use tokio_postgres::types::Type;

/// An `INSERT` of one row, as it could be said of many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The table.
    pub(super) table: Box<str>,
    columns: Box<str>,
    /// Positions of the columns by which a row that is there already is replaced.
    key: Vec<usize>,
    after: Box<str>,
}

/// Which tables each table refers to.
pub(super) type Parents = HashMap<Box<str>, BTreeSet<Box<str>>>;

impl Shape {
    /// Nothing where the text is no `INSERT` of its values in their order, or takes values elsewhere too.
    pub(super) fn of(sql: &str) -> Option<Self> {
        let rest = sql.trim().strip_prefix("INSERT INTO ")?;
        let (table, rest) = rest.split_once('(')?;
        let (columns, rest) = rest.split_once(')')?;
        let (values, after) =
            rest.trim_start().strip_prefix("VALUES")?.trim_start().strip_prefix('(')?.split_once(')')?;
        let names: Vec<&str> = columns.split(',').map(str::trim).collect();
        let plain = values.split(',').map(str::trim).eq((1..=names.len()).map(|n| format!("?{n}")));
        if !plain || after.contains('?') {
            return None;
        }
        let key = match after.trim_start().strip_prefix("ON CONFLICT") {
            None if after.trim().is_empty() => Vec::new(),
            None => return None,
            Some(what) if what.trim() == "DO NOTHING" => Vec::new(),
            Some(what) => {
                let (key, _) = what.trim_start().strip_prefix('(')?.split_once(')')?;
                let position = |name: &str| names.iter().position(|column| *column == name.trim());
                key.split(',').map(position).collect::<Option<_>>()?
            }
        };
        Some(Self { table: table.trim().into(), columns: columns.into(), key, after: after.into() })
    }

    /// The statement for many rows: each value is a list, one for each row.
    pub(super) fn sql(&self, kinds: &[Type]) -> String {
        let lists = kinds.iter().zip(1..).map(|(kind, n)| format!("?{n}::{}[]", kind.name()));
        let lists = lists.collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} ({}) SELECT * FROM unnest({lists}){}", self.table, self.columns, self.after)
    }

    /// By what a row replaces another one; nothing where it replaces none.
    pub(super) fn key(&self, row: &[Owned]) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        for at in &self.key {
            row.get(*at)?.write(&mut key);
        }
        (!key.is_empty()).then_some(key)
    }
}

/// The rows that one statement takes.
#[derive(Default)]
pub(super) struct Keys(HashSet<Vec<u8>>);

impl Keys {
    /// Takes a row's key in, unless it is there: one statement replaces no row twice.
    pub(super) fn take(&mut self, key: Option<Vec<u8>>) -> bool {
        key.is_none_or(|key| self.0.insert(key))
    }
}

/// May a row of `table` overtake one of `other`?
pub(super) fn may_overtake(parents: &Parents, table: &str, other: &str) -> bool {
    table != other && !parents.get(table).is_some_and(|parents| parents.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, table: &str, key: &[usize], many: &str) {
        let shape = Shape::of(sql).expect("a row");
        assert_eq!((&*shape.table, &*shape.key), (table, key));
        assert_eq!(shape.sql(&[Type::INT8, Type::TEXT, Type::BYTEA]), many);
    }

    #[test]
    fn a_row_is_said_as_many() {
        check(
            "INSERT INTO t (a, b, c) VALUES (?1, ?2, ?3)",
            "t",
            &[],
            "INSERT INTO t (a, b, c) SELECT * FROM unnest(?1::int8[], ?2::text[], ?3::bytea[])",
        );
        check(
            "\n INSERT INTO t (a, b, c)\n VALUES (?1, ?2, ?3)\n ON CONFLICT (c, a) DO UPDATE SET b = excluded.b",
            "t",
            &[2, 0],
            "INSERT INTO t (a, b, c) SELECT * FROM unnest(?1::int8[], ?2::text[], ?3::bytea[])\n ON CONFLICT (c, a) DO UPDATE SET b = excluded.b",
        );
        check(
            "INSERT INTO t (a, b, c) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            "t",
            &[],
            "INSERT INTO t (a, b, c) SELECT * FROM unnest(?1::int8[], ?2::text[], ?3::bytea[]) ON CONFLICT DO NOTHING",
        );
    }

    #[test]
    fn what_is_not_the_values_in_their_order_is_said_by_itself() {
        for sql in [
            "INSERT INTO t (a, b) VALUES (?2, ?1)",
            "INSERT INTO t (a, b) VALUES (?1, 7)",
            "INSERT INTO t (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET a = ?1",
            "INSERT INTO t (a) VALUES (?1) ON CONFLICT (z) DO UPDATE SET a = excluded.a",
            "INSERT INTO t (a) VALUES (?1) RETURNING a",
            "INSERT INTO t SELECT * FROM u",
            "UPDATE t SET a = ?1",
            "DELETE FROM t WHERE a = ?1",
        ] {
            assert_eq!(Shape::of(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_row_overtakes_neither_its_own_table_nor_what_it_refers_to() {
        let parents = Parents::from([("child".into(), BTreeSet::from(["parent".into()]))]);
        let may = |table, other| may_overtake(&parents, table, other);
        assert!(may("parent", "child") && may("child", "other"));
        assert!(!may("child", "parent") && !may("child", "child"));
    }

    #[test]
    fn no_row_is_replaced_twice_by_one_statement() {
        let shape = Shape::of("INSERT INTO t (a, b) VALUES (?1, ?2) ON CONFLICT (a, b) DO UPDATE SET a = excluded.a");
        let shape = shape.expect("a row");
        let row = |a: &str, b: &str| [Owned::Text(a.into()), Owned::Text(b.into())];
        let mut keys = Keys::default();
        assert!(keys.take(shape.key(&row("x", "yz"))) && keys.take(shape.key(&row("xy", "z"))));
        assert!(!keys.take(shape.key(&row("x", "yz"))));
    }
}
