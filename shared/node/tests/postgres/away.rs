//! What becomes of connections whose server is frozen, has grown or has forgotten.

use crate::engine::{count, note, open};
use crate::server::{Server, run};
use node::clock::StoreClock;
use node::postgres::{Candidate, Connection, Place, Readers, is_away};
use node::store::{Sql, StoreError};
use node::writer::{Ended, Engine, Recovery};
use shared::time::Timestamp;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

impl Server {
    /// Ends it in order: what it was at is thrown back, everything that was committed is in its files.
    fn stop_in_order(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGINT, the fast shutdown.
            run(Command::new("kill").arg("-INT").arg(process.id().to_string()));
            process.wait().expect("PostgreSQL ends");
        }
    }

    /// `STOP` freezes it with everything that it has started, `CONT` lets it go on.
    fn signal_all(&self, signal: &str) {
        let process = self.process.as_ref().expect("it runs").id().to_string();
        run(Command::new("pkill").arg(format!("-{signal}")).args(["-P", &process]));
        run(Command::new("kill").arg(format!("-{signal}")).arg(process));
    }

    /// Its files.
    fn data(&self) -> PathBuf {
        self.directory.path().join("pg/data")
    }
}

fn words(sql: &dyn Sql) -> Result<Vec<String>, StoreError> {
    sql.all("SELECT * FROM note ORDER BY n", &[], |row| row.get("word"))
}

#[test]
fn a_server_that_says_nothing_is_away_and_nothing_more_is_asked_on_that_connection() {
    let server = Server::start();
    let connection = Connection::open(&server.url()).expect("connect").with_patience(Duration::from_millis(300));
    connection.run("SELECT 1").expect("an answer");
    server.signal_all("STOP");
    let error = connection.run("SELECT 1").expect_err("nothing is said");
    server.signal_all("CONT");
    assert!(matches!(error, StoreError::Silent(_)), "{error}");
    assert!(connection.is_closed() && matches!(connection.run("SELECT 1"), Err(StoreError::Closed)));
    assert!(is_away(&error.into()));
    Connection::open(&server.url()).expect("connect").run("SELECT 1").expect("an answer");
}

#[test]
fn a_writer_whose_tables_have_grown_meanwhile_goes_on_with_a_new_connection() {
    let server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    let look = |store: &mut node::postgres::Store| {
        store.transaction(&clock, |tx, _| {
            note(tx, "word")?;
            Ok(words(tx)?.len())
        })
    };
    assert_eq!(look(&mut store).done().expect("done"), 1);
    Connection::open(&server.url()).expect("connect").run("ALTER TABLE note ADD COLUMN more TEXT").expect("grown");
    let ended = look(&mut store);
    assert!(matches!(ended, Ended::RolledBack { away: true, .. }), "{ended:?}");
    assert!(matches!(store.recover(), Recovery::Back { .. }));
    assert_eq!(look(&mut store).done().expect("done"), 2);
}

#[tokio::test]
async fn a_reader_whose_tables_have_grown_meanwhile_is_replaced_after_one_read_that_may_be_asked_again() {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("a server");
    let url = server.url();
    let grow = |sql: &'static str| {
        let url = url.clone();
        tokio::task::spawn_blocking(move || Connection::open(&url).expect("connect").run(sql).expect("done"))
    };
    grow("CREATE TABLE note (n BIGINT, word TEXT)").await.expect("made");
    let readers = Readers::new(&url, 1);
    let read = async || readers.read(|sql| Ok(words(sql)?.len())).await;
    assert_eq!(read().await.expect("an answer"), 0);
    grow("ALTER TABLE note ADD COLUMN more TEXT").await.expect("grown");
    let error = read().await.expect_err("it knows the table as it was");
    assert!(is_away(&error), "{error:#}");
    assert_eq!(read().await.expect("an answer"), 0);
}

