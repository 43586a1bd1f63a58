mod away;
mod unwritable;

use super::*;
use crate::clock;
use crate::sqlite::{self, Migration, Schema};
use rusqlite::{Connection, OpenFlags, Transaction};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

const SCHEMA: Schema = Schema {
    program: "usher-test",
    application_id: 7,
    migrations: &[Migration { name: "notes", sql: "CREATE TABLE note (text TEXT NOT NULL) STRICT;" }],
};

/// Notes wait in memory until the batch is written.
#[derive(Default)]
struct Notes {
    changed: Vec<String>,
    due: Option<Timestamp>,
    fail_commit: bool,
    after_commits: Arc<Mutex<Vec<i64>>>,
    failures: Arc<Mutex<Vec<String>>>,
    reader: Option<Connection>,
}

impl Core for Notes {
    type Engine = Connection;

    fn handle_jump(&mut self, _tx: &Transaction<'_>, by: Duration) -> anyhow::Result<()> {
        self.due = self.due.map(|due| due + by);
        self.changed.push(format!("jumped by {} s", by.as_secs()));
        Ok(())
    }

    fn before_commit(&mut self, tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        for text in self.changed.drain(..) {
            tx.execute("INSERT INTO note VALUES (?1)", [text])?;
        }
        anyhow::ensure!(!self.fail_commit, "the disk is full");
        Ok(())
    }

    fn after_commit(&mut self) {
        if let Some(reader) = &self.reader {
            self.after_commits.lock().unwrap().push(notes(reader));
        }
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }

    fn handle_timeout(&mut self, _tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        self.due = None;
        self.changed.push(format!("due at {}", now.0));
        Ok(())
    }

    fn handle_failure(&mut self, error: &anyhow::Error) {
        self.failures.lock().unwrap().push(format!("{error:#}"));
    }
}

fn notes(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap()
}

