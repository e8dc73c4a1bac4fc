//! What a webhook is before and after it is verified, and what verifiers share.

use std::{borrow::Cow, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    transport::{Headers, jwt::KeySet},
};

/// How far a webhook's own time may lie from ours, either way: what Stripe and Standard Webhooks recommend.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// A webhook as it came in: nothing of it is trusted yet.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Incoming<'a> {
    /// The address as the vendor called it, with its query: some vendors sign it.
    pub url: &'a Url,
    /// The headers.
    pub headers: &'a Headers,
    /// The body as it was sent, to the byte.
    pub body: &'a [u8],
    /// The moment it is.
    pub now: Timestamp,
    /// The keys that [`Provider::key_set`](super::Provider::key_set) asked for; none where they could not be had.
    pub keys: Option<&'a KeySet>,
    channels: Option<&'a (dyn Fn(&str) -> String + Send + Sync)>,
}

/// What the webhook says may be secret: `Debug` shows where it came in.
impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Incoming({}, headers {:?}, {} bytes)", self.url.path(), self.headers, self.body.len())
    }
}

impl<'a> Incoming<'a> {
    /// A webhook with nothing to verify it by but the settings.
    pub fn new(url: &'a Url, headers: &'a Headers, body: &'a [u8], now: Timestamp) -> Self {
        Self { url, headers, body, now, keys: None, channels: None }
    }

    /// The same webhook with the vendor's public keys.
    pub fn with_keys(self, keys: Option<&'a KeySet>) -> Self {
        Self { keys, ..self }
    }

    /// The same webhook with what the secret of a channel is known by.
    pub fn with_channels(self, secret: &'a (dyn Fn(&str) -> String + Send + Sync)) -> Self {
        Self { channels: Some(secret), ..self }
    }

    /// The secret of the school's channel of that id: see [`Call::channel_secret`](super::Call::channel_secret). None where
    /// nothing is known of channels.
    pub fn channel_secret(&self, channel: &str) -> Option<String> {
        self.channels.map(|secret| secret(channel))
    }

    /// The route in the address that the vendor called, which names a school.
    pub fn route(&self) -> Option<Cow<'a, str>> {
        self.url.query_pairs().find(|(name, _)| name == "route").map(|(_, route)| route)
    }

    /// Refuses what does not carry the secret that the vendor was given for that channel: see
    /// [`Call::channel_secret`](super::Call::channel_secret). Error: `signature_invalid`.
    pub fn check_channel(&self, channel: &str, secret: &str) -> Result<()> {
        match self.channel_secret(channel) {
            Some(known) if equal(known.as_bytes(), secret.as_bytes()) => Ok(()),
            _ => Err(Error::new(ErrorCode::SignatureInvalid, "the webhook does not carry its channel's secret")),
        }
    }

    /// A header that must be there for the signature to be checked. Error: `signature_missing`.
    pub fn required(&self, name: &str) -> Result<&'a str> {
        self.headers
            .get(name)
            .ok_or_else(|| Error::new(ErrorCode::SignatureMissing, format!("the webhook has no header {name}")))
    }

    /// Refuses a webhook that was signed longer ago, or further ahead, than [`TOLERANCE`]. Only after its signature was
    /// found good: the time is a part of what is signed. Error: `signature_stale`.
    pub fn check_age(&self, signed_at: Timestamp) -> Result<()> {
        if signed_at.since(self.now).max(self.now.since(signed_at)) > TOLERANCE {
            return Err(Error::new(
                ErrorCode::SignatureStale,
                format!("the webhook was not signed within {} seconds of now", TOLERANCE.as_secs()),
            ));
        }
        Ok(())
    }
}

/// What a verified webhook brings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Webhook {
    /// Something happened; one request may tell of many things.
    Events(Vec<WebhookEvent>),
    /// The vendor wants this answer to know that the address is ours, and nothing happened.
    Handshake(WebhookReply),
}

/// An answer that a vendor's handshake wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookReply {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// One thing that happened at a vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookEvent {
    /// The vendor's id of it, or one made of what it says: the same event has the same id however often it comes.
    pub id: String,
    /// What happened, in the vendor's word: `invoice.paid`, `delivered`.
    pub kind: String,
    /// When it happened there, if the vendor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What became of a message, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// All that the vendor said.
    pub data: Value,
    /// The channel that the vendor wants renewed now, instead of at its time.
    #[serde(skip)]
    pub renews: Option<String>,
    /// The vendor's id of the channel that it came by, where others' come to the same place: it is left out where the school
    /// keeps no such channel.
    #[serde(skip)]
    pub channel: Option<String>,
}

