use std::future::Future;

use sis_integrations::{Error, ErrorCode, Result};
use tokio::task::JoinHandle;

use crate::gate;

/// A runtime of the handle's own. Work is sent there and awaited by whoever polls: the foreign event loop drives
/// nothing but a waker.
pub(crate) struct Engine {
    runtime: Option<tokio::runtime::Runtime>,
    process: u32,
}

impl Engine {
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("sis-integrations")
            .enable_all()
            .build()
            .map_err(|error| Error::internal("threads cannot be started").with_source(error))?;
        Ok(Self { runtime: Some(runtime), process: std::process::id() })
    }

    /// Runs `task` on the runtime. A future that is dropped drops the task with it, as any future would: the core sees
    /// its caller go, and records what came of the call.
    pub(crate) async fn run<T, F>(&self, task: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if self.forked() {
            // The threads stayed with the parent: to wait for them would be to wait for ever.
            return Err(Error::new(ErrorCode::Closed, "the manager was opened before fork: open one in this process"));
        }
        let Some(runtime) = self.runtime.as_ref().filter(|_| !gate::is_shut()) else {
            return Err(Error::new(ErrorCode::Closed, "the program is ending"));
        };
        let mut running = AbortOnDrop(runtime.spawn(task));
        gate::gated(&mut running.0).await.unwrap_or_else(|_| {
            Err(Error::internal("the library panicked; the message is on the standard error output"))
        })
    }

    fn forked(&self) -> bool {
        self.process != std::process::id()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.forked() {
            std::mem::forget(runtime);
        } else {
            // A garbage collector may do this on any thread, also on one that belongs to a runtime: it must not wait.
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
