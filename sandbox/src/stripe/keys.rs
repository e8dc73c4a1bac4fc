//! Which keys are known, and whom they speak for.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderName};

use super::error::Refusal;
use crate::exchange::Request;

/// The account that is ready.
pub const ACCOUNT_ID: &str = "acct_1SandboxSchool01";
/// A second account, connected to the first: name it in `Stripe-Account`.
pub const CONNECTED_ACCOUNT_ID: &str = "acct_1SandboxBranch02";
/// The account's secret key in test mode.
pub const SECRET_KEY: &str = concat!("sk_", "test_", "51SandboxSchoolSecretKey000000000001");
/// The account's secret key in live mode: objects carry `livemode: true` and are apart from those of test mode.
pub const LIVE_SECRET_KEY: &str = concat!("sk_", "live_", "51SandboxSchoolSecretKey000000000002");
/// The account's publishable key. No endpoint here takes it.
pub const PUBLISHABLE_KEY: &str = concat!("pk_", "test_", "51SandboxSchoolPublicKey000000000003");
/// The secret that signs webhooks.
pub const WEBHOOK_SECRET: &str = concat!("whsec_", "SandboxWebhookSecret0000000000000004");

static STRIPE_ACCOUNT: HeaderName = HeaderName::from_static("stripe-account");

/// Whom a request speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) account: String,
    pub(super) livemode: bool,
}

/// Known keys, and the accounts connected to the ready one.
#[derive(Debug)]
pub(super) struct Keys {
    keys: HashMap<String, String>,
    connected: Vec<String>,
}

impl Default for Keys {
    fn default() -> Self {
        let ready = [SECRET_KEY, LIVE_SECRET_KEY].map(|key| (key.to_owned(), ACCOUNT_ID.to_owned()));
        Self { keys: HashMap::from(ready), connected: vec![CONNECTED_ACCOUNT_ID.to_owned()] }
    }
}

impl Keys {
    pub(super) fn add(&mut self, key: &str) {
        // An account of its own, so that two schools in one test see nothing of each other.
        let account = format!("acct_1Sandbox{:08}", self.keys.len());
        self.keys.insert(key.to_owned(), account);
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.keys.remove(key);
    }

    pub(super) fn connect(&mut self, account: &str) {
        self.connected.push(account.to_owned());
    }

    /// Whose data the request is about.
    pub(super) fn owner(&self, request: &Request) -> Result<Owner, Refusal> {
        let Some(key) = key(request) else {
            let message = "You did not provide an API key. You need to provide your API key in the Authorization header, \
                           using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, message).unsaved());
        };
        let Some(own) = self.keys.get(&key) else {
            if key.starts_with("pk_") {
                let message = "This API call cannot be made with a publishable API key. Please use a secret API key. \
                               You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.";
                return Err(Refusal::new(StatusCode::UNAUTHORIZED, message).code("secret_key_required").unsaved());
            }
            let message = format!("Invalid API Key provided: {}", masked(&key));
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, message).unsaved());
        };
        let account = match request.header(&STRIPE_ACCOUNT) {
            None => own.clone(),
            Some(named) if named == own || (own == ACCOUNT_ID && self.connected.iter().any(|known| known == named)) => {
                named.to_owned()
            }
            Some(named) => {
                let message = format!(
                    "The provided key '{}' does not have access to account '{named}' (or that account does not exist). \
                     Application access may have been revoked.",
                    masked(&key)
                );
                return Err(Refusal::new(StatusCode::FORBIDDEN, message).code("account_invalid").unsaved());
            }
        };
        Ok(Owner { account, livemode: key.contains("_live_") })
    }
}

/// The key of a request: a bearer, or the user name of basic authentication.
pub(super) fn key(request: &Request) -> Option<String> {
    let value = request.header(&AUTHORIZATION)?;
    let key = match value.split_once(' ')? {
        ("Bearer", key) => key.trim().to_owned(),
        ("Basic", encoded) => {
            let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
            pair.split(':').next()?.to_owned()
        }
        _ => return None,
    };
    Some(key).filter(|key| !key.is_empty())
}

/// A key as the vendor repeats it: its kind and its last four characters.
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let shown = match key.match_indices('_').nth(1) {
        Some((at, _)) if at < 16 => key[..=at].chars().count(),
        _ => 0,
    };
    let tail = characters.len().saturating_sub(4).max(shown);
    let start: String = characters[..shown].iter().collect();
    let end: String = characters[tail..].iter().collect();
    format!("{start}{}{end}", "*".repeat(tail - shown))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_key_is_repeated_without_its_middle() {
        assert_eq!(masked(concat!("sk_", "test_", "abcdefgh")), "sk_test_****efgh");
        assert_eq!(masked("garbage"), "***bage");
        assert_eq!(masked("sk_test_"), "sk_test_");
        assert_eq!(masked("_é_"), "_é_");
    }
}