#[test]
fn a_database_that_was_put_back_is_not_written_to_as_if_nothing_had_happened() {
    let mut server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    store.transaction(&clock, |tx, _| Ok(note(tx, "one")?)).done().expect("done");
    let kept = server.directory.path().join("pg/kept");
    server.stop_in_order();
    run(Command::new("cp").arg("-a").arg(server.data()).arg(&kept));
    server.start_again();
    assert!(matches!(store.recover(), Recovery::Back { committed: true }), "an orderly end loses nothing");
    store.transaction(&clock, |tx, _| Ok(note(tx, "two")?)).done().expect("done");
    server.stop_in_order();
    run(Command::new("rm").arg("-r").arg(server.data()));
    run(Command::new("mv").arg(&kept).arg(server.data()));
    server.start_again();
    let found = store.recover();
    assert!(matches!(&found, Recovery::TakenOver(error) if error.to_string().contains("has lost")), "{found:?}");
    assert_eq!(count(&Connection::open(&server.url()).expect("connect")).expect("counted"), 1);
}

#[test]
fn how_long_a_writer_has_its_place_is_told_in_the_databases_time() {
    let server = Server::start();
    let mut store = open(&server);
    // An hour ahead, as after the database's clock was put back.
    let ahead = store.time().expect("the time") + Duration::from_secs(3600);
    let clock = StoreClock::led(ahead);
    store.transaction(&clock, |tx, _| Ok(note(tx, "one")?)).done().expect("done");
    let until = store.sql().only("SELECT until_ms FROM writer_head", &[], |row| row.get(0)).expect("the head");
    assert!(Timestamp(until).since(store.time().expect("the time")) <= Duration::from_secs(5));
}

#[test]
fn a_writer_that_takes_long_to_load_keeps_its_place_as_long_as_it_says_so() {
    let server = Server::start();
    let mut store = open(&server);
    let mut candidate = Candidate::new(&server.url(), "there", "pass");
    let tenure = store.tenure();
    std::thread::sleep(Duration::from_secs(6));
    assert!(matches!(candidate.stand().expect("a look"), Place::Held { .. }), "it was taken from one that loads");
    drop(tenure);
    let clock = StoreClock::led(Timestamp(0));
    store.transaction(&clock, |tx, _| Ok(note(tx, "one")?)).done().expect("done");
    std::thread::sleep(Duration::from_secs(6));
    assert!(matches!(candidate.stand().expect("a look"), Place::Taken(_)), "nobody says so any more");
    let ended = store.transaction(&clock, |tx, _| Ok(note(tx, "two")?));
    assert!(matches!(ended, Ended::TakenOver(_)), "{ended:?}");
}

#[test]
fn a_state_that_is_loaded_again_may_take_long_between_two_statements() {
    let server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    assert!(matches!(store.recover(), Recovery::Back { .. }));
    let reloaded = store.transaction(&clock, |tx, _| {
        let words = count(tx)?;
        std::thread::sleep(Duration::from_secs(6));
        Ok(words + count(tx)?)
    });
    assert_eq!(reloaded.done().expect("loaded"), 0);
}

#[test]
fn a_server_without_room_is_away_until_there_is_some() {
    let server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    let write = |store: &mut node::postgres::Store| store.transaction(&clock, |tx, _| Ok(note(tx, "word")?));
    let server_says = |sql: &str| Connection::open(&server.url()).expect("connect").run(sql).expect("done");
    server_says(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN RAISE EXCEPTION USING ERRCODE = ''53100'', MESSAGE = ''No space left on device''; END';
         CREATE TRIGGER no_room BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION no_room()",
    );
    let ended = write(&mut store);
    assert!(matches!(ended, Ended::RolledBack { away: true, .. }), "{ended:?}");
    assert!(matches!(store.recover(), Recovery::Back { .. }));
    server_says("DROP TRIGGER no_room ON note");
    write(&mut store).done().expect("done");
    assert_eq!(count(store.sql()).expect("counted"), 1);
}