/// What was written to a database that is closed, in order.
fn texts(path: &Path) -> Vec<String> {
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut select = reader.prepare("SELECT text FROM note ORDER BY rowid").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

struct House {
    _directory: tempfile::TempDir,
    path: PathBuf,
    clock: StoreClock,
    writer: Writer<Notes>,
    thread: WriterThread,
}

fn house(core: impl FnOnce(&Path) -> Notes, capacity: usize) -> House {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usher.db");
    let connection = sqlite::open(&path, &SCHEMA).unwrap();
    let clock = StoreClock::manual();
    let (writer, thread) = Writer::start(connection, core(&path), clock.clone(), capacity).unwrap();
    House { _directory: directory, path, clock, writer, thread }
}

/// Keeps the writer thread busy until told to go on, so that jobs gather.
async fn hold_up(writer: &Writer<Notes>) -> Sender<()> {
    let ((go, wait), (entered, entry)) = (channel(), channel());
    writer
        .post(move |_, _, _| {
            entered.send(())?;
            Ok(wait.recv()?)
        })
        .unwrap();
    tokio::task::spawn_blocking(move || entry.recv().unwrap()).await.unwrap();
    go
}

fn note(text: &str) -> impl FnOnce(&mut Notes, &Transaction<'_>, Timestamp) -> anyhow::Result<()> + Send + 'static {
    let text = text.to_owned();
    move |core, _, _| {
        core.changed.push(text);
        Ok(())
    }
}

#[tokio::test]
async fn an_answer_comes_after_its_commit_and_a_batch_has_one_commit() {
    let after = Arc::new(Mutex::new(Vec::new()));
    let seen = after.clone();
    let house = house(
        move |path| Notes {
            after_commits: seen,
            reader: Some(sqlite::open_read_only(path).unwrap()),
            ..Notes::default()
        },
        1000,
    );
    let commits = house.writer.metrics().commits.get();
    let go = hold_up(&house.writer).await;
    let reader = sqlite::open_read_only(&house.path).unwrap();
    let waiting: Vec<_> = (0..100)
        .map(|i| {
            let writer = house.writer.clone();
            tokio::spawn(async move { writer.run(note(&i.to_string())).await })
        })
        .collect();
    while house.writer.metrics().queue_depth.get() < 100 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(notes(&reader), 0);
    go.send(()).unwrap();
    for answer in waiting {
        answer.await.unwrap().unwrap();
        assert_eq!(notes(&reader), 100, "the answer came before the commit");
    }
    assert_eq!(house.writer.metrics().commits.get() - commits, 1);
    assert_eq!(*after.lock().unwrap(), [0, 100], "released before the commit");
    house.thread.stop().await;
    assert_eq!(clock::last_persisted(&reader).unwrap(), house.clock.now());
}

#[tokio::test]
async fn jobs_run_in_the_order_they_came() {
    let house = house(|_| Notes::default(), 1000);
    let go = hold_up(&house.writer).await;
    for i in 0..600 {
        house.writer.post(note(&i.to_string())).unwrap();
    }
    go.send(()).unwrap();
    let order: Vec<i64> = house
        .writer
        .run(|_, tx, _| {
            let mut select = tx.prepare("SELECT CAST(text AS INTEGER) FROM note ORDER BY rowid")?;
            let rows = select.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
        .unwrap();
    // The last of them share a batch with the query and are still in memory.
    assert!(order.len() >= 512, "{}", order.len());
    assert!(order.iter().enumerate().all(|(i, &n)| i64::try_from(i).unwrap() == n));
    house.thread.stop().await;
}

#[tokio::test]
async fn a_failing_job_takes_its_batch_back_and_stops_the_writer_for_good() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = failures.clone();
    let house = house(move |_| Notes { failures: told, ..Notes::default() }, 1000);
    house.writer.run(note("kept")).await.unwrap();
    let go = hold_up(&house.writer).await;
    let (before, after) = (house.writer.clone(), house.writer.clone());
    let before = tokio::spawn(async move { before.run(note("in the same batch")).await });
    while house.writer.metrics().queue_depth.get() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let failing =
        tokio::spawn(
            async move { after.run(|_, _, _| -> anyhow::Result<()> { anyhow::bail!("no such table") }).await },
        );
    while house.writer.metrics().queue_depth.get() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    go.send(()).unwrap();
    for answer in [before.await.unwrap(), failing.await.unwrap()] {
        let Err(WriteError::Stopped { reason }) = answer else { panic!("{answer:?}") };
        assert!(reason.contains("no such table"), "{reason}");
    }
    let refused = house.writer.run(note("too late")).await.unwrap_err();
    assert!(refused.to_string().contains("no such table"), "{refused}");
    assert!(house.writer.post(note("too late")).is_err());
    assert_eq!(house.writer.metrics().queue_depth.get(), 0);
    let failures = failures.lock().unwrap().clone();
    assert!(failures.len() == 1 && failures[0].starts_with("no such table"), "{failures:?}");
    house.thread.stop().await;
    assert_eq!(notes(&sqlite::open(&house.path, &SCHEMA).unwrap()), 1);
}

#[tokio::test]
async fn a_panic_or_a_failing_core_stops_the_writer_too() {
    for core_fails in [false, true] {
        let house = house(|_| Notes::default(), 10);
        let stopped = house
            .writer
            .run(move |core: &mut Notes, _, _| -> anyhow::Result<()> {
                assert!(core_fails, "out of bounds");
                core.fail_commit = true;
                Ok(())
            })
            .await
            .unwrap_err();
        let expected = if core_fails { "the disk is full" } else { "out of bounds" };
        assert!(stopped.to_string().contains(expected), "{stopped}");
        assert!(house.writer.stopped().unwrap().contains(expected));
        assert_eq!(Problem::from(stopped).code(), "store_stopped");
        house.thread.stop().await;
    }
}

#[tokio::test]
async fn a_commit_that_the_database_refuses_stops_the_writer() {
    let house = house(|_| Notes::default(), 10);
    let error = house.writer.run(|_, tx, _| Ok(tx.execute("INSERT INTO nowhere VALUES (1)", [])?)).await.unwrap_err();
    assert!(matches!(error, WriteError::Stopped { .. }));
    house.thread.stop().await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let house = house(|_| Notes::default(), 2);
    let go = hold_up(&house.writer).await;
    house.writer.post(note("1")).unwrap();
    house.writer.post(note("2")).unwrap();
    assert_eq!(house.writer.post(note("3")), Err(WriteError::Overloaded));
    assert_eq!(house.writer.run(note("3")).await, Err(WriteError::Overloaded));
    go.send(()).unwrap();
    house.thread.stop().await;
    assert_eq!(notes(&sqlite::open(&house.path, &SCHEMA).unwrap()), 2);
}

#[tokio::test]
async fn the_last_quarter_of_the_queue_is_for_those_who_have_begun() {
    let house = house(|_| Notes::default(), 4);
    let go = hold_up(&house.writer).await;
    (1..=3).for_each(|n| house.writer.post(note(&n.to_string())).unwrap());
    assert_eq!(house.writer.run_for_newcomer(note("a newcomer")).await, Err(WriteError::Overloaded));
    house.writer.post(note("4")).unwrap();
    assert_eq!(house.writer.post(note("5")), Err(WriteError::Overloaded));
    go.send(()).unwrap();
    while house.writer.run_for_newcomer(note("a newcomer")).await == Err(WriteError::Overloaded) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    house.thread.stop().await;
    assert_eq!(notes(&sqlite::open(&house.path, &SCHEMA).unwrap()), 5);
}

#[tokio::test]
async fn what_comes_by_the_line_goes_ahead_of_all_who_wait_and_is_taken_where_their_queue_is_full() {
    let house = house(|_| Notes::default(), 2);
    let go = hold_up(&house.writer).await;
    house.writer.post(note("1")).unwrap();
    house.writer.post(note("2")).unwrap();
    assert_eq!(house.writer.post(note("3")), Err(WriteError::Overloaded));
    house.writer.post_ahead(note("ahead 1")).unwrap();
    house.writer.post_ahead(note("ahead 2")).unwrap();
    assert_eq!(house.writer.post_ahead(note("ahead 3")), Err(WriteError::Overloaded), "it is bounded too");
    assert_eq!(house.writer.metrics().queue_depth.get(), 4);
    go.send(()).unwrap();
    house.thread.stop().await;
    assert_eq!(texts(&house.path).join(","), "ahead 1,ahead 2,1,2");
}

#[tokio::test]
async fn a_flood_by_the_line_keeps_nobody_else_out() {
    let house = house(|_| Notes::default(), 1000);
    let go = hold_up(&house.writer).await;
    for n in 0..500 {
        house.writer.post_ahead(note(&format!("ahead {n}"))).unwrap();
    }
    for n in 0..10 {
        house.writer.post(note(&format!("own {n}"))).unwrap();
    }
    go.send(()).unwrap();
    house.thread.stop().await;
    let last = texts(&house.path).iter().rposition(|text| text.starts_with("own")).unwrap();
    assert!(last < 150, "the last of ten customers came at place {last} of 510");
}

#[tokio::test]
async fn a_full_lane_of_the_line_takes_no_room_from_newcomers() {
    let house = house(|_| Notes::default(), 4);
    let go = hold_up(&house.writer).await;
    (1..=4).for_each(|n| house.writer.post_ahead(note(&format!("ahead {n}"))).unwrap());
    let writer = house.writer.clone();
    let newcomer = tokio::spawn(async move { writer.run_for_newcomer(note("a newcomer")).await });
    while house.writer.metrics().queue_depth.get() < 5 && !newcomer.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    go.send(()).unwrap();
    assert_eq!(newcomer.await.unwrap(), Ok(()));
    house.thread.stop().await;
    assert_eq!(texts(&house.path).len(), 5);
}

#[tokio::test]
async fn what_comes_by_the_line_wakes_a_writer_that_sleeps_with_and_without_a_timeout() {
    let house = house(|_| Notes::default(), 2);
    for due in [None, Some(Duration::from_secs(3600))] {
        let set = house.writer.run(move |core, _, now| {
            core.due = due.map(|due| now + due);
            Ok(())
        });
        set.await.unwrap();
        house.writer.run_ahead(note("ahead")).await.unwrap();
    }
    house.thread.stop().await;
    assert_eq!(notes(&sqlite::open(&house.path, &SCHEMA).unwrap()), 2);
}

#[tokio::test]
async fn a_timeout_fires_when_its_time_has_come_and_not_before() {
    let house = house(|_| Notes::default(), 10);
    let set = house.writer.run(|core, _, now| {
        core.due = Some(now + Duration::from_secs(60));
        Ok(core.due)
    });
    let due = set.await.unwrap().unwrap();
    let reader = sqlite::open_read_only(&house.path).unwrap();
    house.clock.advance(Duration::from_secs(59));
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(notes(&reader), 0);
    house.clock.advance(Duration::from_secs(1));
    while notes(&reader) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let text: String = reader.query_row("SELECT text FROM note", [], |row| row.get(0)).unwrap();
    assert_eq!(text, format!("due at {}", due.0));
    house.thread.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_forward_moves_what_is_due_before_it_falls_due() {
    let house = house(|_| Notes::default(), 10);
    let set = house.writer.run(|core, _, now| {
        core.due = Some(now + Duration::from_secs(60));
        Ok(())
    });
    set.await.unwrap();
    house.clock.set_forward(Duration::from_secs(3600));
    let told = house.writer.run(|core, _, now| Ok((core.due, now))).await.unwrap();
    assert_eq!(told.0, Some(told.1 + Duration::from_secs(60)));
    house.thread.stop().await;
    assert_eq!(texts(&house.path).join(","), "jumped by 3600 s");
}

#[tokio::test]
async fn stopping_finishes_what_waits_and_closes_the_database() {
    let house = house(|_| Notes::default(), 1000);
    let go = hold_up(&house.writer).await;
    for i in 0..500 {
        house.writer.post(note(&i.to_string())).unwrap();
    }
    go.send(()).unwrap();
    house.thread.stop().await;
    assert!(!house.path.with_file_name("usher.db-wal").exists());
    let alone = Connection::open_with_flags(&house.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    assert_eq!(notes(&alone), 500);
    assert_eq!(
        house.writer.run(note("late")).await.unwrap_err().to_string(),
        "the store has stopped: it was shut down"
    );
}

#[tokio::test]
async fn a_batch_that_writes_nothing_persists_no_time() {
    let house = house(|_| Notes::default(), 10);
    house.writer.run(|_, _, _| Ok(())).await.unwrap();
    let reader = sqlite::open_read_only(&house.path).unwrap();
    assert_eq!(clock::last_persisted(&reader).unwrap(), Timestamp(0));
    assert_eq!(house.writer.metrics().commits.get(), 0);
    house.thread.stop().await;
}
