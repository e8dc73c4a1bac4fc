//! Whether the vendor is up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{HOST, Microsoft365};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Tells whether Microsoft365 is up and accepts the tenant's key.
///
/// ```
/// use sis_integrations::providers::microsoft365::GetStatus;
///
/// let status = GetStatus::new();
/// assert_eq!(serde_json::to_string(&status).unwrap(), "{}");
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetStatus {}

impl GetStatus {
    /// Asks for the status.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What Microsoft365 says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Status {
    /// In the vendor's words: `ok` when it is up.
    pub status: String,
    /// What else the vendor sent.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Operation for GetStatus {
    type Provider = Microsoft365;
    type Output = Status;

    const NAME: &'static str = "getStatus";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, Microsoft365>) -> Result<Status> {
        call.fetch(call.get(call.url(HOST, &["v1", "status"])?)).await
    }
}

#[cfg(test)]
mod tests {
    use sandbox::Sandbox;
    use serde_json::json;

    use super::super::Microsoft365Config;
    use super::*;
    use crate::{
        error::ErrorCode,
        manager::IntegrationManager,
        model::{Actor, Role},
        security::MasterKey,
        storage::MemoryStorage,
    };

    #[tokio::test]
    async fn the_sandbox_answers() {
        let sandbox = Sandbox::start().await.unwrap();
        let manager = IntegrationManager::builder()
            .storage(MemoryStorage::new())
            .master_key(MasterKey::random())
            .provider(Microsoft365)
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let school = manager.tenant("tenant-1").unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let config = Microsoft365Config::new(sandbox::microsoft365::API_KEY)
            .base_url(sandbox.url("microsoft365").parse().unwrap());
        school.configure(&admin, config).await.unwrap();

        let status = school.call(&admin, GetStatus::new()).await.unwrap();
        assert_eq!(status.output.status, "ok");
        let dynamic = school.execute(&admin, "microsoft365", "getStatus", json!({})).await.unwrap();
        assert_eq!(dynamic.output["status"], "ok");
        let error = school.execute(&admin, "microsoft365", "getStatus", json!({ "x": 1 })).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("x")));

        let config = Microsoft365Config::new("another key").base_url(sandbox.url("microsoft365").parse().unwrap());
        school.configure(&admin, config).await.unwrap();
        let error = school.call(&admin, GetStatus::new()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    }
}
