//! The manager: its own runtime, and one way in for every function of the edge.

use std::{
    future::Future,
    sync::{Arc, mpsc},
    time::Duration,
};

use serde_json::Value;
use sis_integrations::{
    Error, ErrorCode, IntegrationManager, Result, Runtime,
    manager::edge::{self, FUNCTIONS},
};
use sis_integrations_fork::OfProcess;

use crate::{
    bytes::{sis_bytes, sis_str},
    error::sis_error,
    ffi::{Opaque, Out, Shared, fallible, give_share, infallible, share, take_share},
    status::sis_status,
};

/// The hub of one process: providers, storage and keys, for all its schools.
///
/// Made by `sis_manager_open`, ended by `sis_manager_close` and then `sis_manager_free`. It works on threads of its
/// own. Any thread may call it, several at once, also threads that belong to an event loop: each call blocks only the
/// thread it came from.
pub struct sis_manager {
    _opaque: [u8; 0],
}

impl Opaque for sis_manager {
    type Ownership = Shared;
    type Inside = Open;
}

/// An open manager on its runtime. The manager is dropped first: what it drops may wake tasks of the runtime.
pub(crate) struct Open {
    manager: OfProcess<IntegrationManager>,
    engine: Engine,
}

impl Open {
    fn start(options: Value) -> Result<Self> {
        let engine = Engine::start()?;
        let manager = engine.run(edge::open(options))?;
        Ok(Self { manager: OfProcess::new(manager), engine })
    }

    fn call(&self, function: &'static str, request: Value) -> Result<Value> {
        self.engine.run(edge::dispatch(&self.manager, function, request))
    }

    fn close(&self, deadline: Duration) -> Result<()> {
        self.engine.run(self.manager.close(deadline))
    }
}

/// A runtime of the handle's own. The thread that calls does the first part of the work itself, which saves it two
/// changes of thread, and waits for the rest; it may be anything, even a worker of another runtime.
struct Engine {
    runtime: Option<tokio::runtime::Runtime>,
    process: u32,
}

impl Engine {
    fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("sis-integrations")
            .enable_all()
            .build()
            .map_err(|error| Error::internal("threads cannot be started").with_source(error))?;
        Ok(Self { runtime: Some(runtime), process: std::process::id() })
    }

    fn run<T>(&self, task: impl Future<Output = Result<T>>) -> Result<T> {
        if self.forked() {
            // The threads stayed with the parent: to wait for them would be to wait for ever.
            return Err(Error::new(ErrorCode::Closed, "the manager was opened before fork: open one in this process"));
        }
        let Some(runtime) = &self.runtime else { return Err(Error::new(ErrorCode::Closed, "the manager is closed")) };
        let _timers_and_tasks = runtime.enter();
        // Not the runtime's own way to wait, which panics on a worker of another runtime.
        pollster::block_on(task)
    }

    fn forked(&self) -> bool {
        self.process != std::process::id()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.forked() {
            // There are no threads to stop, and to wait for them would be to wait for ever.
            std::mem::forget(runtime);
            return;
        }
        // A runtime may not be stopped by a thread that belongs to one, and the caller's may.
        let (send, runtime_of_thread) = mpsc::sync_channel::<tokio::runtime::Runtime>(1);
        let stop = move || {
            if let Ok(runtime) = runtime_of_thread.recv() {
                runtime.shutdown_timeout(Duration::from_secs(5));
            }
        };
        match Runtime::thread("sis-integrations-stop", stop) {
            Ok(thread) => {
                // The thread is waiting for it, and it has nothing to say but that it is done.
                let _ = send.send(runtime);
                let _ = thread.join();
            }
            Err(_) => runtime.shutdown_background(),
        }
    }
}

