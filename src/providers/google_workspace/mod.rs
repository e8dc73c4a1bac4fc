//! Google Workspace for Education: files, documents and calendars; mail, courses, meetings and the Directory.
//!
//! One consent, or one service account that stands in for any user of the school, opens all of it. What each operation
//! needs of it stands in [`Operation::SCOPES`](crate::providers::Operation::SCOPES).

mod batch;
pub mod calendar;
pub mod classroom;
mod config;
mod connection;
mod define;
pub mod directory;
pub mod docs;
pub mod drive;
mod error;
mod event;
pub mod gmail;
pub mod meet;
mod scopes;
mod watch;
mod webhook;
mod wire;

pub use batch::{BatchReport, ItemError, ItemResult, ItemState};
pub use config::GoogleWorkspaceConfig;
pub use connection::{CheckConnection, Connection};
pub use define::Done;
pub use event::{
    AccountNotice, ChannelNotice, ClassroomNotice, ClassroomResource, GoogleEvent, MailboxNotice, Published,
};
pub use watch::{StopWatching, Watch, WatchChanges, WatchClassroom, WatchEvents, WatchFile, WatchMail, WatchUsers};
pub use wire::Base64;

use std::borrow::Cow;

use url::Url;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, Incoming, Limit, OperationSpec, Price, Provider, ProviderInfo, Quota, Webhook},
    transport::{
        Decision, Headers, Repeat, Request, Seen,
        oauth::{ConsentPage, TokenGrant, Wanted},
    },
};

/// When the notes on limits and prices were read.
const READ: &str = "2026-11-25";

const fn limit(what: &'static str, limit: &'static str, source: &'static str) -> Limit {
    Limit { what, limit, source, date: READ }
}

/// Google Workspace.
#[derive(Debug)]
pub struct GoogleWorkspace;

impl Provider for GoogleWorkspace {
    type Config = GoogleWorkspaceConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "google_workspace",
        name: "Google Workspace",
        recipient: "Google LLC",
        purpose: "keeps the school's files, documents, calendars, mail, courses and accounts",
        hosts: &[
            "oauth2.googleapis.com",
            "www.googleapis.com",
            "docs.googleapis.com",
            "gmail.googleapis.com",
            "classroom.googleapis.com",
            "meet.googleapis.com",
            "admin.googleapis.com",
        ],
        health: HealthProbe::Operation("checkConnection"),
        quota: Quota { per_second: 10.0, burst: 40 },
        limits: &[
            limit(
                "Drive",
                "325000 quota units a minute for each user of a project made since May 2026",
                "notes of this project, not yet confirmed at https://developers.google.com/workspace/drive/api/guides/limits",
            ),
            limit(
                "Calendar",
                "600 requests a minute for each user of a project",
                "https://developers.google.com/workspace/calendar/api/guides/quota",
            ),
            limit(
                "Docs",
                "300 reads and 60 writes a minute for each user of a project",
                "https://developers.google.com/workspace/docs/api/limits",
            ),
            limit(
                "Gmail",
                "6000 quota units a minute for each user of a project made since May 2026, 15000 for older ones",
                "https://developers.google.com/workspace/gmail/api/reference/quota",
            ),
            limit(
                "Classroom",
                "1200 requests a minute for each user of a project, 3000 for each client",
                "https://developers.google.com/workspace/classroom/limits",
            ),
            limit(
                "Meet",
                "600 reads and 100 writes a minute for each user of a project, 10 of them new spaces",
                "https://developers.google.com/workspace/meet/api/guides/limits",
            ),
            limit(
                "Directory",
                "2400 requests a minute",
                "https://developers.google.com/workspace/admin/directory/v1/limits",
            ),
            limit(
                "Size of a mail",
                "36700160 bytes, with its files in base64",
                "https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send",
            ),
            limit(
                "Size of a file in Drive",
                "5497558138880 bytes",
                "https://developers.google.com/workspace/drive/api/reference/rest/v3/files/create",
            ),
            limit(
                "Export of a document",
                "10 MB",
                "https://developers.google.com/workspace/drive/api/reference/rest/v3/files/export",
            ),
        ],
        prices: &[Price {
            unit: "call, with Google Workspace for Education Fundamentals",
            micros: 0,
            currency: "USD",
            source: "notes of this project, not yet confirmed at https://edu.google.com/workspace-for-education/editions/",
            date: READ,
        }],
        docs: "https://developers.google.com/workspace",
    };

    fn operations() -> Vec<OperationSpec> {
        let mut operations = operations![CheckConnection];
        operations.extend(drive::operations());
        operations.extend(docs::operations());
        operations.extend(calendar::operations());
        operations.extend(classroom::operations());
        operations.extend(gmail::operations());
        operations.extend(meet::operations());
        operations.extend(directory::operations());
        operations.extend(watch::operations());
        operations
    }

    /// The access token is all there is.
    fn authenticate(_config: &GoogleWorkspaceConfig, _request: &mut Request, _now: Timestamp) -> Result<()> {
        Ok(())
    }

    fn token_grant(config: &GoogleWorkspaceConfig, wanted: &Wanted) -> Result<Option<TokenGrant>> {
        config.grant(wanted).map(Some)
    }

    fn token_denied(config: &GoogleWorkspaceConfig, wanted: &Wanted, error: Error) -> Error {
        connection::denied(config, wanted, error)
    }

    fn consent_page(config: &GoogleWorkspaceConfig) -> Result<Option<ConsentPage>> {
        config.consent_page().map(Some)
    }

    fn key_set(config: &GoogleWorkspaceConfig, incoming: &Incoming<'_>) -> Option<Url> {
        webhook::key_set(config, incoming)
    }

    fn key_set_token<'a>(incoming: &Incoming<'a>) -> Option<Cow<'a, str>> {
        webhook::bearer(incoming)
    }

    fn webhook(config: &GoogleWorkspaceConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
        webhook::read(config, incoming)
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }

    fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
        error::decide(seen, repeat, now)
    }
}
