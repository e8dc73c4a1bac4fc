use std::{sync::Arc, time::Duration};

use sis_integrations::{IntegrationManager, manager::edge};

use crate::{engine::Engine, error::ManagerError, json};

/// The hub of one process: providers, storage and keys, for all its schools.
///
/// Works on threads of its own. Any thread and any event loop may call it, several at once.
#[derive(uniffi::Object)]
pub struct Manager {
    engine: Engine,
    manager: IntegrationManager,
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
        Ok(Arc::new(Self { engine, manager }))
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

    /// Lets no further call in, waits so long for those under way, and writes what is queued. Every later call answers
    /// `closed`.
    pub async fn close(&self, deadline_ms: u64) -> Result<(), ManagerError> {
        let manager = self.manager.clone();
        self.engine
            .run(async move { manager.close(Duration::from_millis(deadline_ms)).await })
            .await
            .map_err(Into::into)
    }
}

impl Manager {
    async fn dispatch(&self, function: String, request: String) -> Result<String, ManagerError> {
        let manager = self.manager.clone();
        let answer = self.engine.run(async move {
            let request = json::read("request", &request)?;
            edge::dispatch(&manager, &function, request).await.map(|answer| answer.to_string())
        });
        answer.await.map_err(Into::into)
    }
}