/// Opens a manager.
///
/// `options` is a JSON object: `storage` (`memory`, or `sqlite:` and a path; default `sqlite:sis.db`), `masterKey`
/// (default: what the environment variable INTEGRATION_ENCRYPTION_KEY holds), `durability` (`strict`, the default, or
/// `relaxed`), `journal` (where an emergency is recorded while the storage cannot be written: the beginning of paths, by
/// default beside the SQLite file), `allowPrivateAddresses`, `configDefaults`,
/// `configDefaultsFromEnv` (the variables that each provider's page lists), `actorQuota` (`perSecond`, `burst`), and
/// for SQLite `maxDatabaseBytes`, `busyTimeoutMs`. It is borrowed for the call.
///
/// On SIS_STATUS_OK `*manager` is set and belongs to the caller, who ends it with `sis_manager_close` and
/// `sis_manager_free`. Otherwise `*manager` is untouched and `*error`, unless `error` is NULL, is set; release it with
/// `sis_error_free`. May be called from any thread.
///
/// Errors: `invalid_argument`, `weak_master_key`, `wrong_master_key`, `storage_unavailable`, `storage_full`,
/// `storage_corrupt`.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_open(
    options: sis_str,
    manager: *mut *mut sis_manager,
    error: *mut *mut sis_error,
) -> sis_status {
    fallible(error, || {
        // SAFETY: documented: NULL or writable, and readable for the call.
        let (manager, options) = unsafe { (Out::new(manager, "manager")?, options.json("options")?) };
        manager.write(give_share(Open::start(options)?));
        Ok(())
    })
}

/// Calls `function` of the manager, with everything checked before it is called.
fn call(
    manager: *const sis_manager,
    function: impl FnOnce() -> Result<&'static str>,
    request: sis_str,
    result: *mut sis_bytes,
    error: *mut *mut sis_error,
) -> sis_status {
    fallible(error, || {
        // SAFETY: documented: a manager that is not released yet, a place to write to, and text readable for the call.
        let (manager, result) = unsafe { (share(manager, "manager")?, Out::new(result, "result")?) };
        let function = function()?;
        // SAFETY: as above.
        let request = unsafe { request.json("request") }?;
        result.write(sis_bytes::json(&manager.call(function, request)?));
        Ok(())
    })
}

/// Sets what a school tells about a provider: its credentials and settings, and whether it is switched on.
///
/// `request` is a JSON object: `tenant`, `actor` (`{"id", "role"}`), `provider`, and `config`, `enabled`,
/// `expectedVersion` where wanted. `manager` and `request` are borrowed for the call.
///
/// On SIS_STATUS_OK `*result` is set to the stored record as JSON, secrets masked; release it with `sis_bytes_free`.
/// Otherwise `*result` is untouched and `*error`, unless `error` is NULL, is set; release it with `sis_error_free`. May
/// be called from any thread, also while other calls run.
///
/// Errors, among others (docs/errors.md): `invalid_argument`, `permission_denied`, `unauthenticated` for an actor whose
/// credentials have ended, `unknown_provider`, `conflict` when somebody else was faster, `outbound_forbidden` for a
/// `base_url` that is not allowed, `decrypt_failed` for stored secrets that cannot be read, `closed`, and those of the
/// storage.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_configure(
    manager: *const sis_manager,
    request: sis_str,
    result: *mut sis_bytes,
    error: *mut *mut sis_error,
) -> sis_status {
    call(manager, || Ok("configure"), request, result, error)
}

/// Sets what a user may do with a provider, beyond what their role allows.
///
/// `request` is a JSON object: `tenant`, `actor`, `userId`, `provider`, `permissions` (`role`, `allow`, `deny`,
/// `expiresAt`). `manager` and `request` are borrowed for the call.
///
/// On SIS_STATUS_OK `*result` is set to the stored grant as JSON; release it with `sis_bytes_free`. Otherwise `*result`
/// is untouched and `*error`, unless `error` is NULL, is set; release it with `sis_error_free`. May be called from any
/// thread, also while other calls run.
///
/// Errors, among others (docs/errors.md): `invalid_argument`, `permission_denied`, `unauthenticated` for an actor whose
/// credentials have ended, `unknown_provider`, `conflict` when somebody else was faster, `decrypt_failed` for stored
/// secrets that cannot be read, `closed`, and those of the storage.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_grant(
    manager: *const sis_manager,
    request: sis_str,
    result: *mut sis_bytes,
    error: *mut *mut sis_error,
) -> sis_status {
    call(manager, || Ok("setPermissions"), request, result, error)
}

