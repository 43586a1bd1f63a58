//! Several nodes on one PostgreSQL and one broker. One has the writer's place and works; the others wait for it and pass requests
//! on to the one that works, so that every node answers every request.
//!
//! Safety does not depend on who believes to work: the place has a fencing number, and a transaction of a node that was replaced
//! is not committed.

mod forward;
pub mod pass;

use crate::config::Config;
use crate::database::{self, Database};
use crate::working::Working;
use anyhow::Context;
use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use forward::Forwarder;
use node::health::Readiness;
use node::http::{self, REQUEST_ID, RequestTrace};
use node::postgres::{self, Candidate, Place};
use node::problem::Problem;
use node::shutdown::Shutdown;
use node::writer::WriteError;
use pass::Pass;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tower::ServiceExt;

/// Between two looks at the writer's place.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Before a node that could not begin to work tries again, so that another one may.
const STEPS_BACK_FOR: Duration = Duration::from_secs(2);

/// Who works, as far as this node knows.
#[derive(Clone)]
enum Worker {
    /// Nobody, or nobody knows.
    Nobody,
    /// This node, with these routes.
    Here(Router),
    /// The node at this address, which is shown this pass.
    There(Arc<str>, Arc<str>),
}

/// One node's part in the pool.
pub(crate) struct Pool {
    config: Config,
    store: String,
    address: SocketAddr,
    pass: Pass,
    worker: watch::Sender<Worker>,
    failed: watch::Sender<Option<Arc<str>>>,
}

/// The routes of a node, and how one learns that it has failed.
type Joined = (Pool, Router, watch::Receiver<Option<Arc<str>>>);

impl Pool {
    /// Lets the tables grow where they must, and makes the routes by which this node answers whoever works.
    ///
    /// # Errors
    /// If the database cannot be opened, or a setting cannot be read.
    pub(crate) async fn join(config: Config, store: String, address: SocketAddr) -> anyhow::Result<Joined> {
        let url = store.clone();
        let grown = tokio::task::spawn_blocking(move || database::Place::Server(url).grow());
        grown.await.context("open the store")??;
        let (worker, seen) = watch::channel(Worker::Nobody);
        let (failed, fails) = watch::channel(None);
        let forwarder = Arc::new(Forwarder::new().context("prepare to pass requests on")?);
        let pass = Pass::fresh();
        let routes = Router::new()
            .route("/livez", get(async || Json(json!({ "live": true }))))
            .fallback(answer)
            .with_state(Front { worker: seen, forwarder, pass: pass.clone() });
        Ok((Self { config, store, address, pass, worker, failed }, routes, fails))
    }

    /// How the others reach this node.
    fn node_url(&self) -> String {
        match self.config.node_url.trim_end_matches('/') {
            // Every address of this host is none that another host could call.
            "" if self.address.ip().is_unspecified() => format!("http://{}:{}", host_name(), self.address.port()),
            "" => format!("http://{}", self.address),
            url => url.to_owned(),
        }
    }