impl WebhookEvent {
    /// An event with all that the vendor said of it.
    pub fn new(id: impl Into<String>, kind: impl Into<String>, data: Value) -> Self {
        Self { id: id.into(), kind: kind.into(), at: None, delivery: None, data, renews: None, channel: None }
    }

    /// The same event, with when it happened.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// The same event, asking for a channel's renewal.
    pub fn renews(mut self, channel: impl Into<String>) -> Self {
        self.renews = Some(channel.into());
        self
    }

    /// The same event, come by the channel of that vendor's id: only for a school that keeps it.
    pub fn channel(mut self, vendor_id: impl Into<String>) -> Self {
        self.channel = Some(vendor_id.into());
        self
    }

    /// The same event, about a message.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(delivery);
        self
    }
}

/// What became of a message at a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Delivery {
    /// The vendor's id of the message.
    pub message_id: String,
    /// How far it has come.
    pub state: DeliveryStage,
    /// The vendor's code for why it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which copy this is about, where many go out under one `message_id`: each comes as far as it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
    /// The call that sent it, where the vendor repeats the mark that the call put on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Delivery {
    /// So far has the message come.
    pub fn new(message_id: impl Into<String>, state: DeliveryStage) -> Self {
        Self { message_id: message_id.into(), state, reason: None, copy: None, request_id: None }
    }

    /// The same, with the vendor's code for why.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The same, about one copy alone. The text need only tell it from the others of its message; none of it is shown.
    pub fn copy(mut self, copy: impl Into<String>) -> Self {
        self.copy = Some(copy.into());
        self
    }

    /// The same, sent by this call: how far it has come is then also found by the call's request id.
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }
}

/// How far a message has come. The order is the order in which it comes there: a report that comes late never moves a
/// message back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStage {
    /// The vendor has it.
    Accepted,
    /// It waits there.
    Queued,
    /// It is on its way to the carrier or mail server, which may have put it off.
    Sending,
    /// The carrier or mail server has it.
    Sent,
    /// It arrived.
    Delivered,
    /// Somebody opened it.
    Read,
    /// It did not arrive: refused, or sent back afterwards, as mail may be.
    Failed,
}

