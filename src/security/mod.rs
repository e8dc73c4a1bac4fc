//! Keys and ciphers: what keeps one school's secrets from every other, and from whoever holds the database file.

mod card_text;
mod cards;
mod cipher;
mod keys;
mod limits;
mod master;
mod service;

pub use cards::refuse_card_data;
pub use cipher::{Binding, CipherKey, Envelope};
pub use keys::{KeyProvider, LocalKeys};
pub use limits::{Limiter, Throttled};
pub use master::MasterKey;
pub use service::{SecurityService, TenantKeys};
