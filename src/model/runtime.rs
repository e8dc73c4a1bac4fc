use std::{fmt, future::Future, pin::pin, sync::Arc, time::Duration};

use futures::future::{BoxFuture, Either, select};

use super::{Clock, SystemClock, Timestamp};

/// Runs tasks and waits: what a host's event loop can do for us.
pub trait Executor: Send + Sync + 'static {
    /// Runs `task` to its end, whatever becomes of the caller.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Completes after `wait`.
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()>;

    /// The same, for work that looks again from time to time: a process with nothing else to do need not stay for it.
    fn rest(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.sleep(wait)
    }
}

/// Time, spawning and sleeping: the only place in the crate that knows of them.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::time::Duration;
/// use sis_integrations::Runtime;
///
/// let runtime = Runtime::current();
/// let answer = runtime.run(async { 40 + 2 }).await;
/// assert_eq!(answer, Some(42));
/// # });
/// ```
#[derive(Clone)]
pub struct Runtime {
    executor: Arc<dyn Executor>,
    clock: Arc<dyn Clock>,
}

impl Runtime {
    /// An executor and a clock of the host's own.
    pub fn new(executor: impl Executor, clock: impl Clock) -> Self {
        Self { executor: Arc::new(executor), clock: Arc::new(clock) }
    }

    /// The tokio runtime that this is called on, with the machine's clock.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(not(target_family = "wasm"))]
    pub fn current() -> Self {
        Self::new(Tokio(tokio::runtime::Handle::current()), SystemClock)
    }

    /// The event loop of the JavaScript host.
    #[cfg(target_family = "wasm")]
    pub fn current() -> Self {
        Self::new(wasm::EventLoop, SystemClock)
    }

    /// The same executor with another clock.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time since some fixed moment, for measuring.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Runs `task` to its end, whatever becomes of the caller.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(Box::pin(task));
    }

    /// Runs `task` to its end, whatever becomes of the caller, and answers its result: `None` if the task panicked
    /// or the executor stopped.
    pub fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        let (done, result) = tokio::sync::oneshot::channel();
        self.spawn(async move {
            // A caller that went away has dropped the receiver; the task was run for its effect.
            let _ = done.send(task.await);
        });
        async move { result.await.ok() }
    }

    /// Completes after `wait`.
    pub fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.executor.sleep(wait)
    }

    /// The same, but a process with nothing else to do need not stay for it.
    pub fn rest(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.executor.rest(wait)
    }

    /// The result of `task`, or `None` if it takes longer than `limit`.
    pub async fn timeout<T>(&self, limit: Duration, task: impl Future<Output = T>) -> Option<T> {
        match select(pin!(task), self.sleep(limit)).await {
            Either::Left((result, _)) => Some(result),
            Either::Right(((), _)) => None,
        }
    }

    /// Starts a thread for blocking work, such as a database driver's.
    #[cfg(not(target_family = "wasm"))]
    pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<std::thread::JoinHandle<()>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

#[cfg(not(target_family = "wasm"))]
struct Tokio(tokio::runtime::Handle);

#[cfg(not(target_family = "wasm"))]
#[expect(clippy::disallowed_methods, reason = "this is the one place that spawns and sleeps")]
impl Executor for Tokio {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        let sleep = {
            // A timer registers with the runtime it is made on, and the caller may be on another thread.
            let _on = self.0.enter();
            tokio::time::sleep(wait)
        };
        Box::pin(sleep)
    }
}

#[cfg(target_family = "wasm")]
mod wasm {
    use super::*;
    use std::{
        cell::{Cell, RefCell},
        collections::HashMap,
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::sync::oneshot;
    use wasm_bindgen::{JsCast, prelude::*};

    pub(super) struct EventLoop;

    impl Executor for EventLoop {
        fn spawn(&self, task: BoxFuture<'static, ()>) {
            wasm_bindgen_futures::spawn_local(task);
        }

        fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
            Box::pin(Timer::start(wait, false))
        }

        fn rest(&self, wait: Duration) -> BoxFuture<'static, ()> {
            Box::pin(Timer::start(wait, true))
        }
    }

    /// JavaScript values are not Send, so the timer stays with the thread that set it, and the future holds its number.
    struct Timer {
        number: u64,
        rung: oneshot::Receiver<()>,
    }

    /// The host's handle, and what it calls.
    type Set = (JsValue, Closure<dyn FnMut()>);

    thread_local! {
        static SET: RefCell<HashMap<u64, Set>> = RefCell::default();
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }

    impl Timer {
        fn start(wait: Duration, idle: bool) -> Self {
            let (ring, rung) = oneshot::channel();
            let mut ring = Some(ring);
            let wake = Closure::new(move || {
                if let Some(ring) = ring.take() {
                    let _ = ring.send(());
                }
            });
            let millis = i32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
            let number = NEXT.replace(NEXT.get() + 1);
            // A host without timers drops `wake`, and the sleep ends at once; what only looks from time to time never looks.
            match global("setTimeout", &[wake.as_ref().clone(), millis.into()]) {
                Some(handle) => {
                    if idle {
                        unref(&handle);
                    }
                    SET.with_borrow_mut(|set| set.insert(number, (handle, wake)));
                }
                None if idle => wake.forget(),
                None => {}
            }
            Self { number, rung }
        }
    }

    impl Future for Timer {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            Pin::new(&mut self.rung).poll(cx).map(drop)
        }
    }

    /// Most sleeps are limits that were kept: a timer left behind would keep the host's process alive until it rings.
    impl Drop for Timer {
        fn drop(&mut self) {
            if let Some((handle, _)) = SET.with_borrow_mut(|set| set.remove(&self.number)) {
                global("clearTimeout", &[handle]);
            }
        }
    }

    /// In Node a timer keeps the process alive unless it is told not to; in browsers it is a number.
    fn unref(handle: &JsValue) {
        let unref = js_sys::Reflect::get(handle, &"unref".into()).unwrap_or(JsValue::UNDEFINED);
        if let Ok(unref) = unref.dyn_into::<js_sys::Function>() {
            let _ = unref.call0(handle);
        }
    }

    fn global(function: &str, arguments: &[JsValue]) -> Option<JsValue> {
        let function = js_sys::Reflect::get(&js_sys::global(), &function.into()).ok()?;
        let function = function.dyn_into::<js_sys::Function>().ok()?;
        function.apply(&JsValue::UNDEFINED, &arguments.iter().collect()).ok()
    }
}
