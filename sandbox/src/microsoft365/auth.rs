//! Who may come in: the app, refresh tokens, codes, and the access tokens that were given for them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::access::covers;
use super::jwt::Registered;
use super::{CERTIFICATE, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TEACHER_ID};

/// How long an access token lives, in seconds.
pub(super) const LIFETIME: i64 = 3599;
/// How long a refresh token lives without use: 90 days.
const REFRESH_LIFETIME: i64 = 90 * 24 * 3600 * 1000;
/// How long a code lives, in milliseconds.
const CODE_LIFETIME: i64 = 600_000;

/// Roles or scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Granted {
    Everything,
    Only(BTreeSet<String>),
}

impl Granted {
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Only(names.into_iter().map(str::to_owned).collect())
    }

    /// Whether one of these is granted, or something that includes it.
    pub(super) fn any(&self, needed: &[&str]) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(names) => needed.iter().any(|needed| names.iter().any(|name| covers(name, needed))),
        }
    }

    /// As the token endpoint tells it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Everything => super::access::scopes().into_iter().collect::<Vec<_>>().join(" "),
            Self::Only(names) => names.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        }
    }
}

/// On whose behalf a token speaks.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// The app itself, by its roles.
    App { roles: Granted },
    /// A user, through the app.
    User { id: String, scopes: Granted },
}

/// A user's lasting consent, as a refresh token carries it.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) user: String,
    pub(super) scopes: Granted,
    pub(super) state: GrantState,
    pub(super) until: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantState {
    Live,
    /// Another token has taken its place.
    Spent,
    Revoked,
}

/// A code that a user's consent has given.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) user: String,
    pub(super) scopes: Granted,
    pub(super) offline: bool,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    pub(super) until: i64,
}

#[derive(Debug)]
struct Token {
    caller: Caller,
    /// The `claims` that came with the request for it.
    claims: Option<String>,
    until: i64,
}

/// The state of Entra ID. A reset leaves it as it is, but for tokens.
#[derive(Debug)]
pub(super) struct Auth {
    pub(super) secret: String,
    pub(super) certificate: Option<Registered>,
    pub(super) roles: Granted,
    /// Whether a used refresh token dies.
    pub(super) spend: bool,
    /// AADSTS codes by which the next token requests are refused.
    pub(super) refusals: VecDeque<u32>,
    /// What tokens must have been asked for with, since continuous access evaluation found something.
    pub(super) challenge: Option<String>,
    /// Assertions that were used, by their `jti`.
    pub(super) assertions: BTreeSet<String>,
    grants: BTreeMap<String, Grant>,
    codes: BTreeMap<String, Code>,
    tokens: BTreeMap<String, Token>,
    next: u64,
}

impl Auth {
    pub(super) fn ready(now: i64) -> Self {
        let mut auth = Self {
            secret: CLIENT_SECRET.to_owned(),
            certificate: Registered::from_pem(CERTIFICATE),
            roles: Granted::Everything,
            spend: false,
            refusals: VecDeque::new(),
            challenge: None,
            assertions: BTreeSet::new(),
            grants: BTreeMap::new(),
            codes: BTreeMap::new(),
            tokens: BTreeMap::new(),
            next: 0,
        };
        auth.add_grant(REFRESH_TOKEN, TEACHER_ID, Granted::Everything, now);
        auth
    }

    /// Whether an app of this id is known.
    pub(super) fn knows(client: &str) -> bool {
        client.eq_ignore_ascii_case(CLIENT_ID)
    }

    pub(super) fn add_grant(&mut self, token: &str, user: &str, scopes: Granted, now: i64) {
        let grant = Grant { user: user.to_owned(), scopes, state: GrantState::Live, until: now + REFRESH_LIFETIME };
        self.grants.insert(token.to_owned(), grant);
    }

    pub(super) fn grant(&self, token: &str) -> Option<&Grant> {
        self.grants.get(token)
    }

    /// Gives a new refresh token in place of one; the old one dies if so set.
    pub(super) fn rotate(&mut self, old: &str, now: i64) -> Option<String> {
        let Grant { user, scopes, .. } = self.grants.get(old)?.clone();
        if self.spend
            && let Some(grant) = self.grants.get_mut(old)
        {
            grant.state = GrantState::Spent;
        }
        Some(self.new_grant(&user, scopes, now))
    }

    pub(super) fn new_grant(&mut self, user: &str, scopes: Granted, now: i64) -> String {
        let token = self.name("1.refresh");
        self.add_grant(&token, user, scopes, now);
        token
    }

    /// Ends all that a user has consented to, as a change of the password does.
    pub(super) fn revoke(&mut self, user: &str) {
        self.grants.values_mut().filter(|grant| grant.user == user).for_each(|grant| grant.state = GrantState::Revoked);
        self.tokens.retain(|_, token| !matches!(&token.caller, Caller::User { id, .. } if id == user));
    }

    pub(super) fn add_code(&mut self, mut code: Code, now: i64) -> String {
        code.until = now + CODE_LIFETIME;
        let name = self.name("1.code");
        self.codes.insert(name.clone(), code);
        name
    }

    /// A code works once.
    pub(super) fn take_code(&mut self, code: &str) -> Option<Code> {
        self.codes.remove(code)
    }

    pub(super) fn issue(&mut self, caller: Caller, claims: Option<&str>, now: i64) -> String {
        let name = self.name("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.sandbox");
        self.tokens
            .insert(name.clone(), Token { caller, claims: claims.map(str::to_owned), until: now + LIFETIME * 1000 });
        name
    }

    /// Whose token this is, unless it has expired; and the claims that are missing from it.
    pub(super) fn caller(&self, token: &str, now: i64) -> Option<(&Caller, Option<&str>)> {
        let token = self.tokens.get(token).filter(|token| token.until > now)?;
        let missing = self.challenge.as_deref().filter(|claims| token.claims.as_deref() != Some(*claims));
        Some((&token.caller, missing))
    }

    /// Forgets what tests and requests have put in; the app's own proofs stay, and so do refresh tokens.
    pub(super) fn clear(&mut self, now: i64) {
        self.expire_tokens();
        self.codes.clear();
        self.assertions.clear();
        self.refusals.clear();
        self.challenge = None;
        self.spend = false;
        self.roles = Granted::Everything;
        self.add_grant(REFRESH_TOKEN, TEACHER_ID, Granted::Everything, now);
    }

    /// No token given so far lets anyone in.
    pub(super) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    fn name(&mut self, kind: &str) -> String {
        self.next += 1;
        // Never shorter than a real one's shortest part, and never the same twice.
        format!("{kind}.{:016x}{:016x}", crate::faults::mix(self.next), self.next)
    }
}
