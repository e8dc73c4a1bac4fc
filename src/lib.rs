//! Connects a School Information System (SIS) to the outside services a school uses, by one road: who is asking, may
//! they, are the arguments right, is the school within its limits, decrypt its credentials, write the audit record, call
//! the vendor, write the outcome.
//!
//! ```no_run
//! # use serde_json::json;
//! # use sis_integrations::providers::twilio::{AlertRecipient, Channel, SendEmergencyAlert, TwilioConfig};
//! # use sis_integrations::{Actor, IntegrationManager, MasterKey, Role, providers, storage::SqliteStorage};
//! # #[tokio::main]
//! # async fn main() -> sis_integrations::Result<()> {
//! # let (account_sid, auth_token, number) = ("AC", "token", "+15005550006".parse()?);
//! let manager = IntegrationManager::builder()
//!     .storage(SqliteStorage::open("sis.db").await?)
//!     .master_key(MasterKey::from_env()?) // INTEGRATION_ENCRYPTION_KEY
//!     .providers(providers::all())
//!     .build()
//!     .await?;
//!
//! let admin = Actor::new("u-1", Role::Admin);
//! let school = manager.tenant("tenant-123")?;
//! school.configure(&admin, TwilioConfig::new(account_sid, auth_token).from(number)).await?;
//!
//! // Typed …
//! let families = [AlertRecipient::new("+15551234567").name("John Doe")];
//! let alert = SendEmergencyAlert::new(families, "School is closed today.").channels([Channel::Sms, Channel::Voice]);
//! let report = school.call(&admin, alert).await?;
//!
//! // … or dynamic: the same road.
//! let reply = school.execute(&admin, "twilio", "sendSms", json!({ "to": "+15551234567", "body": "Hello" })).await?;
//! # Ok(()) }
//! ```
//!
//! Read [`IntegrationManager`] and [`Tenant`] first; [`Operation`](providers::Operation) to add one of your own;
//! [`Storage`](storage::Storage) to keep the records in a database of your own.

pub mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod manager;
pub mod model;
pub mod providers;
pub mod security;
pub mod services;
pub mod storage;
pub mod transport;

pub use error::{Error, ErrorCode, Result, Retry, VendorError};
pub use manager::{Durability, IntegrationManager, Reply, Tenant};
pub use model::*;
pub use security::MasterKey;
pub use services::{
    ApiKeyRequest, AuditFilter, ConfigChange, ConfigView, Grant, ReceivedEvent, WebhookFilter, WebhookHandler,
};