    /// Waits for the place and works while it has it. After `leaving` it takes no place any more; at `ending` it gives up the one
    /// that it has.
    ///
    /// # Errors
    /// What made the work end, if it was not the end of this node or another node in its place.
    pub(crate) async fn run(self, leaving: Shutdown, ending: Shutdown) -> anyhow::Result<()> {
        let mut candidate = Candidate::new(&self.store, &self.node_url(), self.pass.text());
        let mut reached = true;
        while !leaving.is_triggered() {
            let stood = tokio::task::spawn_blocking(move || (candidate.stand(), candidate)).await;
            let (found, back) = stood.context("look at the writer's place")?;
            candidate = back;
            let mut pause = LOOK_EVERY;
            match found {
                Ok(Place::Taken(store)) => {
                    tracing::info!("this node works now");
                    match self.work(Database::Postgres(store), &ending).await {
                        Ok(()) => {}
                        Err(error) if postgres::is_away(&error) || is_undone(&error) => {
                            tracing::warn!(error = format!("{error:#}"), "this node cannot work just now");
                            pause = STEPS_BACK_FOR;
                        }
                        Err(error) => return self.fail(error),
                    }
                    self.worker.send_replace(Worker::Nobody);
                }
                Ok(Place::Held { address: by, pass }) => {
                    let is_known = |there: &str, shown: &str| there == by && shown == pass;
                    let known = matches!(&*self.worker.borrow(), Worker::There(there, shown) if is_known(there, shown));
                    if !known {
                        tracing::info!(by, "another node works");
                        self.worker.send_replace(Worker::There(by.into(), pass.into()));
                    }
                }
                Err(error) => {
                    if std::mem::take(&mut reached) {
                        tracing::warn!(error = format!("{error:#}"), "the store cannot be reached");
                    }
                    // Whoever works may still reach it: what is known of them stays.
                    pause = LOOK_EVERY * 2;
                    continue_after(pause, &leaving).await;
                    continue;
                }
            }
            reached = true;
            continue_after(pause, &leaving).await;
        }
        Ok(())
    }

    async fn work(&self, db: Database, ending: &Shutdown) -> anyhow::Result<()> {
        let working_on = Shutdown::new();
        let started = Working::start(&self.config, db, self.address, Some(self.pass.clone()), working_on.clone()).await;
        let (working, routes) = started.inspect_err(|_| {
            // The line would go on connecting under the name of whoever works instead.
            working_on.trigger();
        })?;
        self.worker.send_replace(Worker::Here(http::whole(routes)));
        let stopped = working.jobs().until_stopped();
        let stopped = tokio::select! {
            () = ending.wait() => None,
            reason = stopped => Some(reason),
        };
        let taken_over = working.jobs().is_taken_over();
        if taken_over {
            self.worker.send_replace(Worker::Nobody);
        }
        working.stop().await?;
        match stopped {
            Some(reason) if !taken_over => anyhow::bail!("{reason}"),
            _ => Ok(()),
        }
    }

    fn fail(&self, error: anyhow::Error) -> anyhow::Result<()> {
        self.failed.send_replace(Some(format!("{error:#}").into()));
        Err(error)
    }
}

/// The first batch was not committed, for the store was away or another node had taken the place: this one waits for it again.
fn is_undone(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(WriteError::Unreachable | WriteError::Unknown))
}

/// The name by which the network knows this host; itself where it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "localhost".to_owned() } else { name.trim().to_owned() }
}

async fn continue_after(pause: Duration, leaving: &Shutdown) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = leaving.wait() => {}
    }
}

/// What answers at a node.
#[derive(Clone)]
struct Front {
    worker: watch::Receiver<Worker>,
    forwarder: Arc<Forwarder>,
    pass: Pass,
}

async fn answer(State(front): State<Front>, request: Request) -> Response {
    let worker = front.worker.borrow().clone();
    let path = request.uri().path();
    match worker {
        Worker::Here(routes) => {
            let shown = front.pass.is_shown_by(request.headers()).then(|| request.headers().get(REQUEST_ID)).flatten();
            let answered = match shown.and_then(RequestTrace::of_header) {
                Some(trace) => trace.goes_on(routes.oneshot(request)).await,
                None => routes.oneshot(request).await,
            };
            answered.unwrap_or_else(|never| match never {})
        }
        // The numbers of the one that works are asked there; here they would be told twice.
        Worker::There(..) | Worker::Nobody if path == "/metrics" => front.forwarder.metrics().into_response(),
        Worker::Nobody if path == "/readyz" => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness::unless(["no_node_works".to_owned()]))).into_response()
        }
        // `/readyz` too: a node that waits is as ready as the one that works.
        Worker::There(node, pass) => front.forwarder.forward(&node, &pass, request).await,
        Worker::Nobody => nobody().into_response(),
    }
}

fn nobody() -> Problem {
    let detail = "No node works just now; nothing was done. Ask again.";
    Problem::unavailable("no_node_works", detail).with_retry_after(1)
}
