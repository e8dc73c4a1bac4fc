//! What the road calls at its stations: one service each.

mod access;
mod audit;
mod chain;
mod configs;
mod consents;
mod deliveries;
mod health;
mod idempotency;
mod key_sets;
mod spill;
mod subscriptions;
mod tokens;
mod trail;
mod usage;
mod webhooks;

use std::time::Duration;

use crate::{
    error::{Error, ErrorCode, Result},
    model::Runtime,
};

/// How long the storage may take before an emergency goes on without it.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is read from the storage; an emergency waits only so long for it.
pub(crate) async fn patiently<T>(
    runtime: &Runtime,
    urgent: bool,
    reading: impl Future<Output = Result<T>>,
) -> Result<T> {
    if !urgent {
        return reading.await;
    }
    let slow = || Err(Error::new(ErrorCode::StorageUnavailable, "the storage does not answer"));
    runtime.timeout(PATIENCE, reading).await.unwrap_or_else(slow)
}

pub use access::{AccessService, ApiKey, ApiKeyRequest, Grant, NewApiKey, role_has};
pub use audit::{AuditService, Event};
pub(crate) use audit::{CallRow, outcome_name, refusal_detail};
pub use chain::{Broken, Verification, VerifiedStream, canonical_row, row_mac};
pub use configs::{ConfigChange, ConfigView, LiveConfig, TenantConfigService};
pub(crate) use configs::{missing as no_settings, view as config_view};
pub use consents::ConsentService;
pub use deliveries::DeliveryStatus;
pub use health::{HealthReport, HealthService, HealthStatus};
pub(crate) use idempotency::still_under_way;
pub use idempotency::{Claim, IdempotencyService, Known, StepBook};
pub use key_sets::KeySetService;
pub(crate) use spill::Spill;
pub(crate) use subscriptions::AT_ONCE;
pub use subscriptions::{Subscription, SubscriptionService};
pub use tokens::TokenService;
pub(crate) use tokens::Wish;
pub use trail::{AuditEntry, AuditFilter, AuditPage, State};
pub use usage::{Cost, Stats, StatsRow, UsageService};
pub use webhooks::{
    MAX_WEBHOOK, ReceivedEvent, WebhookEntry, WebhookFilter, WebhookHandler, WebhookPage, WebhookService, WebhookState,
};
