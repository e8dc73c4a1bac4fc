//! Local look-alikes of the vendors that `sis-integrations` talks to.
//!
//! Each vendor is an HTTP server on loopback that keeps state, validates as the vendor does and speaks its wire
//! format. A test scripts misbehaviour through [`Faults`], reads what was asked through [`Recorder`], and steers time
//! through [`Clock`]. The crate shares no type with the library, so that neither can cover for the other's mistakes.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use sandbox::{Fault, Rule, Sandbox};
//!
//! let sandbox = Sandbox::start().await?;
//! let base_url = sandbox.url("twilio");
//! sandbox.twilio().faults().add(Rule::every(10, Fault::CutAfter).method("POST"));
//! // … the code under test sends a message to `base_url` …
//! let accepted = sandbox.twilio().messages();
//! # Ok(())
//! # }
//! ```

mod clock;
#[cfg(feature = "contract")]
pub mod contract;
mod control;
mod exchange;
mod faults;
pub mod google_workspace;
pub mod khan_academy;
pub mod microsoft365;
mod outgoing;
mod recorder;
pub mod sendgrid;
mod server;
pub mod stripe;
pub mod twilio;
mod vendor;
pub mod weather;

use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use clock::Clock;
pub use faults::{Fault, Faults, RateLimit, RetryAfter, Rule, When};
pub use recorder::{DEFAULT_KEPT, Exchange, Recorder, Response};
pub use twilio::Twilio;

use vendor::{Registration, Stage, Vendor};

/// Every look-alike there is. A new vendor adds its line here.
const VENDORS: &[Registration] = &[
    twilio::REGISTRATION,
    sendgrid::REGISTRATION,
    stripe::REGISTRATION,
    khan_academy::REGISTRATION,
    weather::REGISTRATION,
    google_workspace::REGISTRATION,
    microsoft365::REGISTRATION,
];

/// The names of all look-alikes.
pub fn vendors() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|vendor| vendor.name)
}

/// The running look-alikes. Dropping it closes their ports.
///
/// They run on a thread of their own with its own runtime: a test may block, pause tokio's time or use no runtime at
/// all, and a benchmark can tell the sandbox's CPU time from its own.
pub struct Sandbox {
    running: Vec<Running>,
    clock: Arc<Clock>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Running {
    stage: Arc<Stage>,
    vendor: Arc<dyn Vendor>,
}

impl Sandbox {
    /// Starts all look-alikes on free loopback ports.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Chooses vendors and ports before starting.
    pub fn builder() -> Builder {
        Builder { vendors: None, ports: HashMap::new() }
    }

    /// The base address of a vendor's look-alike, such as `http://127.0.0.1:40321`, without a slash at the end.
    ///
    /// # Panics
    ///
    /// If that vendor was not started.
    pub fn url(&self, vendor: &str) -> String {
        match self.running.iter().find(|running| running.stage.name == vendor) {
            Some(running) => running.stage.url().to_owned(),
            None => panic!("the sandbox was started without {vendor}"),
        }
    }

    /// Name and base address of each running look-alike.
    pub fn urls(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.running.iter().map(|running| (running.stage.name, running.stage.url().to_owned()))
    }

    /// The time of all look-alikes.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How many exchanges each look-alike's recorder keeps; 0 switches recording off.
    pub fn keep(&self, exchanges: usize) {
        for running in &self.running {
            running.stage.recorder.keep(exchanges);
        }
    }

    /// Forgets faults, recorded requests and what vendors hold. Added accounts stay, emptied.
    pub fn reset(&self) {
        for Running { stage, vendor } in &self.running {
            control::reset(stage, vendor.as_ref());
        }
    }

    /// Closes all ports and connections, and waits until that is done.
    pub async fn shutdown(mut self) {
        // What is left to do once the thread has been told takes microseconds, so waiting may block.
        self.stop();
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread has been printed already, and there is nothing to add to it here.
            let _ = thread.join();
        }
    }

    /// A vendor's own handle.
    pub(crate) fn handle<T: Vendor>(&self, name: &str) -> &T {
        let handle = self.running.iter().find_map(|running| {
            let vendor: &dyn Any = running.vendor.as_ref();
            vendor.downcast_ref::<T>()
        });
        match handle {
            Some(handle) => handle,
            None => panic!("the sandbox was started without {name}"),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.urls()).finish()
    }
}

/// What to start, and where.
#[derive(Debug, Default)]
pub struct Builder {
    vendors: Option<Vec<String>>,
    ports: HashMap<String, u16>,
}

impl Builder {
    /// Starts only these vendors.
    #[must_use]
    pub fn vendors<V: Into<String>>(mut self, vendors: impl IntoIterator<Item = V>) -> Self {
        self.vendors = Some(vendors.into_iter().map(Into::into).collect());
        self
    }

    /// Gives a vendor a fixed port.
    #[must_use]
    pub fn port(mut self, vendor: impl Into<String>, port: u16) -> Self {
        self.ports.insert(vendor.into(), port);
        self
    }

    /// Starts them. Unknown vendors and taken ports are errors.
    pub async fn start(self) -> io::Result<Sandbox> {
        self.start_blocking()
    }

    /// Starts them from code that is not asynchronous. Takes well under a millisecond.
    pub fn start_blocking(self) -> io::Result<Sandbox> {
        let named = self.vendors.iter().flatten().chain(self.ports.keys());
        for name in named {
            if !VENDORS.iter().any(|vendor| vendor.name == name) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no vendor is called {name}")));
            }
        }
        let clock = Arc::new(Clock::new());
        let mut running = Vec::new();
        let mut listeners = Vec::new();
        for registration in VENDORS {
            let name = registration.name;
            if self.vendors.as_ref().is_some_and(|wanted| !wanted.iter().any(|vendor| vendor == name)) {
                continue;
            }
            let listener = server::bind(self.ports.get(name).copied().unwrap_or(0))?;
            let stage = Arc::new(Stage::new(name, clock.clone()));
            stage.url.get_or_init(|| format!("http://127.0.0.1:{}", listener.local_addr().map_or(0, |at| at.port())));
            let vendor = (registration.open)(stage.clone());
            listeners.push((listener, stage.clone(), vendor.clone()));
            running.push(Running { stage, vendor });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.block_on(async move {
                for (listener, stage, vendor) in listeners {
                    match tokio::net::TcpListener::from_std(listener) {
                        Ok(listener) => drop(tokio::spawn(server::serve(listener, stage, vendor))),
                        Err(error) => {
                            eprintln!("sandbox: {} cannot listen: {error}", stage.name)
                        }
                    }
                }
                // Either way it ends: told to stop, or the sender is gone with the sandbox.
                let _ = stopped.await;
            });
        })?;
        Ok(Sandbox { running, clock, stop: Some(stop), thread: Some(thread) })
    }
}
