//! What each function of the edge is asked with.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    manager::{ConsentAnswer, ConsentRequest},
    model::{Actor, Disclosure, Secret, Timestamp},
    services::{ApiKeyRequest, AuditFilter, Grant, WebhookFilter},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Execute {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) provider: String,
    pub(super) operation: String,
    #[serde(default)]
    pub(super) arguments: Value,
    #[serde(default)]
    pub(super) idempotency_key: Option<String>,
    #[serde(default)]
    pub(super) disclosure: Disclosure,
    #[serde(default)]
    pub(super) deadline_ms: Option<u64>,
    #[serde(default)]
    pub(super) wait: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Configure {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) provider: String,
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) config: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) expected_version: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SetPermissions {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) user_id: String,
    pub(super) provider: String,
    pub(super) permissions: Grant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GetPermissions {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) user_id: String,
    pub(super) provider: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OfTenant {
    pub(super) tenant: String,
    pub(super) actor: Actor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OfProvider {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) provider: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    #[serde(default)]
    pub(super) filter: AuditFilter,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Period {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    #[serde(default)]
    pub(super) from: Option<Timestamp>,
    #[serde(default)]
    pub(super) to: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateApiKey {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) api_key: ApiKeyRequest,
}

/// A webhook as the host received it: the body as text where it is UTF-8, else as base64, to the byte.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReceiveWebhook {
    pub(super) provider: String,
    pub(super) url: url::Url,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) body_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhooks {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    #[serde(default)]
    pub(super) filter: WebhookFilter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfId {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OfMessage {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) provider: String,
    pub(super) message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BeginConsent {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) provider: String,
    pub(super) consent: ConsentRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CompleteConsent {
    pub(super) tenant: String,
    pub(super) actor: Actor,
    pub(super) provider: String,
    pub(super) answer: ConsentAnswer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderId {
    pub(super) provider: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShownKey {
    pub(super) key: Secret<String>,
}

/// For functions that are asked for nothing but their answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}
