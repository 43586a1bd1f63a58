//! One connection, used from one thread.

use super::engine::comes_back;
use super::statement::numbered;
use super::tls::Address;
use super::together::{Parents, Shape};
use super::unsent::Unsent;
use crate::store::{EachRow, Sql, StoreError, Value};
use anyhow::Context;
use futures_util::future::maybe_done;
use futures_util::{FutureExt, TryFutureExt, TryStreamExt};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Statement};

/// How long a connection may take to come about, all of it.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long the server may say nothing before it counts as gone: longer than anybody waits for a lock.
const ANSWER_WAIT: Duration = Duration::from_secs(12);
/// How long what was sent may stay unacknowledged by the server's machine.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A lost COMMIT is looked up; one that the server forgets after a power cut could not be. Whoever stands still in the middle of a
/// transaction must not keep its locks from the others.
const SETTINGS: &str =
    "SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'; SET lock_timeout = '10s';
     SET idle_in_transaction_session_timeout = '5s'";

/// Which table refers to which.
const PARENTS: &str =
    "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'";

/// Rows that are kept back at most.
const UNSENT_MAX: usize = 1000;

/// A connection to a PostgreSQL database.
pub struct Connection {
    /// Always there until it is dropped, which must not block.
    runtime: Option<Runtime>,
    client: Client,
    statements: RefCell<HashMap<Box<str>, Prepared>>,
    parents: OnceCell<Parents>,
    /// What goes to the server with the next statement that is waited for.
    unsent: RefCell<Unsent>,
    /// How long the server may take for an answer.
    patience: Duration,
    /// Nothing more is asked of this connection: it says nothing, or knows the tables as they were.
    spent: Cell<bool>,
    /// A statement of the transaction under way has changed something.
    pub(super) wrote: Cell<bool>,
    /// A statement of the transaction under way has failed: its COMMIT would be a silent ROLLBACK.
    pub(super) failed: Cell<bool>,
    /// It failed because the server is away: noted here, for whoever asked may have told it on in words.
    pub(super) away: Cell<bool>,
}

/// A statement that the server knows, and how rows that it writes are sent together.
#[derive(Clone)]
struct Prepared {
    statement: Statement,
    shape: Option<Arc<Shape>>,
}

