//! What the writer relies on.

use crate::server::Server;
use node::clock::{self, StoreClock};
use node::postgres::{Candidate, Connection, Place, Readers, Store, migrate};
use node::sqlite::{Migration, Schema};
use node::store::{Sql, StoreError};
use node::values;
use node::writer::{Core, Ended, Engine, Recovery, WriteError, Writer};
use shared::time::Timestamp;
use std::time::Duration;

const SCHEMA: Schema = Schema {
    program: "usher-test",
    application_id: 7,
    migrations: &[Migration {
        name: "notes",
        sql: "CREATE TABLE note (n INTEGER PRIMARY KEY, word TEXT, b BLOB) STRICT;",
    }],
};

pub(crate) fn open(server: &Server) -> Store {
    let connection = Connection::open(&server.url()).expect("connect");
    migrate(&connection, &SCHEMA).expect("tables");
    Store::open(&server.url(), Duration::ZERO).expect("the writer's place")
}

pub(crate) fn count(sql: &dyn Sql) -> Result<i64, StoreError> {
    sql.only("SELECT count(*) FROM note", &[], |row| row.get(0))
}

pub(crate) fn note(sql: &dyn Sql, word: &str) -> Result<(), StoreError> {
    sql.execute("INSERT INTO note (word) VALUES (?1)", values![word]).map(drop)
}

#[test]
fn values_come_back_as_they_went() {
    let server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    let done = store.transaction(&clock, |tx, _| {
        tx.execute("INSERT INTO note VALUES (?1, ?2, ?3)", values![7u32, "seven\0", [1u8; 3]])?;
        tx.execute("INSERT INTO note VALUES (?1, ?2, ?3)", values![8u32, None::<&str>, None::<Vec<u8>>])?;
        Ok(tx.all("SELECT n, word, b, n = 7 FROM note ORDER BY n", &[], |row| {
            Ok((
                row.get::<u8>("n")?,
                row.get::<Option<String>>(1)?,
                row.get::<Option<[u8; 3]>>(2)?,
                row.get::<bool>(3)?,
            ))
        })?)
    });
    let expected = vec![(7, Some("seven\u{fffd}".to_owned()), Some([1; 3]), true), (8, None, None, false)];
    assert_eq!(done.done().unwrap(), expected);
    assert_eq!(clock::last_persisted(store.sql()).unwrap().since(clock.now()), Duration::ZERO);
    assert!(clock.now() > Timestamp(1_700_000_000_000), "the database's clock leads");
}

#[test]
fn rows_that_go_together_are_all_there_and_what_comes_last_of_a_row_stays() {
    let server = Server::start();
    let mut store = open(&server);
    store.sql().execute("CREATE TABLE parent (id BIGINT PRIMARY KEY, word TEXT)", &[]).unwrap();
    store.sql().execute("CREATE TABLE child (n BIGINT, parent BIGINT NOT NULL REFERENCES parent (id))", &[]).unwrap();
    let clock = StoreClock::led(Timestamp(0));
    let parent = "INSERT INTO parent (id, word) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET word = excluded.word";
    let child = "INSERT INTO child (n, parent) VALUES (?1, ?2)";
    let done = store.transaction(&clock, |tx, _| {
        tx.send(parent, values![0u32, None::<&str>])?;
        // A child before its parent: what it refers to must not be overtaken.
        for id in 1..=3u32 {
            tx.send(child, values![id * 10, id - 1])?;
            tx.send(parent, values![id, "new"])?;
        }
        tx.send(parent, values![1u32, "last"])?;
        tx.send("DELETE FROM parent WHERE id = ?1", values![3u32])?;
        tx.send(parent, values![3u32, "again"])?;
        let children: i64 = tx.only("SELECT count(*) FROM child", &[], |row| row.get(0))?;
        let words = tx.all("SELECT word FROM parent ORDER BY id", &[], |row| row.get::<Option<String>>(0))?;
        Ok((children, words))
    });
    let words = [None, Some("last"), Some("new"), Some("again")].map(|word| word.map(str::to_owned));
    assert_eq!(done.done().unwrap(), (3, words.to_vec()));
}