/// Runs one operation of a provider and waits for its result.
///
/// `request` is a JSON object: `tenant`, `actor`, `provider`, `operation`, `arguments`, and `idempotencyKey`,
/// `disclosure`, `deadlineMs`, `wait` where wanted. `manager` and `request` are borrowed for the call.
///
/// With an idempotency key it happens once: repeated within 24 hours it gets the first answer again, `replayed`. After
/// `outcome_unknown` the key is kept for 30 days, and the same call goes on where it can. `deadlineMs` is more than
/// nothing and at most an hour; default: the operation's own.
///
/// On SIS_STATUS_OK `*result` is set to `{"requestId", "output", "replayed"}`; release it with `sis_bytes_free`.
/// Otherwise `*result` is untouched and `*error`, unless `error` is NULL, is set; release it with `sis_error_free`. May
/// be called from any thread, also while other calls run.
///
/// Errors: any. After `outcome_unknown` it may have happened: look before you repeat.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_execute(
    manager: *const sis_manager,
    request: sis_str,
    result: *mut sis_bytes,
    error: *mut *mut sis_error,
) -> sis_status {
    call(manager, || Ok("execute"), request, result, error)
}

/// Calls any function of the manager by its name.
///
/// `request` is a JSON object with `tenant`, `actor` and what else the function needs; names are those of the REST API:
///
/// - `execute`, `configure`, `setPermissions`: the same as the functions of their own.
/// - `config`, `health`, `webhookRoute`: `provider`. `configs`, `healthAll`, `subscriptions`, `verifyAudit`, `apiKeys`:
///   nothing else.
/// - `permissions`: `userId`, `provider`. `stats`: `from`, `to` where wanted. `audit`, `webhooks`: `filter` where wanted.
/// - `createApiKey`: `apiKey`. `revokeApiKey`, `replayWebhook`: `id`. `delivery`: `provider`, `messageId`.
/// - `beginConsent`: `provider`, `consent`. `completeConsent`: `provider`, `answer`.
///
/// These belong to the process, and take neither `tenant` nor `actor`:
///
/// - `receiveWebhook`: `provider`, `url`, `headers`, and `body` or `bodyBase64`. `authenticateApiKey`: `key`.
/// - `provider`: `provider`. `providers`, `ready`, `renewSubscriptions`, `mergeJournal` and
///   `deleteExpired`: `{}`.
///
/// `manager`, `function` and `request` are borrowed for the call.
///
/// On SIS_STATUS_OK `*result` is set to the answer as JSON; release it with `sis_bytes_free`. Otherwise `*result` is
/// untouched and `*error`, unless `error` is NULL, is set; release it with `sis_error_free`. May be called from any
/// thread, also while other calls run.
///
/// Errors: `not_found` for a function that there is not; else those of the function.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_call(
    manager: *const sis_manager,
    function: sis_str,
    request: sis_str,
    result: *mut sis_bytes,
    error: *mut *mut sis_error,
) -> sis_status {
    let named = || {
        // SAFETY: documented: readable for the call.
        let name = unsafe { function.read("function") }?;
        FUNCTIONS.iter().copied().find(|known| *known == name).ok_or_else(|| {
            Error::new(ErrorCode::NotFound, format!("there is no such function; there are {}", FUNCTIONS.join(", ")))
        })
    };
    call(manager, named, request, result, error)
}

/// Closes a manager: lets no further call in, waits up to `deadline_ms` milliseconds for those under way, and writes
/// what is queued. Every later call answers `closed`. The manager stays to be released with `sis_manager_free`. 30000 is
/// what the other languages wait by default.
///
/// On SIS_STATUS_OK nothing is left to do. Otherwise `*error`, unless `error` is NULL, is set; release it with
/// `sis_error_free`. May be called from any thread, also while calls run.
///
/// Errors: `timeout` when calls were still under way at the deadline: they are on record, as `outcome_unknown`; `closed`
/// when the manager was closed before, and nothing is done; those of the storage.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_close(
    manager: *const sis_manager,
    deadline_ms: u64,
    error: *mut *mut sis_error,
) -> sis_status {
    fallible(error, || {
        // SAFETY: documented: a manager that is not released yet.
        let manager = unsafe { share(manager, "manager") }?;
        manager.close(Duration::from_millis(deadline_ms))
    })
}

/// Releases a manager. NULL is left alone.
///
/// Calls that other threads are in end as they would have, and the last of them releases the manager in truth. No
/// further call may begin with this pointer. Close first: a manager that is released alone stops at once, as in a crash,
/// and what was under way is found as `outcome_unknown` by whoever opens the storage next.
#[unsafe(no_mangle)]
pub extern "C" fn sis_manager_free(manager: *mut sis_manager) {
    // SAFETY: NULL or a manager of the caller's, who gives up their share here.
    infallible((), || drop::<Option<Arc<Open>>>(unsafe { take_share(manager) }));
}
