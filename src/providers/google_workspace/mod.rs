//! Google Workspace: nothing but its status so far.

mod config;
mod define;
mod error;
mod status;

pub use config::GoogleWorkspaceConfig;
pub use status::{GetStatus, Status};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Where its API is.
const HOST: &str = "https://api.google-workspace.example";

/// GoogleWorkspace.
#[derive(Debug)]
pub struct GoogleWorkspace;

impl Provider for GoogleWorkspace {
    type Config = GoogleWorkspaceConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "google_workspace",
        name: "Google Workspace",
        recipient: "Google LLC",
        purpose: "tells whether it is up",
        hosts: &["api.google-workspace.example"],
        health: HealthProbe::Operation("getStatus"),
        quota: Quota { per_second: 10.0, burst: 20 },
        limits: &[],
        prices: &[],
        docs: "https://google-workspace.example",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![GetStatus]
    }

    fn authenticate(config: &GoogleWorkspaceConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}
