//! One running central.

use crate::config::{Broker, Config};
use crate::database::{Database, Place};
use crate::pool::Pool;
use crate::working::Working;
use anyhow::Context;
use node::http::{self, HttpLimits};
use node::mqtt::MqttUrl;
use node::shutdown::{Shutdown, wait_for_end};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running central. Several run in one process; each ends by [`Central::stop`].
pub struct Central {
    address: SocketAddr,
    broker_url: MqttUrl,
    shutdown: Shutdown,
    http: JoinHandle<anyhow::Result<()>>,
    role: Role,
}

/// Whether this node works alone.
enum Role {
    Alone(Box<Working>),
    /// One of those that share a PostgreSQL and a broker.
    OneOfMany {
        ending: Shutdown,
        pool: JoinHandle<anyhow::Result<()>>,
        failed: watch::Receiver<Option<Arc<str>>>,
    },
}

impl Central {
    /// Serves on the listener. On a file, or with a broker of its own, it opens the store first and works alone; on PostgreSQL
    /// with a broker that is not its own it is one of any number of nodes, of which one works.
    ///
    /// # Errors
    /// If the store or a key cannot be opened, the broker's port is taken, or a setting cannot be read.
    pub async fn start(config: Config, listener: TcpListener) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("read the address of the listener")?;
        let shutdown = Shutdown::new();
        let limits = HttpLimits { frame_ancestors: config.frame_ancestors.clone(), ..HttpLimits::default() };
        let (broker_url, role, routes) = match (config.place()?, config.broker()?) {
            (Place::Server(store), Broker::External(broker)) => {
                let (pool, routes, failed) = Pool::join(config, store, address).await?;
                let ending = Shutdown::new();
                let pool = tokio::spawn(pool.run(shutdown.clone(), ending.clone()));
                (broker, Role::OneOfMany { ending, pool, failed }, routes)
            }
            (place, _) => {
                // Opening waits for the disk or for a server.
                let opened = tokio::task::spawn_blocking(move || Database::open(&place));
                let db = opened.await.context("open the store")??;
                let (working, routes) = Working::start(&config, db, address, None, shutdown.clone()).await?;
                (working.broker_url().clone(), Role::Alone(Box::new(working)), http::whole(routes))
            }
        };
        let ending = shutdown.clone();
        let http = tokio::spawn(async move {
            let served = http::serve_whole(&limits, listener, routes, ending.clone()).await;
            // A central that nobody can reach must not go on as if it worked.
            ending.trigger();
            served
        });
        Ok(Self { address, broker_url, shutdown, http, role })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The broker that boxes connect to, the embedded one or another.
    pub fn broker_url(&self) -> &MqttUrl {
        &self.broker_url
    }

    /// Where the embedded broker listens, if there is one.
    pub fn broker_addr(&self) -> Option<SocketAddr> {
        match &self.role {
            Role::Alone(working) => working.broker_addr(),
            Role::OneOfMany { .. } => None,
        }
    }

    /// The signal that ends it, also triggered when it ends by itself.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Waits until the store fails, and says why. Central then sells nothing and says so, until it is started again.
    pub fn failed(&self) -> impl Future<Output = Arc<str>> + use<> {
        let (stopped, failed) = match &self.role {
            Role::Alone(working) => (Some(working.jobs().until_stopped()), None),
            Role::OneOfMany { failed, .. } => (None, Some(failed.clone())),
        };
        async move {
            match (stopped, failed) {
                (Some(stopped), _) => stopped.await,
                (None, Some(mut failed)) => {
                    let reason = failed.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
                    match reason {
                        Some(reason) => reason,
                        // It was asked to end, and has.
                        None => std::future::pending().await,
                    }
                }
                (None, None) => std::future::pending().await,
            }
        }
    }

    /// Drains requests, then the link, and last the writer.
    ///
    /// # Errors
    /// What made serving end, if it was not the signal.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        let served = self.http.await.context("wait for the HTTP server")?;
        match self.role {
            Role::Alone(working) => working.stop().await?,
            Role::OneOfMany { ending, pool, .. } => {
                ending.trigger();
                pool.await.context("wait for the pool")??;
            }
        }
        served
    }
}

/// Runs central until the shutdown.
///
/// # Errors
/// If it cannot start, or serving fails.
pub async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let central = Central::start(config, listener).await?;
    let over = wait_for_end(&shutdown, &central.shutdown(), central.failed()).await;
    central.stop().await?;
    over
}
