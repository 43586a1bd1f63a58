use super::{Sql, StoreError};
use rusqlite::Connection;

fn database() -> Connection {
    let connection = Connection::open_in_memory().expect("open");
    connection.execute_batch("CREATE TABLE thing (n INTEGER, word TEXT, bytes BLOB) STRICT").expect("table");
    connection
}

#[test]
fn what_was_written_is_read_back_by_place_and_by_name() {
    let connection = database();
    let sql: &dyn Sql = &connection;
    let rows = [(1u32, Some("one"), vec![1u8; 8]), (2, None, vec![2; 8])];
    for (n, word, bytes) in &rows {
        assert_eq!(sql.execute("INSERT INTO thing VALUES (?1, ?2, ?3)", values![n, word, bytes]).expect("written"), 1);
    }
    let read = sql.all("SELECT n, word, bytes FROM thing ORDER BY n", &[], |row| {
        Ok((row.get::<u32>(0)?, row.get::<Option<String>>("word")?, row.get::<[u8; 8]>(2)?.to_vec()))
    });
    let written: Vec<_> = rows.map(|(n, word, bytes)| (n, word.map(str::to_owned), bytes)).into();
    assert_eq!(read.expect("read"), written);
    let first = sql.first("SELECT n FROM thing WHERE n >= ?1 ORDER BY n", values![1i64], |row| row.get::<i64>(0));
    assert_eq!(first.expect("read"), Some(1));
    let none = sql.first("SELECT n FROM thing WHERE n > ?1", values![2i64], |row| row.get::<i64>(0));
    assert_eq!(none.expect("read"), None);
}

#[test]
fn a_column_that_holds_something_else_is_named_in_the_error() {
    let connection = database();
    let sql: &dyn Sql = &connection;
    sql.execute("INSERT INTO thing VALUES (?1, ?2, ?3)", values![70_000i64, "x", [1u8; 3]]).expect("written");
    let get = |read: fn(&dyn super::Row) -> Result<(), StoreError>| {
        sql.first("SELECT * FROM thing", &[], read).expect_err("another kind").to_string()
    };
    assert_eq!(get(|row| row.get::<u16>("n").map(drop)), "column \"n\" holds a number, not a number from 0 to 65535");
    assert_eq!(get(|row| row.get::<i64>(1).map(drop)), "column 1 holds text, not a number");
    assert_eq!(get(|row| row.get::<[u8; 4]>(2).map(drop)), "column 2 holds bytes, not bytes of a fixed length");
}
