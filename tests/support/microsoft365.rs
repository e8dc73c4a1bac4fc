//! A school with Microsoft 365, and how its tests ask it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of this")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use sandbox::{
    Fault, Rule, Sandbox,
    microsoft365::{CLIENT_ID, CLIENT_SECRET, Microsoft365 as Graph, REFRESH_TOKEN, TEACHER_ID, TENANT_ID},
};
use serde_json::Value;
use sis_integrations::{
    Actor, Clock, Error, Executor, IntegrationManager, MasterKey, Role, Runtime, Tenant, Timestamp,
    providers::{
        Quota,
        microsoft365::{Microsoft365, Microsoft365Config},
    },
    storage::MemoryStorage,
};

pub struct School {
    pub sandbox: Sandbox,
    _manager: IntegrationManager,
    pub tenant: Tenant,
    pub admin: Actor,
}

impl School {
    /// With the application's credentials, the teacher's consent, and the teacher as the user that is meant.
    pub async fn open() -> Self {
        Self::with(|config| config.client_secret(CLIENT_SECRET).refresh_token(REFRESH_TOKEN).user(TEACHER_ID)).await
    }

    /// The same where half a minute is a second.
    pub async fn swift() -> (Self, Swift) {
        let swift = Swift { real: Runtime::current(), begun: Runtime::current().now(), skipped: Arc::default() };
        let all = |config: Microsoft365Config| {
            config.client_secret(CLIENT_SECRET).refresh_token(REFRESH_TOKEN).user(TEACHER_ID)
        };
        (Self::living(all, Runtime::new(swift.clone(), swift.clone())).await, swift)
    }

    pub async fn with(change: impl FnOnce(Microsoft365Config) -> Microsoft365Config) -> Self {
        Self::living(change, Runtime::current()).await
    }

    async fn living(change: impl FnOnce(Microsoft365Config) -> Microsoft365Config, runtime: Runtime) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let manager = IntegrationManager::builder()
            .runtime(runtime)
            .storage(MemoryStorage::new())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .provider(Microsoft365)
            .quota("microsoft365", Quota { per_second: 0.0, burst: 0 })
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        let school = Self { sandbox, _manager: manager, tenant, admin };
        school.configure(change).await;
        school
    }

    pub async fn configure(&self, change: impl FnOnce(Microsoft365Config) -> Microsoft365Config) {
        let config = Microsoft365Config::new(TENANT_ID, CLIENT_ID);
        let config = config.base_url(self.sandbox.url("microsoft365").parse().unwrap());
        self.tenant.configure(&self.admin, change(config)).await.unwrap();
    }

    pub fn graph(&self) -> &Graph {
        self.sandbox.microsoft365()
    }

    /// The next request of this method with `part` in its path goes wrong.
    pub fn break_next(&self, method: &str, part: &str, fault: Fault) {
        self.graph().faults().add(Rule::next(1, fault).method(method).path(part));
    }

    /// How many requests of this method had a path that ends so.
    pub fn sent(&self, method: &str, end: &str) -> usize {
        let requests = self.graph().requests();
        requests.iter().filter(|request| request.method == method && request.path.ends_with(end)).count()
    }

    /// Runs it by name, and answers the JSON.
    pub async fn ask(&self, operation: &str, arguments: Value) -> Value {
        match self.tenant.execute(&self.admin, "microsoft365", operation, arguments).await {
            Ok(reply) => reply.output,
            Err(error) => panic!("{operation}: {error} {:?}", error.vendor()),
        }
    }

    pub async fn refuse(&self, operation: &str, arguments: Value) -> Error {
        match self.tenant.execute(&self.admin, "microsoft365", operation, arguments).await {
            Ok(reply) => panic!("{operation} was not refused: {}", reply.output),
            Err(error) => error,
        }
    }

    /// How many are in a group.
    pub async fn members(&self, group: &str) -> usize {
        let members = self.ask("listGroupMembers", serde_json::json!({ "groupId": group })).await;
        members["items"].as_array().unwrap().len()
    }

    /// Runs it under an idempotency key.
    pub async fn keyed(&self, key: &str, operation: &str, arguments: &Value) -> Result<Value, Error> {
        let request = self.tenant.request(&self.admin).idempotency_key(key);
        request.execute("microsoft365", operation, arguments.clone()).await.map(|reply| reply.output)
    }

    /// Runs it, made to fail as `fault` says, then again under the same key: answers the failure and the success.
    pub async fn resumed(
        &self,
        operation: &str,
        arguments: Value,
        at: (&str, &str),
        faults: &[Fault],
    ) -> (Error, Value) {
        for fault in faults {
            self.break_next(at.0, at.1, fault.clone());
        }
        let failed = match self.keyed("k-1", operation, &arguments).await {
            Err(error) => error,
            Ok(output) => panic!("{operation} was to fail at {} {}: {output}", at.0, at.1),
        };
        self.graph().faults().clear();
        match self.keyed("k-1", operation, &arguments).await {
            Ok(output) => (failed, output),
            Err(error) => panic!("{operation} was not resumed after {failed}: {error} {:?}", error.vendor()),
        }
    }
}

/// Time that runs thirty times as fast as ours, and can be skipped.
#[derive(Clone)]
pub struct Swift {
    real: Runtime,
    begun: Timestamp,
    skipped: Arc<AtomicU64>,
}

impl Swift {
    const PACE: u32 = 30;

    pub fn skip(&self, minutes: u64) {
        self.skipped.fetch_add(minutes * 60, Ordering::SeqCst);
    }
}

impl Clock for Swift {
    fn now(&self) -> Timestamp {
        self.begun.after(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        let skipped = Duration::from_secs(self.skipped.load(Ordering::SeqCst));
        self.real.now().since(self.begun) * Self::PACE + skipped
    }
}

impl Executor for Swift {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.real.spawn(task);
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.real.sleep(wait / Self::PACE)
    }
}

/// The id of what was made.
pub fn id(output: &Value) -> String {
    output["id"].as_str().unwrap_or_else(|| panic!("no id in {output}")).to_owned()
}
