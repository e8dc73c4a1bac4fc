//! Connects a School Information System to the outside services a school uses.

pub mod error;
pub mod model;
pub mod providers;
pub mod security;
pub mod storage;
pub mod transport;

pub use error::{Error, ErrorCode, Result, Retry, VendorError};
pub use model::*;
pub use security::MasterKey;
