//! Tables grow step by step, each step whole.

use crate::server::Server;
use node::postgres::{Connection, migrate, pending};
use node::sqlite::{Migration, Schema};
use node::store::Sql;

const ROWS: Migration = Migration { name: "rows", sql: "CREATE TABLE rows (n INTEGER PRIMARY KEY, b BLOB) STRICT;" };
const MORE: Migration =
    Migration { name: "more", sql: "CREATE TABLE more (n INTEGER NOT NULL) STRICT, WITHOUT ROWID;" };
/// Its second statement fails.
const BROKEN: Migration =
    Migration { name: "more", sql: "CREATE TABLE more (n INTEGER) STRICT; ALTER TABLE nowhere ADD COLUMN n INTEGER;" };

const fn schema(migrations: &'static [Migration]) -> Schema {
    Schema { program: "usher-test", application_id: 7, migrations }
}

#[test]
fn tables_grow_once_and_a_step_that_fails_leaves_nothing_and_is_done_again() {
    let server = Server::start();
    let connection = Connection::open(&server.url()).unwrap();
    let names = |migrations| pending(&connection, &schema(migrations)).unwrap();
    let node_own =
        ["writer's head", "writer's address", "writer's pass", "writer's lock", "store time", "remembered answers"];
    assert_eq!(names(&[ROWS]), [&node_own[..], &["rows"]].concat());
    migrate(&connection, &schema(&[ROWS])).unwrap();
    migrate(&connection, &schema(&[ROWS])).unwrap();
    assert_eq!(names(&[ROWS]), Vec::<&str>::new());
    connection.execute("INSERT INTO rows (b) VALUES (?1)", node::values![[1u8, 2]]).unwrap();
    let error = migrate(&connection, &schema(&[ROWS, BROKEN])).unwrap_err();
    assert!(format!("{error:#}").contains("\"more\"") && format!("{error:#}").contains("nowhere"), "{error:#}");
    assert_eq!(names(&[ROWS, MORE]), ["more"]);
    migrate(&connection, &schema(&[ROWS, MORE])).unwrap();
    let sql: &dyn Sql = &connection;
    assert_eq!(sql.only("SELECT count(*) FROM rows", &[], |row| row.get::<i64>(0)).unwrap(), 1);
}

#[test]
fn a_step_that_comes_between_others_is_done_where_they_were_done_before() {
    let server = Server::start();
    let connection = Connection::open(&server.url()).unwrap();
    migrate(&connection, &schema(&[ROWS])).unwrap();
    assert_eq!(pending(&connection, &schema(&[MORE, ROWS])).unwrap(), ["more"]);
    migrate(&connection, &schema(&[MORE, ROWS])).unwrap();
    assert_eq!(pending(&connection, &schema(&[MORE, ROWS])).unwrap(), Vec::<&str>::new());
}

#[test]
fn two_programs_that_start_at_once_grow_it_once() {
    let server = Server::start();
    let grow = || migrate(&Connection::open(&server.url()).unwrap(), &schema(&[ROWS, MORE]));
    std::thread::scope(|scope| {
        let both = [scope.spawn(grow), scope.spawn(grow)];
        both.into_iter().for_each(|one| one.join().unwrap().unwrap());
    });
}

#[test]
fn a_newer_releases_tables_and_another_programs_are_refused() {
    let server = Server::start();
    let connection = Connection::open(&server.url()).unwrap();
    migrate(&connection, &schema(&[ROWS, MORE])).unwrap();
    let refused = |schema: &Schema| format!("{:#}", migrate(&connection, schema).unwrap_err());
    assert!(refused(&schema(&[ROWS])).contains("newer release"));
    assert!(refused(&Schema { program: "other", ..schema(&[ROWS, MORE]) }).contains("of usher-test"));
}
