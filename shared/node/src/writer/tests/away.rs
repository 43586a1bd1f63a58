//! A database that goes away and comes back, played by SQLite with a switch.

use super::*;
use crate::store::Sql;
use anyhow::anyhow;
use std::sync::MutexGuard;

/// What the switch says.
#[derive(Default)]
struct Line {
    /// The next transaction finds the database gone before its commit.
    lose_work: bool,
    /// The next commit is lost on the way; this is whether it was done.
    lose_commit: Option<bool>,
    /// Nobody answers.
    away: bool,
    last_committed: bool,
}

struct Distant {
    connection: Connection,
    line: Arc<Mutex<Line>>,
}

impl Distant {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap()
    }
}

impl Engine for Distant {
    type Tx<'t> = dyn Sql + 't;

    fn transaction<T>(
        &mut self,
        clock: &StoreClock,
        work: impl FnOnce(&Self::Tx<'_>, Timestamp) -> anyhow::Result<T>,
    ) -> Ended<T> {
        let gone = || anyhow!("the line is down");
        if self.line().away {
            return Ended::RolledBack { error: gone(), away: true };
        }
        let lose_work = std::mem::take(&mut self.line().lose_work);
        let lose_commit = self.line().lose_commit.take();
        if lose_work || lose_commit == Some(false) {
            let tx = self.connection.transaction().unwrap();
            let at = clock.now();
            let worked = work(&tx, at);
            drop(tx);
            self.line().last_committed = false;
            return match worked {
                Ok(value) if !lose_work => Ended::Unknown { value, at, error: gone() },
                _ => Ended::RolledBack { error: gone(), away: true },
            };
        }
        let ended = Engine::transaction(&mut self.connection, clock, |tx, now| work(tx, now));
        match ended {
            Ended::Committed { value, at, .. } if lose_commit == Some(true) => {
                self.line().last_committed = true;
                Ended::Unknown { value, at, error: gone() }
            }
            ended => ended,
        }
    }

    fn recover(&mut self) -> Recovery {
        let line = self.line();
        if line.away {
            Recovery::Away(anyhow!("nobody answers"))
        } else {
            Recovery::Back { committed: line.last_committed }
        }
    }

    fn close(self) {
        Engine::close(self.connection);
    }
}

/// How many notes there are, and how often that was read from the database.
#[derive(Default)]
struct Counted {
    notes: i64,
    reloads: u32,
}

fn stored(tx: &dyn Sql) -> Result<i64, crate::store::StoreError> {
    tx.only("SELECT count(*) FROM note", &[], |row| row.get(0))
}

impl Core for Counted {
    type Engine = Distant;

    fn before_commit(&mut self, _tx: &dyn Sql, _now: Timestamp) -> anyhow::Result<()> {
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
        (self.notes, self.reloads) = (stored(tx)?, self.reloads + 1);
        Ok(())
    }

    fn handle_failure(&mut self, _error: &anyhow::Error) {}
}

struct Far {
    _directory: tempfile::TempDir,
    line: Arc<Mutex<Line>>,
    writer: Writer<Counted>,
    thread: WriterThread,
}

impl Far {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let connection = sqlite::open(&directory.path().join("usher.db"), &SCHEMA).unwrap();
        let line = Arc::new(Mutex::new(Line::default()));
        let engine = Distant { connection, line: line.clone() };
        let (writer, thread) = Writer::start(engine, Counted::default(), StoreClock::manual(), 100).unwrap();
        Self { _directory: directory, line, writer, thread }
    }

    async fn note(&self) -> Result<(), WriteError> {
        let noted = self.writer.run(|core: &mut Counted, tx, _| {
            core.notes += 1;
            tx.execute("INSERT INTO note VALUES ('x')", &[])?;
            Ok(())
        });
        noted.await
    }

    /// Notes in memory and in the database, and how often the state was loaded again.
    async fn standing(&self) -> (i64, i64, u32) {
        loop {
            match self.writer.run(|core: &mut Counted, tx, _| Ok((core.notes, stored(tx)?, core.reloads))).await {
                Ok(standing) => return standing,
                Err(WriteError::Unreachable) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[tokio::test]
async fn what_was_not_committed_is_answered_as_not_done_and_forgotten() {
    let far = Far::open();
    far.note().await.unwrap();
    far.line.lock().unwrap().lose_work = true;
    assert_eq!(far.note().await, Err(WriteError::Unreachable));
    assert_eq!(far.standing().await, (1, 1, 1));
    far.note().await.unwrap();
    assert_eq!(far.standing().await, (2, 2, 1));
    far.thread.stop().await;
}

#[tokio::test]
async fn a_lost_commit_is_answered_as_it_turns_out() {
    for (was_done, answer, standing) in [(true, Ok(()), (1, 1, 0)), (false, Err(WriteError::Unreachable), (0, 0, 1))] {
        let far = Far::open();
        far.line.lock().unwrap().lose_commit = Some(was_done);
        assert_eq!(far.note().await, answer);
        assert_eq!(far.standing().await, standing);
        assert!(!far.writer.is_store_away());
        far.thread.stop().await;
    }
}

#[tokio::test]
async fn while_the_database_is_away_nobody_waits_for_it_and_the_writer_can_be_stopped() {
    let far = Far::open();
    far.line.lock().unwrap().away = true;
    for _ in 0..3 {
        assert_eq!(far.note().await, Err(WriteError::Unreachable));
    }
    assert!(far.writer.is_store_away());
    assert_eq!(Problem::from(WriteError::Unreachable).code(), "store_unreachable");
    far.line.lock().unwrap().away = false;
    far.standing().await;
    far.note().await.unwrap();
    assert!(!far.writer.is_store_away());
    far.line.lock().unwrap().away = true;
    assert_eq!(far.note().await, Err(WriteError::Unreachable));
    far.thread.stop().await;
}
