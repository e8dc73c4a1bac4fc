//! Refresh tokens, access tokens, codes, and what may be asked for with them.

use std::collections::HashMap;

use super::{ADMIN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};

/// What every product's scope starts with.
pub(super) const SCOPE_PREFIX: &str = "https://www.googleapis.com/auth/";

/// How long an access token lives, in seconds.
pub(super) const ACCESS_LIFE: i64 = 3600;

/// Scopes that a full consent carries.
pub(super) const ALL_SCOPES: &[&str] = &[
    "openid",
    "https://mail.google.com/",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
    "https://www.googleapis.com/auth/drive",
    "https://www.googleapis.com/auth/documents",
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/gmail.send",
    "https://www.googleapis.com/auth/gmail.compose",
    "https://www.googleapis.com/auth/gmail.modify",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/gmail.settings.basic",
    "https://www.googleapis.com/auth/classroom.courses",
    "https://www.googleapis.com/auth/classroom.rosters",
    "https://www.googleapis.com/auth/classroom.profile.emails",
    "https://www.googleapis.com/auth/classroom.coursework.students",
    "https://www.googleapis.com/auth/classroom.coursework.me",
    "https://www.googleapis.com/auth/classroom.announcements",
    "https://www.googleapis.com/auth/classroom.topics",
    "https://www.googleapis.com/auth/classroom.guardianlinks.students",
    "https://www.googleapis.com/auth/classroom.push-notifications",
    "https://www.googleapis.com/auth/meetings.space.created",
    "https://www.googleapis.com/auth/meetings.space.settings",
    "https://www.googleapis.com/auth/meetings.space.readonly",
    "https://www.googleapis.com/auth/admin.directory.user",
    "https://www.googleapis.com/auth/admin.directory.group",
    "https://www.googleapis.com/auth/admin.directory.orgunit",
    "https://www.googleapis.com/auth/admin.directory.customer.readonly",
];

/// Who may do what: the user, the scopes, and the client that was told so.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) user: String,
    pub(super) scopes: Vec<String>,
    pub(super) client: String,
}

impl Grant {
    /// Whether one of the scopes is there, by its name without the prefix.
    pub(super) fn allows(&self, any: &[&str]) -> bool {
        self.scopes.iter().any(|scope| any.contains(&scope.strip_prefix(SCOPE_PREFIX).unwrap_or(scope)))
    }

    /// Google's project that the client belongs to: the number its id starts with.
    pub(super) fn project(&self) -> &str {
        self.client.split('-').next().unwrap_or(&self.client)
    }
}

/// A code on its way from the consent page.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    /// The S256 challenge, where one was given.
    pub(super) challenge: Option<String>,
    pub(super) offline: bool,
    pub(super) made_at: i64,
}

/// Everything the token endpoint keeps.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) clients: HashMap<String, String>,
    pub(super) refresh: HashMap<String, Grant>,
    /// Access tokens, each with when it ends, in milliseconds.
    pub(super) access: HashMap<String, (Grant, i64)>,
    pub(super) codes: HashMap<String, Code>,
    /// Scopes that the domain's administrator lets the service account act with for any user.
    pub(super) delegated: Vec<String>,
    /// Whether a refresh hands out a new refresh token and ends the old one.
    pub(super) rotate: bool,
    /// How often a token was asked for.
    pub(super) requests: u64,
}

impl Tokens {
    pub(super) fn ready() -> Self {
        let scopes: Vec<String> = ALL_SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        let grant = Grant { user: ADMIN.to_owned(), scopes: scopes.clone(), client: CLIENT_ID.to_owned() };
        Self {
            clients: HashMap::from([(CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())]),
            refresh: HashMap::from([(REFRESH_TOKEN.to_owned(), grant)]),
            access: HashMap::new(),
            codes: HashMap::new(),
            delegated: scopes,
            rotate: false,
            requests: 0,
        }
    }

    /// Whom an access token speaks for, unless it has ended.
    pub(super) fn grant(&self, token: &str, at: i64) -> Option<&Grant> {
        self.access.get(token).filter(|(_, ends)| at < *ends).map(|(grant, _)| grant)
    }

    /// Ends a token of either kind; a refresh token takes its access tokens with it.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        if let Some(ended) = self.refresh.remove(token) {
            self.access.retain(|_, (grant, _)| grant.user != ended.user || grant.client != ended.client);
            return true;
        }
        self.access.remove(token).is_some()
    }
}
