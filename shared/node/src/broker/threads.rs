//! The broker's threads. The crate lets a connection's task live on while a write to a client that reads nothing is
//! waited for, which can be minutes; a runtime of its own ends with everything in it.

use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// How long a task may go on without a pause at the end.
const END_MAX: Duration = Duration::from_secs(1);

/// What the threads are called in a panic's message or a debugger.
const THREAD_NAME: &str = "broker";

const WORKERS: usize = 2;

pub(super) struct Threads {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Threads {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(WORKERS).thread_name(THREAD_NAME).enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(super) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.handle.spawn(task)
    }

    /// Ends every task and waits until the sockets are closed.
    pub(super) async fn end(mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // Only fails where the caller's own runtime ends at this moment, and the drop has begun even then.
        let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(END_MAX)).await;
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
