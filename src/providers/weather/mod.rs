//! Weather: nothing but its status so far.

mod config;
mod error;
mod status;

pub use config::WeatherConfig;
pub use status::{GetStatus, Status};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Where its API is.
const HOST: &str = "https://api.weather.example";

/// Weather.
#[derive(Debug)]
pub struct Weather;

impl Provider for Weather {
    type Config = WeatherConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "weather",
        name: "Weather",
        recipient: "Weather",
        purpose: "tells whether it is up",
        hosts: &["api.weather.example"],
        health: HealthProbe::Operation("getStatus"),
        quota: Quota { per_second: 10.0, burst: 20 },
        limits: &[],
        prices: &[],
        docs: "https://weather.example",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![GetStatus]
    }

    fn authenticate(config: &WeatherConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
