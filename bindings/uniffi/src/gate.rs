//! The gate between our threads and a foreign interpreter.
//!
//! To wake a Python coroutine is to run Python on one of our threads. An interpreter that is ending kills such a thread
//! in the middle of it, and with it the process: before 3.14 by an unwinding that no Rust frame survives. So the
//! interpreter shuts the gate before it ends, and waits for those who are inside.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

static GATE: Mutex<Gate> = Mutex::new(Gate { shut: false, inside: 0, process: 0 });
static ONE_LEFT: Condvar = Condvar::new();

const PATIENCE: Duration = Duration::from_secs(5);

struct Gate {
    shut: bool,
    inside: usize,
    process: u32,
}

impl Gate {
    /// How many are inside. After a fork nobody: whoever was has stayed with the parent, and would be waited for in
    /// vain.
    fn inside(&mut self) -> &mut usize {
        let process = std::process::id();
        if self.process != process {
            (self.process, self.inside) = (process, 0);
        }
        &mut self.inside
    }
}

/// Lets no thread of ours call into the interpreter any more, and waits for those that do. For an interpreter that is
/// about to end; every later call of every manager answers `closed`.
#[uniffi::export]
pub fn shut_gate() {
    let mut gate = GATE.lock();
    gate.shut = true;
    // If patience ends first, nothing can be done that is better than to end.
    let _ = ONE_LEFT.wait_while_for(&mut gate, |gate| *gate.inside() > 0, PATIENCE);
}

pub(crate) fn is_shut() -> bool {
    GATE.lock().shut
}

/// Somebody inside, until dropped.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        let mut gate = GATE.lock();
        if gate.shut {
            return None;
        }
        *gate.inside() += 1;
        Some(Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        *GATE.lock().inside() -= 1;
        ONE_LEFT.notify_all();
    }
}

/// The result of `future`, whose wakes go through the gate.
pub(crate) async fn gated<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let waker = Waker::from(Arc::new(Gated(context.waker().clone())));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

struct Gated(Waker);

impl Wake for Gated {
    fn wake(self: Arc<Self>) {
        // The lock is not held meanwhile: a collector that runs inside may drop a manager, whose tasks wake others.
        if let Some(_inside) = Inside::enter() {
            self.0.wake_by_ref();
        }
    }
}
