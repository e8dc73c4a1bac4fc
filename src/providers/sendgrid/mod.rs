//! SendGrid: mail, templates, campaigns, statistics, suppressions, notifications, the Event Webhook.

mod activity;
mod batch;
mod bulk;
mod campaigns;
mod compose;
mod config;
mod contacts;
mod error;
mod event;
#[cfg(test)]
mod event_tests;
mod groups;
mod lists;
mod mail;
mod notify;
mod options;
mod people;
mod stats;
mod suppressed;
mod suppression_lists;
mod suppressions;
mod templates;
mod variables;
mod webhook;
#[cfg(test)]
mod webhook_tests;
mod wire;

pub use activity::{ActivityMessage, ActivityPage, FindMessage, GetScopes, Scopes};
pub use batch::{MailError, MailReport, MailResult};
pub use bulk::{BulkEmail, SendBulkEmail};
pub use campaigns::{Campaign, CampaignSchedule, CreateCampaign, ScheduleCampaign};
pub use compose::MailState;
pub use config::{NotificationKind, Region, SendgridConfig};
pub use contacts::{Contact, ContactImport, ContactJob, ContactReport, GetContactImport, UpsertContacts};
pub use event::{
    Bounced, Clicked, Deferred, Delivered, Dropped, GroupChoice, Opened, OptOut, Processed, SendgridEvent, SpamReport,
};
pub use groups::{AddUnsubscribe, ListSuppressionGroups, SuppressionGroup, SuppressionGroups, Unsubscribed};
pub use lists::{ContactList, ContactListPage, CreateList, ListLists};
pub use mail::{SendEmail, SendTemplateEmail, Sent};
pub use notify::{Fallback, NotificationRecipient, NotificationReport, SendNotification};
pub use options::{Attachment, MailOptions};
pub use people::Recipient;
pub use stats::{
    AggregatedBy, CampaignStats, CampaignStatsPage, Counted, GetCampaignStats, GetCategoryStats, GetEmailStats, Stats,
    StatsPeriod,
};
pub use suppression_lists::{ListSuppressed, RemoveSuppressed, SuppressedPage, SuppressionList};
pub use suppressions::{
    Bounce, BouncePage, ListBounces, ListUnsubscribes, RemoveBounce, Removed, Unsubscribe, UnsubscribePage,
};
pub use templates::{
    ActivateTemplateVersion, AddTemplateVersion, CreateTemplate, GetTemplate, ListTemplates, Template, TemplatePage,
    TemplateVersion,
};

use url::Url;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{Call, HealthProbe, Incoming, Limit, OperationSpec, Price, Provider, ProviderInfo, Quota, Webhook},
    transport::{Decision, Headers, Repeat, Request, Seen},
};

/// Limits and prices come from our notes on SendGrid, which nobody has yet compared with the page named here.
macro_rules! noted {
    ($page:literal) => {
        concat!("comms-payments notes, not yet confirmed at ", $page)
    };
}

/// When the notes on limits and prices, and the contract, were read.
const READ: &str = "2026-11-25";

/// What things cost, in millionths of a US dollar: for estimates.
mod prices {
    pub(super) const CURRENCY: &str = "USD";
    pub(super) const EMAIL: i64 = 1_000;
}

const fn limit(what: &'static str, limit: &'static str, source: &'static str) -> Limit {
    Limit { what, limit, source, date: READ }
}

/// The address of a path of the API, at the host of the tenant's region.
fn v3(call: &Call<'_, Sendgrid>, path: &[&str]) -> Result<Url> {
    let path: Vec<&str> = std::iter::once("v3").chain(path.iter().copied()).collect();
    call.url(call.config().host(), &path)
}

/// SendGrid.
#[derive(Debug)]
pub struct Sendgrid;

impl Provider for Sendgrid {
    type Config = SendgridConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "sendgrid",
        name: "SendGrid",
        recipient: "Twilio Inc. (SendGrid)",
        purpose: "delivers mail on the school's behalf",
        hosts: &["api.sendgrid.com", "api.eu.sendgrid.com"],
        health: HealthProbe::Operation("getScopes"),
        quota: Quota { per_second: 100.0, burst: 200 },
        limits: &[
            limit("Personalisations of one request", "1000", "contract of POST /v3/mail/send"),
            limit(
                "Recipients of one request, to, cc and bcc together",
                "1000",
                noted!("https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations"),
            ),
            limit(
                "A message with its attachments",
                "30 MB",
                noted!("https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations"),
            ),
            limit(
                "Custom arguments of a message",
                "10,000 bytes",
                noted!("https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations"),
            ),
            limit(
                "Scheduling",
                "72 hours ahead",
                noted!("https://www.twilio.com/docs/sendgrid/for-developers/sending-email/scheduling-parameters"),
            ),
            limit("Categories of a message", "10, of at most 255 characters", "contract of POST /v3/mail/send"),
            limit(
                "Requests to mail/send",
                "10,000 a second on most plans",
                noted!("https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits"),
            ),
            limit(
                "Requests to other endpoints",
                "about 600 a minute, marketing fewer; the answers tell in X-RateLimit-*",
                noted!("https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits"),
            ),
            limit("Contacts of one request", "30,000 or 6 MB", "contract of PUT /v3/marketing/contacts"),
        ],
        prices: &[Price {
            unit: "e-mail to one recipient; by plan 0.0004 to 0.001 USD, the higher is counted",
            micros: prices::EMAIL,
            currency: prices::CURRENCY,
            source: noted!("https://sendgrid.com/en-us/pricing"),
            date: READ,
        }],
        docs: "https://www.twilio.com/docs/sendgrid",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![
            SendEmail,
            SendBulkEmail,
            SendTemplateEmail,
            SendNotification,
            CreateTemplate,
            AddTemplateVersion,
            ActivateTemplateVersion,
            ListTemplates,
            GetTemplate,
            UpsertContacts,
            GetContactImport,
            CreateList,
            ListLists,
            CreateCampaign,
            ScheduleCampaign,
            GetEmailStats,
            GetCategoryStats,
            GetCampaignStats,
            ListBounces,
            RemoveBounce,
            ListSuppressed,
            RemoveSuppressed,
            ListUnsubscribes,
            ListSuppressionGroups,
            AddUnsubscribe,
            FindMessage,
            GetScopes,
        ]
    }

    fn authenticate(config: &SendgridConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.api_key.expose()));
        if let Some(subuser) = &config.subuser {
            request.headers.set("on-behalf-of", subuser.as_str());
        }
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }

    fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
        error::decide(seen, repeat, now)
    }

    fn webhook(config: &SendgridConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
        webhook::verify(config, incoming)
    }
}