#[test]
fn a_server_that_is_away_is_known_to_be_whatever_words_its_error_was_told_on_in() {
    let server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    let mut told = |code: &str| {
        store.transaction(&clock, |tx, _| -> anyhow::Result<()> {
            let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
            let error = tx.execute(&raise, &[]).expect_err("it fails");
            anyhow::bail!("the log cannot be read: {error}")
        })
    };
    let (no_room, violation) = (told("53100"), told("23505"));
    assert!(matches!(no_room, Ended::RolledBack { away: true, .. }), "{no_room:?}");
    assert!(matches!(violation, Ended::RolledBack { away: false, .. }), "{violation:?}");
}

#[test]
fn a_failed_statement_is_never_committed_around() {
    let server = Server::start();
    let mut store = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    let ended = store.transaction(&clock, |tx, _| {
        note(tx, "one")?;
        assert!(tx.execute("INSERT INTO nowhere VALUES (1)", &[]).is_err());
        Ok(())
    });
    assert!(matches!(ended, Ended::RolledBack { away: false, .. }), "{ended:?}");
    let ended = store.transaction(&clock, |tx, _| Ok(count(tx)?));
    assert!(matches!(ended, Ended::Committed { value: 0, wrote: None, .. }), "{ended:?}");
}

#[test]
fn a_writer_that_was_replaced_can_commit_nothing_more() {
    let server = Server::start();
    let mut stale = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    assert!(Store::open(&server.url(), Duration::ZERO).is_err(), "its time is not over");
    // As if it had been silent for as long as that takes.
    Connection::open(&server.url()).unwrap().run("UPDATE writer_head SET until_ms = 0").unwrap();
    let mut next = Store::open(&server.url(), Duration::ZERO).unwrap();
    let ended = stale.transaction(&clock, |tx, _| Ok(note(tx, "stale")?));
    assert!(matches!(&ended, Ended::TakenOver(_)), "{ended:?}");
    assert!(matches!(stale.recover(), Recovery::TakenOver(_)));
    next.transaction(&clock, |tx, _| Ok(note(tx, "next")?)).done().unwrap();
    assert_eq!(count(next.sql()).unwrap(), 1);
    stale.close();
    assert!(Store::open(&server.url(), Duration::ZERO).is_err(), "the old one gives nothing up that is not its own");
    next.close();
    Store::open(&server.url(), Duration::ZERO).unwrap();
}

#[test]
fn a_candidate_learns_where_the_writer_is_and_follows_when_it_goes() {
    let server = Server::start();
    open(&server).close();
    let [mut one, mut other] =
        ["http://one", "http://other"].map(|at| Candidate::new(&server.url(), at, &format!("pass of {at}")));
    let Ok(Place::Taken(store)) = one.stand() else { panic!("the place is free") };
    for _ in 0..2 {
        assert!(
            matches!(other.stand(), Ok(Place::Held { address, pass }) if address == "http://one" && pass == "pass of http://one")
        );
    }
    store.close();
    let Ok(Place::Taken(_store)) = other.stand() else { panic!("the place is free again") };
    assert!(matches!(one.stand(), Ok(Place::Held { address, .. }) if address == "http://other"));
}

/// So that only its connection can tell that a writer is there no more.
const NO_END: &str = "UPDATE writer_head SET until_ms = 9000000000000000";

fn end_connection(server: &Server, of: &Store) {
    let pid: i64 =
        of.sql().only("SELECT CAST(pg_backend_pid() AS BIGINT)", &[], |row| row.get(0)).expect("its backend");
    let end = format!("SELECT pg_terminate_backend({pid})");
    Connection::open(&server.url()).expect("connect").run(&end).expect("ended");
}