impl Connection {
    /// Connects to `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=…&sslrootcert=…`.
    ///
    /// # Errors
    /// If the URL cannot be read, or nobody answers.
    pub fn open(url: &str) -> anyhow::Result<Self> {
        let mut address = Address::parse(url).context("read the address of the database")?;
        address.config.connect_timeout(CONNECT_WAIT).tcp_user_timeout(SILENCE_MAX).application_name("usher");
        let runtime = Builder::new_current_thread().enable_all().build().context("start a runtime for the database")?;
        let connect = async {
            let (client, connection) = address.connect().await.context("connect to the database")?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to the database ended");
                }
            });
            client.batch_execute(SETTINGS).await?;
            anyhow::Ok(client)
        };
        let client = runtime.block_on(async {
            // A server that is frozen takes a connection and says nothing.
            match tokio::time::timeout(CONNECT_WAIT, connect).await {
                Ok(connected) => connected,
                Err(_) => Err(StoreError::Silent(CONNECT_WAIT)).context("connect to the database"),
            }
        })?;
        let (statements, parents, unsent) = (RefCell::default(), OnceCell::new(), RefCell::default());
        let (wrote, failed, away) = (Cell::new(false), Cell::new(false), Cell::new(false));
        let (patience, spent) = (ANSWER_WAIT, Cell::new(false));
        Ok(Self { runtime: Some(runtime), client, statements, parents, unsent, patience, spent, wrote, failed, away })
    }

    /// The same one, which waits so long for each answer: whole tables may be written anew.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Does statements that are no question and take no values.
    ///
    /// # Errors
    /// A store failure.
    pub fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.after_unsent(self.in_time(self.client.batch_execute(sql).err_into()))
    }

    /// Waits for everything that was [sent](Sql::send).
    ///
    /// # Errors
    /// What one of the statements failed with.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        if self.unsent.borrow().len() == 0 {
            return Ok(());
        }
        self.noted(self.after_unsent(async { Ok(()) }))
    }

    /// Forgets what was not sent yet: its transaction ends.
    pub(super) fn forget_unsent(&self) {
        self.unsent.take();
    }

    /// The connection is gone, or nothing more is to be asked of it.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed() || self.spent.get()
    }

    /// The connection still stands, after a look at whether the server has ended it meanwhile: between two statements nobody reads
    /// what it says.
    pub(super) fn still_stands(&self) -> bool {
        let looked = self.wait(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            Ok(())
        });
        looked.is_ok() && !self.is_closed()
    }

    pub(super) fn statement(&self, sql: &str) -> Result<Statement, StoreError> {
        Ok(self.prepared(sql)?.statement)
    }

    fn prepared(&self, sql: &str) -> Result<Prepared, StoreError> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let text = numbered(sql);
        let statement = self.wait(self.in_time(self.client.prepare(&text).err_into()))?;
        let prepared = Prepared { statement, shape: Shape::of(sql).map(Arc::new) };
        self.statements.borrow_mut().insert(sql.into(), prepared.clone());
        Ok(prepared)
    }

    /// Which tables each table refers to, asked once.
    fn parents(&self) -> Result<&Parents, StoreError> {
        if let Some(known) = self.parents.get() {
            return Ok(known);
        }
        let rows = self.wait(self.in_time(self.client.query(PARENTS, &[]).err_into()))?;
        let mut parents = Parents::new();
        for row in rows {
            let (child, parent): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            parents.entry(child.into()).or_default().insert(parent.into());
        }
        Ok(self.parents.get_or_init(|| parents))
    }

    fn keep(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let (Prepared { statement, shape }, parents) = (self.prepared(sql)?, self.parents()?);
        let mut unsent = self.unsent.borrow_mut();
        unsent.add(statement, shape, values, parents, |shape, alone| self.statement(&shape.sql(alone.params())))?;
        Ok(unsent.len())
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().filter(|_| !self.spent.get()).ok_or(StoreError::Closed)?;
        let done = runtime.block_on(work);
        if let Err(error) = &done {
            let of_old_tables = matches!(error, StoreError::Postgres(error) if is_of_old_tables(error));
            self.spent.set(self.spent.get() || of_old_tables || matches!(error, StoreError::Silent(_)));
            self.away.set(self.away.get() || comes_back(error));
        }
        done
    }

    /// Work that takes no longer than the server may take for one answer.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let silent = |_| Err(StoreError::Silent(self.patience));
        tokio::time::timeout(self.patience, work).await.unwrap_or_else(silent)
    }

    /// Sends what is unsent and then `last`, and waits for all of it: one way to the server and back, however many there are.
    fn after_unsent<T>(&self, last: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let unsent = self.unsent.take();
        self.wait(async {
            let mut sending: Vec<_> =
                unsent.groups().iter().map(|sent| Box::pin(maybe_done(sent.to(&self.client)))).collect();
            // A statement leaves when it is first looked at, and the server takes them in that order.
            poll_fn(|cx| {
                let pending = sending.iter_mut().filter_map(|sent| sent.as_mut().poll(cx).is_pending().then_some(()));
                Poll::Ready(pending.count())
            })
            .await;
            let answer = last.await;
            for mut sent in sending {
                self.in_time(sent.as_mut().map(Ok)).await?;
                // The first failure is the cause of the others.
                let touched = sent.as_mut().take_output().transpose()?.unwrap_or_default();
                self.wrote.set(self.wrote.get() || touched > 0);
            }
            answer
        })
    }

    /// Notes a failure, which the transaction under way does not survive.
    fn noted<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_err() {
            self.failed.set(true);
        }
        done
    }
}

/// A statement was prepared before its table had grown. A connection that comes after knows the table as it is.
pub(super) fn is_of_old_tables(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
        && error.as_db_error().is_some_and(|said| said.message().contains("cached plan"))
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Sql for Connection {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let execute = || -> Result<u64, StoreError> {
            let statement = self.statement(sql)?;
            self.after_unsent(self.in_time(self.client.execute_raw(&statement, values).err_into()))
        };
        let touched = self.noted(execute())?;
        self.wrote.set(self.wrote.get() || touched > 0);
        Ok(usize::try_from(touched).unwrap_or(usize::MAX))
    }

    fn send(&self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        let kept = self.noted(self.keep(sql, values))?;
        if kept < UNSENT_MAX { Ok(()) } else { self.flush() }
    }

    fn query(&self, sql: &str, values: &[Value<'_>], each: &mut EachRow<'_>) -> Result<(), StoreError> {
        let mut query = || -> Result<(), StoreError> {
            let statement = self.statement(sql)?;
            self.after_unsent(async {
                let mut rows = pin!(self.in_time(self.client.query_raw(&statement, values).err_into()).await?);
                while let Some(row) = self.in_time(rows.try_next().err_into()).await? {
                    if !each(&row)? {
                        break;
                    }
                }
                Ok(())
            })
        };
        self.noted(query())
    }
}
