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
mod subscriptions;
mod tokens;
mod usage;
mod webhooks;

pub use access::{AccessService, ApiKey, ApiKeyRequest, Grant, NewApiKey, role_has};
pub use audit::{AuditEntry, AuditFilter, AuditPage, AuditService, Event, State};
pub(crate) use audit::{CallRow, outcome_name};
pub use chain::{Broken, Verification, VerifiedStream, canonical_row, row_mac};
pub use configs::{ConfigChange, ConfigView, LiveConfig, TenantConfigService};
pub(crate) use configs::{missing as no_settings, view as config_view};
pub use consents::ConsentService;
pub use deliveries::DeliveryStatus;
pub use health::{HealthReport, HealthService, HealthStatus};
pub use idempotency::{Claim, IdempotencyService, Known, StepBook};
pub use key_sets::KeySetService;
pub(crate) use subscriptions::AT_ONCE;
pub use subscriptions::{Subscription, SubscriptionService};
pub use tokens::TokenService;
pub(crate) use tokens::Wish;
pub use usage::{Cost, Stats, StatsRow, UsageService};
pub use webhooks::{
    MAX_WEBHOOK, ReceivedEvent, WebhookEntry, WebhookFilter, WebhookHandler, WebhookPage, WebhookService, WebhookState,
};
