//! Microsoft 365: nothing but its status so far.

mod config;
mod error;
mod status;

pub use config::Microsoft365Config;
pub use status::{GetStatus, Status};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Where its API is.
const HOST: &str = "https://api.microsoft365.example";

/// Microsoft365.
#[derive(Debug)]
pub struct Microsoft365;

impl Provider for Microsoft365 {
    type Config = Microsoft365Config;

    const INFO: ProviderInfo = ProviderInfo {
        id: "microsoft365",
        name: "Microsoft 365",
        recipient: "Microsoft Corporation",
        purpose: "tells whether it is up",
        hosts: &["api.microsoft365.example"],
        health: HealthProbe::Operation("getStatus"),
        quota: Quota { per_second: 10.0, burst: 20 },
        limits: &[],
        prices: &[],
        docs: "https://microsoft365.example",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![GetStatus]
    }

    fn authenticate(config: &Microsoft365Config, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
