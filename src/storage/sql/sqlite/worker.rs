//! Threads that own a connection each, and the queues they work off.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorCode, Result};

type Job<D> = Box<dyn FnOnce(&mut D) + Send>;

/// What waits for a thread. Several threads may work off one queue.
pub(super) struct Queue<D> {
    state: Mutex<State<D>>,
    ready: Condvar,
}

struct State<D> {
    jobs: VecDeque<Job<D>>,
    closed: bool,
}

/// The error of a storage that is closed.
pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the storage is closed")
}

impl<D: 'static> Queue<D> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { jobs: VecDeque::new(), closed: false }), ready: Condvar::new() })
    }

    /// Runs `work` on one of the threads. It is run even if the caller goes away.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut D) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        let (done, result) = oneshot::channel();
        let job: Job<D> = Box::new(move |database| {
            // A caller that went away has dropped its end.
            let _ = done.send(work(database));
        });
        let taken = {
            let mut state = self.state.lock();
            let open = !state.closed;
            if open {
                state.jobs.push_back(job);
            }
            open
        };
        self.ready.notify_one();
        async move {
            if !taken {
                return Err(closed());
            }
            result.await.unwrap_or_else(|_| Err(Error::internal("the thread of the database died")))
        }
    }

    /// Takes no more jobs; those that wait are still done. Answers whether it was open.
    pub(super) fn close(&self) -> bool {
        let was_open = !std::mem::replace(&mut self.state.lock().closed, true);
        self.ready.notify_all();
        was_open
    }

    fn next(&self) -> Option<Job<D>> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            self.ready.wait(&mut state);
        }
    }

    /// Works off the queue until it is closed and empty; the body of a thread.
    pub(super) fn work(self: Arc<Self>, mut database: D) -> D {
        // Should a job panic, those behind it must not wait for a thread that is gone.
        struct Alive<D: 'static>(Arc<Queue<D>>);
        impl<D> Drop for Alive<D> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.close();
                    self.0.state.lock().jobs.clear();
                }
            }
        }
        let alive = Alive(self);
        while let Some(job) = alive.0.next() {
            job(&mut database);
        }
        database
    }
}
