//! Sendgrid: nothing but its status so far.

mod config;
mod error;
mod status;

pub use config::SendgridConfig;
pub use status::{GetStatus, Status};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Where its API is.
const HOST: &str = "https://api.sendgrid.example";

/// Sendgrid.
#[derive(Debug)]
pub struct Sendgrid;

impl Provider for Sendgrid {
    type Config = SendgridConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "sendgrid",
        name: "Sendgrid",
        recipient: "Sendgrid",
        purpose: "tells whether it is up",
        hosts: &["api.sendgrid.example"],
        health: HealthProbe::Operation("getStatus"),
        quota: Quota { per_second: 10.0, burst: 20 },
        limits: &[],
        prices: &[],
        docs: "https://sendgrid.example",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![GetStatus]
    }

    fn authenticate(config: &SendgridConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
