//! Stripe's events. <https://docs.stripe.com/webhooks#verify-manually>

use serde_json::Value;

use super::{Mode, StripeConfig};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::{
        Incoming, Webhook, WebhookEvent,
        webhook::{bad_body, bad_signature, equal, hmac_sha256, no_secret},
    },
};

/// Verifies `t=…,v1=…`: HMAC-SHA256 over the time and the raw body. Several `v1` stand there while a secret is changed;
/// other schemes are not looked at.
pub(super) fn read(config: &StripeConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
    let header = incoming.required("stripe-signature")?;
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", time)) => signed_at = Some(time),
            Some(("v1", signature)) => signatures.extend(hex::decode(signature).ok()),
            _ => {}
        }
    }
    let Some(signed_at) = signed_at else {
        return Err(Error::new(ErrorCode::SignatureMissing, "the header stripe-signature has no time"));
    };
    let secrets: Vec<_> = [&config.webhook_secret, &config.previous_webhook_secret].into_iter().flatten().collect();
    if secrets.is_empty() {
        return Err(no_secret("webhook_secret", "Stripe"));
    }
    let fits = secrets.iter().any(|secret| {
        let expected = hmac_sha256(secret.expose().as_bytes(), &[signed_at.as_bytes(), b".", incoming.body]);
        signatures.iter().any(|signature| equal(&expected, signature))
    });
    if !fits {
        return Err(bad_signature());
    }
    let seconds: i64 = signed_at.parse().map_err(|_| bad_signature())?;
    incoming.check_age(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))?;
    let event = event(incoming.body)?;
    is_ours(config, &event.data)?;
    Ok(Webhook::Events(vec![event]))
}

/// A platform's endpoint gets events of every account and of both modes, all well signed: only those of the settings'
/// account and mode are this school's.
fn is_ours(config: &StripeConfig, event: &Value) -> Result<()> {
    if let (Some(live), Some(mode)) = (event.get("livemode").and_then(Value::as_bool), config.key_mode())
        && live != (mode == Mode::Live)
    {
        return Err(bad_body("is of the other mode, live or test, than these settings"));
    }
    if let Some(ours) = &config.account
        && event.get("account").and_then(Value::as_str) != Some(ours)
    {
        return Err(bad_body("is of another account than these settings"));
    }
    Ok(())
}

