use std::{future::Future, pin::pin, rc::Rc};

use futures::future::{Either, LocalBoxFuture, select};
use tokio::sync::{mpsc, oneshot};
use wasm_bindgen_futures::spawn_local;

type Job<T> = Box<dyn FnOnce(Rc<T>) -> LocalBoxFuture<'static, ()> + Send>;

/// A value that stays with the thread it was made on, and can be used from every other.
///
/// JavaScript values belong to one thread, but the core's traits are `Send`. What crosses here is the work, by a
/// channel, and its result: the value itself never moves, and neither does anything the work makes of it.
///
/// ```ignore
/// let fetch = ThreadBound::new(js_function);
/// let status: Option<u16> = fetch.run(|fetch| async move { ask(&fetch).await }).await;
/// ```
pub struct ThreadBound<T> {
    jobs: mpsc::UnboundedSender<Job<T>>,
}

impl<T: 'static> ThreadBound<T> {
    /// Binds the value to this thread, whose event loop serves it until the last handle is gone.
    pub fn new(value: T) -> Self {
        let (jobs, mut queue) = mpsc::unbounded_channel::<Job<T>>();
        let value = Rc::new(value);
        spawn_local(async move {
            while let Some(job) = queue.recv().await {
                // Each job is a task of its own: a slow one holds up no other.
                spawn_local(job(value.clone()));
            }
        });
        Self { jobs }
    }

    /// Runs `work` with the value on its thread and answers the result, or `None` if that thread has stopped.
    ///
    /// Dropping the future this answers drops the work too, on the value's thread.
    pub async fn run<W, F, R>(&self, work: W) -> Option<R>
    where
        W: FnOnce(Rc<T>) -> F + Send + 'static,
        F: Future<Output = R> + 'static,
        R: Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let job: Job<T> = Box::new(move |value| {
            Box::pin(async move {
                let mut done = done;
                let ended = match select(pin!(work(value)), pin!(done.closed())).await {
                    Either::Left((result, _)) => Some(result),
                    Either::Right(((), _)) => None,
                };
                if let Some(result) = ended {
                    // Whoever asked may have gone just now.
                    let _ = done.send(result);
                }
            })
        });
        self.jobs.send(job).ok()?;
        result.await.ok()
    }
}

impl<T> Clone for ThreadBound<T> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone() }
    }
}
