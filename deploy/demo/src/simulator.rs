//! A payment gateway to try things with: payments, refunds, a hosted page and signed webhooks, over HTTP.
//!
//! It is a program of its own that central speaks to like to any gateway, with the faults of one: webhooks that never come, answers
//! that come late, refunds that fail. Its book is kept in memory (and in a file, where one is named, so that a house can be opened
//! again) and can be read whole at `GET /v1/ledger`, so that a checker can compare money with tickets. Webhooks follow Standard Webhooks 1.0: `{"type","timestamp","data"}`, where `data` is the payment or
//! refund as `GET` answers it.

use anyhow::Context;
use node::http::HttpLimits;
use node::shutdown::Shutdown;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::Notify;

mod api;
mod book;
mod keep;
mod page;
mod payment;
mod webhooks;

pub use payment::{Faults, Ledger, Payment, PaymentState, Refund, RefundState};

/// How a simulator is set up.
#[derive(Debug, Clone, Default)]
pub struct SimulatorConfig {
    /// The secret webhooks are signed with: `whsec_` and Base64, or any other text as it is.
    pub secret: String,
    /// Where browsers reach it, without a slash at the end; the listener's address where absent.
    pub public_url: Option<String>,
    /// Origins whose pages may show the hosted page in a frame.
    pub frame_ancestors: Vec<String>,
    /// The file the book is kept in; memory only where absent.
    pub file: Option<PathBuf>,
}

/// What handlers and the worker share.
struct Desk {
    book: Mutex<book::Book>,
    /// Something may have to be reported.
    moved: Notify,
    public_url: String,
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, book::Book> {
        // No code that holds the lock can leave the book half-written.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until `shutdown`.
///
/// # Errors
/// If the listener fails.
pub async fn run(config: SimulatorConfig, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let address = listener.local_addr().context("read the simulator's address")?;
    let public_url = config.public_url.unwrap_or_else(|| format!("http://{address}"));
    let book = config.file.as_deref().map(keep::read).transpose().context("read the simulator's book")?;
    let desk = Arc::new(Desk { book: Mutex::new(book.unwrap_or_default()), moved: Notify::new(), public_url });
    let router = api::router(Arc::clone(&desk)).merge(page::router(Arc::clone(&desk)));
    let limits = HttpLimits { frame_ancestors: config.frame_ancestors, ..HttpLimits::default() };
    let courier = webhooks::Courier::new(&config.secret).context("set up the webhooks")?;
    let served = tokio::select! {
        served = node::http::serve_with(&limits, listener, router, shutdown) => served,
        () = courier.work(Arc::clone(&desk)) => Ok(()),
        () = keep::follow(&desk, config.file.as_deref()) => Ok(()),
    };
    keep::save(&desk, config.file.as_deref());
    served
}
