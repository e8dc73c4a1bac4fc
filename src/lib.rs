//! Connects a School Information System to the outside services a school uses.

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
pub use services::{ApiKeyRequest, AuditFilter, ConfigChange, ConfigView, Grant};
