//! [`HealthService`]: whether each integration works, as its last probe found.

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

use crate::{
    error::{Error, ErrorCode},
    model::{TenantId, Timestamp},
};

/// How an integration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthStatus {
    /// The vendor answered and accepted the credentials.
    Healthy,
    /// The vendor answered, but holds us back.
    Degraded,
    /// The vendor did not answer, or refused the credentials.
    Unhealthy,
    /// The tenant has no settings for it.
    NotConfigured,
    /// The tenant has switched it off.
    Disabled,
    /// There is nothing to ask; the message says why.
    NotApplicable,
    /// The actor may not ask; the message says why.
    Denied,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    /// Of which provider.
    pub provider: String,
    /// How it is.
    pub status: HealthStatus,
    /// When it was asked.
    pub checked_at: Timestamp,
    /// How long the answer took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The error code of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What went wrong, and how to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it last was healthy, as far as this process knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_at: Option<Timestamp>,
}

impl HealthReport {
    /// Of a provider that was not asked, and why.
    pub(crate) fn unasked(provider: &str, status: HealthStatus, at: Timestamp, why: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            status,
            checked_at: at,
            latency_ms: None,
            code: None,
            message: Some(why.to_owned()),
            healthy_at: None,
        }
    }
}

/// Remembers when each integration was last healthy.
#[derive(Default)]
pub struct HealthService {
    healthy: Mutex<HashMap<(TenantId, &'static str), Timestamp>>,
}

impl HealthService {
    /// Judges a probe.
    pub(crate) fn judge(
        &self,
        tenant: &TenantId,
        provider: &'static str,
        checked_at: Timestamp,
        latency_ms: u64,
        error: Option<&Error>,
    ) -> HealthReport {
        let status = match error.map(Error::code) {
            None => HealthStatus::Healthy,
            Some(ErrorCode::RateLimited) => HealthStatus::Degraded,
            Some(ErrorCode::NotConfigured) => HealthStatus::NotConfigured,
            Some(ErrorCode::IntegrationDisabled) => HealthStatus::Disabled,
            Some(_) => HealthStatus::Unhealthy,
        };
        let mut healthy = self.healthy.lock();
        if status == HealthStatus::Healthy {
            healthy.insert((tenant.clone(), provider), checked_at);
        }
        let asked = matches!(status, HealthStatus::Healthy | HealthStatus::Degraded | HealthStatus::Unhealthy);
        HealthReport {
            provider: provider.to_owned(),
            status,
            checked_at,
            latency_ms: asked.then_some(latency_ms),
            code: error.map(|error| error.code().name().to_owned()),
            message: error.map(|error| error.message().to_owned()),
            healthy_at: healthy.get(&(tenant.clone(), provider)).copied(),
        }
    }
}