fn event(body: &[u8]) -> Result<WebhookEvent> {
    let data: Value = serde_json::from_slice(body).map_err(|_| bad_body("is not JSON"))?;
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let (Some(id), Some(kind)) = (text("id").map(str::to_owned), text("type").map(str::to_owned)) else {
        return Err(bad_body("has no id or no type"));
    };
    let created = data.get("created").and_then(Value::as_i64);
    let mut event = WebhookEvent::new(id, kind, data);
    event.at = created.map(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
    Ok(event)
}

/// The connected account that an event claims to be of.
pub(super) fn claimed_account(incoming: &Incoming<'_>) -> Option<String> {
    let body: Value = serde_json::from_slice(incoming.body).ok()?;
    body.get("account")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transport::Headers;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid","created":1764000000,"data":{"object":{"id":"in_1"}}}"#;
    /// Computed apart from this code: `printf %s "1764000000.$BODY" | openssl dgst -sha256 -hmac whsec_test`.
    const SIGNATURE: &str = "ce52109b3c495072f32c64e1b9f5cd1580b029ada259991059479d996de2e9bd";

    fn config() -> StripeConfig {
        StripeConfig::new("sk").webhook_secret("whsec_test")
    }

    fn verify(config: &StripeConfig, header: Option<&str>, body: &[u8], now: i64) -> Result<Webhook> {
        let mut headers = Headers::default();
        if let Some(header) = header {
            headers.set("Stripe-Signature", header);
        }
        let url = "https://sis.example/hook".parse().unwrap();
        let now = Timestamp::from_micros(now * 1_000_000);
        read(config, &Incoming::new(&url, &headers, body, now))
    }

    #[test]
    fn a_signature_computed_elsewhere_fits() {
        let header = format!("t=1764000000,v1={SIGNATURE}");
        let Webhook::Events(events) = verify(&config(), Some(&header), BODY, 1_764_000_299).unwrap() else {
            panic!("an event was sent")
        };
        assert_eq!((events[0].id.as_str(), events[0].kind.as_str()), ("evt_1", "invoice.paid"));
        assert_eq!(events[0].at, Some(Timestamp::from_micros(1_764_000_000_000_000)));
        // While a secret is changed: several signatures there, several secrets here.
        let two = format!("t=1764000000,v1={},v1={SIGNATURE},v0=abc", "0".repeat(64));
        assert!(verify(&config(), Some(&two), BODY, 1_764_000_000).is_ok());
        let mut changed = StripeConfig::new("sk").webhook_secret("whsec_new");
        assert!(verify(&changed, Some(&header), BODY, 1_764_000_000).is_err());
        changed.previous_webhook_secret = config().webhook_secret;
        assert!(verify(&changed, Some(&header), BODY, 1_764_000_000).is_ok());
    }

    #[test]
    fn each_wrong_has_its_name() {
        let good = format!("t=1764000000,v1={SIGNATURE}");
        let code = |header: Option<&str>, body: &[u8], now| verify(&config(), header, body, now).unwrap_err().code();
        let now = 1_764_000_000;
        assert_eq!(code(None, BODY, now), ErrorCode::SignatureMissing);
        assert_eq!(code(Some("v1=00"), BODY, now), ErrorCode::SignatureMissing);
        assert_eq!(code(Some(&good), &BODY[..BODY.len() - 1], now), ErrorCode::SignatureInvalid);
        assert_eq!(code(Some(&good.replace("v1", "v0")), BODY, now), ErrorCode::SignatureInvalid);
        assert_eq!(code(Some(&good.replace("t=1764000000", "t=1764000001")), BODY, now), ErrorCode::SignatureInvalid);
        assert_eq!(code(Some(&good), BODY, now + 301), ErrorCode::SignatureStale);
        assert_eq!(code(Some(&good), BODY, now - 301), ErrorCode::SignatureStale);
        // The same event written anew is another body.
        let again = serde_json::to_vec(&serde_json::from_slice::<Value>(BODY).unwrap()).unwrap();
        let spaced = String::from_utf8(again).unwrap().replace(':', ": ");
        assert_eq!(code(Some(&good), spaced.as_bytes(), now), ErrorCode::SignatureInvalid);
        let none = verify(&StripeConfig::new("sk"), Some(&good), BODY, now).unwrap_err();
        assert_eq!((none.code(), none.field()), (ErrorCode::NotConfigured, Some("config.webhook_secret")));
    }

    #[test]
    fn what_is_signed_and_no_event_is_said_so() {
        for body in [&b"[]"[..], b"", b"{\"id\": 5}"] {
            let signature = hex::encode(hmac_sha256(b"whsec_test", &[b"5.", body]));
            let error = verify(&config(), Some(&format!("t=5,v1={signature}")), body, 5).unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("body")));
        }
    }

    #[test]
    fn an_event_of_another_mode_or_account_is_not_ours() {
        let live = serde_json::json!({ "livemode": true, "account": "acct_1" });
        let test = StripeConfig::new(concat!("sk", "_test_", "0123456789"));
        assert_eq!(is_ours(&test, &live).unwrap_err().field(), Some("body"));
        let ours = || StripeConfig::new(concat!("sk", "_live_", "0123456789"));
        assert!(is_ours(&ours(), &live).is_ok());
        assert!(is_ours(&ours().account("acct_1"), &live).is_ok());
        assert!(is_ours(&ours().account("acct_2"), &live).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(header in "\\PC{0,80}", body: Vec<u8>) {
            let _ = verify(&config(), Some(&header), &body, 1_764_000_000);
            let _ = event(&body);
        }
    }
}
