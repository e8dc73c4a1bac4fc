use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
};

use sis_integrations::{Error, ErrorCode, Result};
use sis_integrations_fork::OfProcess;
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::gate;

/// A runtime of the handle's own. Work is sent there and awaited by whoever polls: the foreign event loop drives
/// nothing but a waker.
pub(crate) struct Engine {
    runtime: Option<Runtime>,
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

    /// Runs `task` on the runtime, and waits for it. A future that is dropped drops the task with it, as any future
    /// would: the core sees its caller go, and records what came of the call.
    pub(crate) async fn run<T, F>(&self, task: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.spawn(task)?.end().await
    }

    /// Runs `task` on the caller's thread until it first waits, and from there on the runtime. What is answered from
    /// memory changes no thread: to wake a foreign event loop takes longer than such a call.
    pub(crate) fn begin<T, F>(&self, task: F) -> Result<Begun<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let runtime = self.runtime()?;
        let mut task = Box::pin(task);
        let _entered = runtime.enter();
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        match polled {
            Ok(Poll::Ready(answer)) => answer.map(Begun::Answered),
            // It is polled again at once, and leaves its real waker then.
            Ok(Poll::Pending) => Ok(Begun::Running(Running(OfProcess::new(runtime.spawn(task))))),
            Err(_) => Err(panicked()),
        }
    }

    /// Runs all of `task` on the runtime.
    pub(crate) fn spawn<T, F>(&self, task: F) -> Result<Running<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Ok(Running(OfProcess::new(self.runtime()?.spawn(task))))
    }

    fn runtime(&self) -> Result<&Runtime> {
        if self.forked() {
            // The threads stayed with the parent: to wait for them would be to wait for ever.
            return Err(Error::new(ErrorCode::Closed, "the manager was opened before fork: open one in this process"));
        }
        let runtime = self.runtime.as_ref().filter(|_| !gate::is_shut());
        runtime.ok_or_else(|| Error::new(ErrorCode::Closed, "the program is ending"))
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

/// What came of a task at once.
pub(crate) enum Begun<T> {
    Answered(T),
    Running(Running<T>),
}

/// A task of the runtime, aborted when nobody waits for it any more.
pub(crate) struct Running<T>(OfProcess<JoinHandle<Result<T>>>);

impl<T> Running<T> {
    pub(crate) async fn end(mut self) -> Result<T> {
        gate::gated(&mut *self.0).await.unwrap_or_else(|_| Err(panicked()))
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if !self.0.is_forked() {
            self.0.abort();
        }
    }
}

fn panicked() -> Error {
    Error::internal("the library panicked; the message is on the standard error output")
}