/// The place, once a candidate has stood for it again and again.
fn until_taken(candidate: &mut Candidate) -> Box<Store> {
    for _ in 0..300 {
        if let Place::Taken(store) = candidate.stand().expect("looked") {
            return store;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the place of a writer that has gone is never taken");
}

#[test]
fn a_writer_whose_connection_has_ended_is_followed_before_its_time_is_over() {
    let server = Server::start();
    let mut gone = open(&server);
    let clock = StoreClock::led(Timestamp(0));
    Connection::open(&server.url()).unwrap().run(NO_END).unwrap();
    let mut candidate = Candidate::new(&server.url(), "http://next", "pass");
    assert!(matches!(candidate.stand(), Ok(Place::Held { .. })));
    end_connection(&server, &gone);
    let mut next = until_taken(&mut candidate);
    next.transaction(&clock, |tx, _| Ok(note(tx, "next")?)).done().unwrap();
    let ended = gone.transaction(&clock, |tx, _| Ok(note(tx, "gone")?));
    assert!(matches!(ended, Ended::RolledBack { away: true, .. }), "{ended:?}");
    assert!(matches!(gone.recover(), Recovery::TakenOver(_)));
    assert_eq!(count(next.sql()).unwrap(), 1);
}

#[test]
fn a_writer_that_stands_or_comes_back_with_a_new_connection_keeps_its_place() {
    let server = Server::start();
    let mut store = open(&server);
    Connection::open(&server.url()).unwrap().run(NO_END).unwrap();
    let mut candidate = Candidate::new(&server.url(), "http://next", "pass");
    let held_for = |candidate: &mut Candidate, looks: u32| {
        for _ in 0..looks {
            assert!(matches!(candidate.stand(), Ok(Place::Held { .. })));
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    held_for(&mut candidate, 25);
    end_connection(&server, &store);
    held_for(&mut candidate, 2);
    assert!(matches!(store.recover(), Recovery::Back { .. }));
    held_for(&mut candidate, 25);
    // A writer of an earlier release shows by its time alone that it is there.
    Connection::open(&server.url()).unwrap().run("UPDATE writer_head SET locked_fence = 0").unwrap();
    end_connection(&server, &store);
    held_for(&mut candidate, 25);
}

/// Counts in memory what is in the table.
struct Counted(i64);

impl Core for Counted {
    type Engine = Store;

    fn before_commit(&mut self, tx: &dyn Sql, _now: Timestamp) -> anyhow::Result<()> {
        anyhow::ensure!(count(tx)? == self.0, "memory and table differ");
        Ok(())
    }

    fn after_commit(&mut self) {}

    fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    fn handle_timeout(&mut self, _tx: &dyn Sql, _now: Timestamp) -> anyhow::Result<()> {
        Ok(())
    }

    fn reload(&mut self, tx: &dyn Sql, _now: Timestamp) -> anyhow::Result<()> {
        self.0 = count(tx)?;
        Ok(())
    }

    fn handle_failure(&mut self, _error: &anyhow::Error) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_loses_nothing_that_was_acknowledged() {
    let mut server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let store = tokio::task::block_in_place(|| open(&server));
    let (writer, thread) = Writer::start(store, Counted(0), StoreClock::led(Timestamp(0)), 1_000).unwrap();
    let (mut acknowledged, mut not_known) = (0, 0);
    for round in 0..4 {
        let mut asking = tokio::task::JoinSet::new();
        for n in 0..200 {
            let writer = writer.clone();
            asking.spawn(async move {
                // Not all at once, so that some are under way whenever the server dies.
                tokio::time::sleep(Duration::from_millis(n)).await;
                let asked = writer.run(move |core: &mut Counted, tx, _| {
                    core.0 += 1;
                    Ok(note(tx, &format!("{round} {n}"))?)
                });
                asked.await
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        tokio::task::block_in_place(|| {
            server.stop_at_once();
            server.start_again();
        });
        while let Some(answer) = asking.join_next().await {
            match answer.unwrap() {
                Ok(()) => acknowledged += 1,
                Err(WriteError::Unknown) => not_known += 1,
                Err(WriteError::Unreachable | WriteError::Overloaded) => {}
                Err(stopped) => panic!("{stopped}"),
            }
        }
    }
    let kept = loop {
        match writer.run(|_, tx, _| Ok(count(tx)?)).await {
            Ok(kept) => break kept,
            Err(WriteError::Unreachable) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(stopped) => panic!("{stopped}"),
        }
    };
    assert!(
        acknowledged > 0 && (acknowledged..=acknowledged + not_known).contains(&kept),
        "{acknowledged} {not_known} {kept}"
    );
    thread.stop().await;
}

#[tokio::test]
async fn a_reader_that_the_server_has_ended_meanwhile_is_replaced_before_anybody_asks_it() {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("a server");
    let readers = Readers::new(&server.url(), 1);
    let backend =
        async || readers.read(|sql| Ok(sql.only("SELECT pg_backend_pid()", &[], |row| row.get::<i64>(0))?)).await;
    let first = backend().await.expect("an answer");
    assert_eq!(backend().await.expect("an answer"), first, "it is kept");
    let url = server.url();
    let ended = tokio::task::spawn_blocking(move || {
        let other = Connection::open(&url).expect("connect");
        other.run(&format!("SELECT pg_terminate_backend({first})")).expect("ended");
    });
    ended.await.expect("ends");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_ne!(backend().await.expect("an answer"), first);
}
