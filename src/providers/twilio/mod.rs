//! Twilio: SMS, MMS, WhatsApp, voice, look-ups and emergency alerts.

mod account;
mod alert;
mod batch;
mod bulk;
mod call_history;
mod calls;
mod config;
mod content;
mod deliver;
mod error;
mod event;
#[cfg(test)]
mod event_tests;
mod history;
mod lookup;
mod messages;
mod segments;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod twiml;
mod webhook;
mod wire;

pub use account::{Balance, GetBalance, GetUsage, UsagePage, UsageRecord};
pub use alert::{AlertRecipient, AlertReport, AlertType, SendEmergencyAlert};
pub use batch::{Channel, ChannelResult, DeliveryError, DeliveryState, RecipientResult};
pub use bulk::{BulkMessage, BulkReport, SendBulkSms};
pub use call_history::{CallPage, EndCall, GetCall, ListCalls};
pub use calls::{MakeCall, PhoneCall};
pub use config::TwilioConfig;
pub use content::{GetTemplate, ListTemplates, Template, TemplatePage};
pub use event::{CallReport, InboundMedia, InboundMessage, MessageReport, TwilioEvent};
pub use history::{DeleteMessage, Deleted, GetMessage, ListMessages, MessagePage, RedactMessage};
pub use lookup::{CountryPrices, GetPricing, LookupPhoneNumber, NumberInfo, PriceKind};
pub use messages::{Message, SendMms, SendSms, SendWhatsApp};
pub use segments::segments;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, Incoming, Limit, OperationSpec, Price, Provider, ProviderInfo, Quota, Webhook},
    transport::{Headers, Request},
};

/// The 2010 API, which most of Twilio still is.
const API: &str = "https://api.twilio.com";
/// Its version, the first part of every path.
const VERSION: &str = "2010-04-01";
/// Limits and prices come from our notes on Twilio, which nobody has yet compared with the page named here.
macro_rules! noted {
    ($page:literal) => {
        concat!("comms-payments notes, not yet confirmed at ", $page)
    };
}

/// When the notes on limits and prices were read.
const READ: &str = "2026-11-24";

/// What things cost, in millionths of a US dollar: for estimates, without carriers' and Meta's fees.
mod prices {
    pub(super) const CURRENCY: &str = "USD";
    pub(super) const SMS: i64 = 8_300;
    pub(super) const MMS: i64 = 22_000;
    pub(super) const VOICE: i64 = 14_000;
    pub(super) const WHATSAPP: i64 = 5_000;
}

const fn limit(what: &'static str, limit: &'static str, source: &'static str) -> Limit {
    Limit { what, limit, source, date: READ }
}

const fn price(unit: &'static str, micros: i64, source: &'static str) -> Price {
    Price { unit, micros, currency: prices::CURRENCY, source, date: READ }
}

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
        hosts: &[
            "api.twilio.com",
            "content.twilio.com",
            "lookups.twilio.com",
            "pricing.twilio.com",
            "messaging.twilio.com",
        ],
        health: HealthProbe::Operation("getBalance"),
        quota: Quota { per_second: 100.0, burst: 200 },
        limits: &[
            limit(
                "SMS from a US long code",
                "1 segment a second; more by A2P 10DLC campaign",
                noted!("https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency"),
            ),
            limit(
                "SMS from a toll-free number",
                "3 segments a second",
                noted!("https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency"),
            ),
            limit(
                "SMS from a short code",
                "100 segments a second",
                noted!("https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency"),
            ),
            limit(
                "Time in a sender's queue",
                "4 hours, then error 30001",
                noted!("https://www.twilio.com/docs/api/errors/30001"),
            ),
            limit(
                "WhatsApp",
                "80 messages a second from one sender",
                noted!("https://www.twilio.com/docs/whatsapp/api"),
            ),
            limit(
                "Requests at once",
                "by account; above it 429 with code 20429",
                noted!("https://www.twilio.com/docs/api/errors/20429"),
            ),
            limit(
                "Body of a message",
                "1600 characters",
                noted!("https://www.twilio.com/docs/glossary/what-sms-character-limit"),
            ),
        ],
        prices: &[
            price(
                "US SMS segment, without carrier fees",
                prices::SMS,
                noted!("https://www.twilio.com/en-us/sms/pricing/us"),
            ),
            price("US MMS, without carrier fees", prices::MMS, noted!("https://www.twilio.com/en-us/sms/pricing/us")),
            price("US voice, a minute", prices::VOICE, noted!("https://www.twilio.com/en-us/voice/pricing/us")),
            price(
                "WhatsApp message, without Meta's fee",
                prices::WHATSAPP,
                noted!("https://www.twilio.com/en-us/whatsapp/pricing"),
            ),
        ],
        docs: "https://www.twilio.com/docs",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![
            SendSms,
            SendMms,
            SendWhatsApp,
            SendBulkSms,
            SendEmergencyAlert,
            MakeCall,
            GetMessage,
            ListMessages,
            RedactMessage,
            DeleteMessage,
            GetCall,
            ListCalls,
            EndCall,
            ListTemplates,
            GetTemplate,
            LookupPhoneNumber,
            GetBalance,
            GetUsage,
            GetPricing,
        ]
    }

    fn authenticate(config: &TwilioConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", config.authorization());
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }

    fn account(config: &TwilioConfig) -> Option<String> {
        Some(config.account_sid.clone())
    }

    fn claimed_account(incoming: &Incoming<'_>) -> Option<String> {
        webhook::claimed_account(incoming)
    }

    fn webhook(config: &TwilioConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
        webhook::read(config, incoming)
    }
}
