//! Stripe: nothing but its status so far.

mod config;
mod error;
mod status;

pub use config::StripeConfig;
pub use status::{GetStatus, Status};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Where its API is.
const HOST: &str = "https://api.stripe.example";

/// Stripe.
#[derive(Debug)]
pub struct Stripe;

impl Provider for Stripe {
    type Config = StripeConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "stripe",
        name: "Stripe",
        recipient: "Stripe",
        purpose: "tells whether it is up",
        hosts: &["api.stripe.example"],
        health: HealthProbe::Operation("getStatus"),
        quota: Quota { per_second: 10.0, burst: 20 },
        limits: &[],
        prices: &[],
        docs: "https://stripe.example",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![GetStatus]
    }

    fn authenticate(config: &StripeConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
