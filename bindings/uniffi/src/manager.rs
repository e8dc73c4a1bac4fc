use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use sis_integrations::{Error, IntegrationManager, Result, manager::edge};
use sis_integrations_fork::OfProcess;

use crate::{
    engine::{Begun, Engine, Running},
    error::ManagerError,
    json,
};

/// A longer request is read on the library's threads, so that a foreign event loop does not stand still for it.
const SHORT_REQUEST: usize = 64 * 1024;

/// What looks at a few rows at most, however many a school has. Everything else is done on the library's threads, also
/// where the storage never waits: a chain that is verified in memory takes its time too.
const AT_ONCE: &[&str] =
    &["execute", "configure", "config", "setPermissions", "permissions", "authenticateApiKey", "webhookRoute", "ready"];

/// The hub of one process: providers, storage and keys, for all its schools.
///
/// Works on threads of its own. Any thread and any event loop may call it, several at once.
#[derive(uniffi::Object)]
pub struct Manager {
    engine: Engine,
    manager: OfProcess<IntegrationManager>,
}

#[uniffi::export]
impl Manager {
    /// Opens a manager from its options, a JSON object: `storage`, `masterKey`, `durability`,
    /// `allowPrivateAddresses`, `configDefaults`, `actorQuota`, `maxDatabaseBytes`, `busyTimeoutMs`.
    #[uniffi::constructor]
    pub async fn open(options: String) -> Result<Arc<Self>, ManagerError> {
        let options = json::read("options", &options)?;
        let engine = Engine::start()?;
        let manager = engine.run(edge::open(options)).await?;
        Ok(Arc::new(Self { engine, manager: OfProcess::new(manager) }))
    }

    /// Changes what a school tells about a provider: its credentials and settings, and whether it is switched on.
    pub async fn configure(&self, request: String) -> Result<String, ManagerError> {
        self.dispatch("configure".to_owned(), request).await
    }

    /// Sets what a user may do with a provider, beyond what their role allows.
    pub async fn grant(&self, request: String) -> Result<String, ManagerError> {
        self.dispatch("setPermissions".to_owned(), request).await
    }

    /// Runs one operation of a provider. Answers `{"requestId", "output", "replayed"}`.
    ///
    /// A caller that goes away before anything was sent ends the call as `cancelled`; after that it goes on to its end,
    /// and what came of it is recorded.
    pub async fn execute(&self, request: String) -> Result<String, ManagerError> {
        self.dispatch("execute".to_owned(), request).await
    }

    /// Calls any function of the manager by its name, with a request as the REST API names it.
    pub async fn call(&self, function: String, request: String) -> Result<String, ManagerError> {
        self.dispatch(function, request).await
    }

    /// As [`call`](Self::call), for a binding whose event loop is dear to wake: a short request that
    /// looks at a few rows, and needs no waiting, is answered at once. Takes `{"function", "request"}` as one text, for
    /// each text that crosses costs microseconds in Python.
    #[allow(clippy::result_large_err, reason = "uniffi takes errors by value")]
    pub fn begin(&self, call: String) -> Result<BegunCall, ManagerError> {
        let manager = IntegrationManager::clone(&self.manager);
        let begun = if call.len() > SHORT_REQUEST {
            Begun::Running(
                self.engine
                    .spawn(async move { json::read::<FunctionCall>("request", &call)?.answer(manager).await })?,
            )
        } else {
            let call: FunctionCall = json::read("request", &call)?;
            if AT_ONCE.contains(&call.function.as_str()) {
                self.engine.begin(call.answer(manager))?
            } else {
                Begun::Running(self.engine.spawn(call.answer(manager))?)
            }
        };
        Ok(match begun {
            Begun::Answered(answer) => BegunCall::Answered { answer },
            Begun::Running(running) => BegunCall::Running { call: Arc::new(RunningCall(Mutex::new(Some(running)))) },
        })
    }

    /// Lets no further call in, waits so long for those under way, and writes what is queued. Every later call answers
    /// `closed`.
    pub async fn close(&self, deadline_ms: u64) -> Result<(), ManagerError> {
        let manager = IntegrationManager::clone(&self.manager);
        self.engine
            .run(async move { manager.close(Duration::from_millis(deadline_ms)).await })
            .await
            .map_err(Into::into)
    }
}

impl Manager {
    async fn dispatch(&self, function: String, request: String) -> Result<String, ManagerError> {
        let manager = IntegrationManager::clone(&self.manager);
        let answer = self.engine.run(async move {
            FunctionCall { request: json::read("request", &request)?, function }.answer(manager).await
        });
        Ok(answer.await?)
    }
}

#[derive(serde::Deserialize)]
struct FunctionCall {
    function: String,
    request: serde_json::Value,
}

impl FunctionCall {
    async fn answer(self, manager: IntegrationManager) -> Result<String> {
        edge::dispatch(&manager, &self.function, self.request).await.map(|answer| answer.to_string())
    }
}

/// What [`Manager::begin`] came to.
#[derive(uniffi::Enum)]
pub enum BegunCall {
    /// The call is over.
    Answered {
        /// What it answers, as JSON.
        answer: String,
    },
    /// The call waits for something.
    Running {
        /// To wait for it. Whoever lets go of it before the end goes away from the call.
        call: Arc<RunningCall>,
    },
}

/// A call under way.
#[derive(uniffi::Object)]
pub struct RunningCall(Mutex<Option<Running<String>>>);

#[uniffi::export]
impl RunningCall {
    /// Waits for the call's end, once.
    pub async fn answer(&self) -> Result<String, ManagerError> {
        let running = self.0.lock().take();
        let running = running.ok_or_else(|| Error::internal("a call's answer is taken once"))?;
        Ok(running.end().await?)
    }
}