impl DeliveryStage {
    /// As JSON and the database spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

/// HMAC-SHA256 of the parts, one after the other.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length (RFC 2104).
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether two byte strings are equal, in a time that says nothing of where they differ.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// What a verifier answers when no secret fits.
pub fn bad_signature() -> Error {
    Error::new(ErrorCode::SignatureInvalid, "the webhook's signature fits none of the tenant's active secrets")
}

/// What a verifier answers when the signature was good and the body is not what the vendor documents.
pub fn bad_body(what: impl std::fmt::Display) -> Error {
    Error::invalid("body", format!("the webhook's body {what}"))
}

/// What a verifier answers when the tenant's settings have nothing to verify with.
pub fn no_secret(field: &str, provider: &str) -> Error {
    Error::new(ErrorCode::NotConfigured, format!("webhooks of {provider} need the setting {field}"))
        .with_field(format!("config.{field}"))
}

/// Verifies a webhook by [Standard Webhooks](https://www.standardwebhooks.com), which many vendors follow: HMAC-SHA256 over
/// id, time and raw body with each active secret (`whsec_` and base64). Answers the webhook's id, by which a repetition is
/// known. For providers of a host's own, and for webhooks that a host receives by itself.
///
/// Errors: `signature_missing`, `signature_invalid`, `signature_stale`; `not_configured` at `secrets[…]` for a secret that
/// is empty or no base64, by which anybody could sign. The specification's other scheme, `v1a` (Ed25519), is not verified:
/// a webhook with nothing else is `signature_invalid`.
///
/// ```
/// use sis_integrations::{Timestamp, providers::webhook::{Incoming, standard_webhooks}, transport::Headers};
///
/// // The specification's own example.
/// let mut headers = Headers::default();
/// headers.set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
/// headers.set("webhook-timestamp", "1614265330");
/// headers.set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// let url = "https://sis.example/hook".parse()?;
/// let now = Timestamp::from_micros(1_614_265_330_000_000);
/// let incoming = Incoming::new(&url, &headers, br#"{"test": 2432232314}"#, now);
///
/// let secret = ["whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"].concat();
/// assert_eq!(standard_webhooks(&[&secret], &incoming)?, "msg_p5jXN8AQM9LWM0D4loKWxJek");
/// assert!(standard_webhooks(&["whsec_"], &incoming).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn standard_webhooks<'a>(secrets: &[&str], incoming: &Incoming<'a>) -> Result<&'a str> {
    let keys = secrets.iter().enumerate().map(|(at, secret)| {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok();
        key.filter(|key| !key.is_empty()).ok_or_else(|| {
            Error::new(ErrorCode::NotConfigured, "a webhook secret must be whsec_ and base64, and not empty")
                .with_field(format!("secrets[{at}]"))
        })
    });
    let keys: Vec<Vec<u8>> = keys.collect::<Result<_>>()?;
    let id = incoming.required("webhook-id")?;
    let signed_at = incoming.required("webhook-timestamp")?;
    let header = incoming.required("webhook-signature")?;
    let signatures: Vec<Vec<u8>> =
        header.split_ascii_whitespace().filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).collect();
    if signatures.is_empty() && header.split_ascii_whitespace().any(|one| one.starts_with("v1a,")) {
        let why = "the webhook is signed by v1a (Ed25519) alone, which is not verified here; have it signed by v1";
        return Err(Error::new(ErrorCode::SignatureInvalid, why));
    }
    let fits = keys.iter().any(|key| {
        let expected = hmac_sha256(key, &[id.as_bytes(), b".", signed_at.as_bytes(), b".", incoming.body]);
        signatures.iter().any(|signature| equal(&expected, signature))
    });
    if !fits {
        return Err(bad_signature());
    }
    let seconds: i64 = signed_at.parse().map_err(|_| bad_signature())?;
    incoming.check_age(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Secret, id, time and body of the specification's example; the signature computed apart from this code with Python's
    /// `hmac`.
    const SECRET: &str = concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const SIGNATURE: &str = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn verify(secrets: &[&str], signature: &str, body: &[u8], now: i64) -> Result<String> {
        let mut headers = Headers::default();
        headers.set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
        headers.set("webhook-timestamp", "1614265330");
        headers.set("webhook-signature", signature);
        let url = "https://sis.example/hook".parse().unwrap();
        let now = Timestamp::from_micros(now * 1_000_000);
        standard_webhooks(secrets, &Incoming::new(&url, &headers, body, now)).map(str::to_owned)
    }

    #[test]
    fn the_specifications_example_fits_and_nothing_near_it() {
        let body = br#"{"test": 2432232314}"#;
        let good = format!("v1,{SIGNATURE}");
        assert_eq!(verify(&[SECRET], &good, body, 1_614_265_330).unwrap(), "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert!(verify(&["whsec_AAAA", SECRET], &format!("v1a,xyz v1,AAAA {good}"), body, 1_614_265_630).is_ok());
        let code = |result: Result<String>| result.unwrap_err().code();
        assert_eq!(code(verify(&[SECRET], &good, body, 1_614_265_631)), ErrorCode::SignatureStale);
        assert_eq!(
            code(verify(&[SECRET], &good, br#"{"test":2432232314}"#, 1_614_265_330)),
            ErrorCode::SignatureInvalid
        );
        assert_eq!(code(verify(&["whsec_AAAA"], &good, body, 1_614_265_330)), ErrorCode::SignatureInvalid);
        // Whoever knows that a secret is empty can sign with it.
        let hollow = hmac_sha256(b"", &[b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.", body]);
        let forged = format!("v1,{}", STANDARD.encode(hollow));
        for secret in ["", "whsec_", "not base64"] {
            let error = verify(&[SECRET, secret], &forged, body, 1_614_265_330).unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("secrets[1]")), "{secret}");
        }
        let other = verify(&[SECRET], "v1a,AAAA", body, 1_614_265_330).unwrap_err();
        assert!(other.code() == ErrorCode::SignatureInvalid && other.message().contains("v1a"), "{other}");
        assert_eq!(
            code(verify(&[SECRET], &good.replace("v1", "v2"), body, 1_614_265_330)),
            ErrorCode::SignatureInvalid
        );
    }

    proptest! {
        #[test]
        fn any_signature_is_answered_without_a_panic(signature in "\\PC{0,80}", body: Vec<u8>) {
            let _ = verify(&[SECRET], &signature, &body, 1_614_265_330);
        }
    }
}
