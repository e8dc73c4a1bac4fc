//! Twilio: SMS, MMS, WhatsApp, voice, look-ups and emergency alerts.

mod config;

pub use config::TwilioConfig;

use crate::{
    error::{Error, ErrorCode, Result},
    operations,
    providers::{HealthProbe, OperationSpec, Provider, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Twilio.
#[derive(Debug)]
pub struct Twilio;

impl Provider for Twilio {
    type Config = TwilioConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "twilio",
        name: "Twilio",
        recipient: "Twilio Inc.",
        purpose: "delivers messages and calls on the school's behalf",
        hosts: &["api.twilio.com"],
        health: HealthProbe::Operation("getBalance"),
        quota: Quota { per_second: 100.0, burst: 200 },
        limits: &[],
        prices: &[],
        docs: "https://www.twilio.com/docs",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![]
    }

    fn authenticate(_config: &TwilioConfig, _request: &mut Request) -> Result<()> {
        Ok(())
    }

    fn parse_error(status: u16, _headers: &Headers, _body: &[u8]) -> Error {
        Error::new(ErrorCode::Vendor, format!("Twilio answered {status}"))
    }
}
