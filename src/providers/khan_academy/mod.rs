//! KhanAcademy: nothing but its status so far.

mod config;
mod error;
mod status;

pub use config::KhanAcademyConfig;
pub use status::{GetStatus, Status};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Where its API is.
const HOST: &str = "https://api.khan-academy.example";

/// KhanAcademy.
#[derive(Debug)]
pub struct KhanAcademy;

impl Provider for KhanAcademy {
    type Config = KhanAcademyConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "khan_academy",
        name: "KhanAcademy",
        recipient: "KhanAcademy",
        purpose: "tells whether it is up",
        hosts: &["api.khan-academy.example"],
        health: HealthProbe::Operation("getStatus"),
        quota: Quota { per_second: 10.0, burst: 20 },
        limits: &[],
        prices: &[],
        docs: "https://khan-academy.example",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![GetStatus]
    }

    fn authenticate(config: &KhanAcademyConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
