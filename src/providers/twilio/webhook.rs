//! Twilio's requests to us: reports on messages and calls, and messages that came in.
//!
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-security>

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use url::Url;

use super::TwilioConfig;
use crate::{
    error::Result,
    providers::{
        Delivery, DeliveryStage, Incoming, Webhook, WebhookEvent,
        webhook::{bad_body, bad_signature, equal},
    },
};

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Verifies the signature over every address that Twilio may have signed, then reads the event.
///
/// Twilio signs no time, so there is nothing to be stale: a repetition is known by its event.
pub(super) fn read(config: &TwilioConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
    let signature = incoming.required("x-twilio-signature")?;
    let signature = STANDARD.decode(signature.trim()).map_err(|_| bad_signature())?;
    // A JSON body is signed by its digest, which stands in the address.
    let digest = incoming.url.query_pairs().find(|(name, _)| name == "bodySHA256").map(|(_, digest)| digest);
    let form = if digest.is_some() { Vec::new() } else { pairs(incoming.body) };
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort();
    let secrets = [Some(&config.auth_token), config.previous_auth_token.as_ref()];
    // Which address was signed is no secret: the first that fits will do.
    let fits = |address: &str| {
        let mut secrets = secrets.into_iter().flatten();
        secrets.any(|secret| equal(&sign(secret.expose(), address, &sorted), &signature))
    };
    if !fits(incoming.url.as_str()) && !addresses(config, incoming.url).iter().any(|address| fits(address)) {
        return Err(bad_signature());
    }
    let data = match digest {
        Some(digest) => {
            if !equal(hex::encode(Sha256::digest(incoming.body)).as_bytes(), digest.to_ascii_lowercase().as_bytes()) {
                return Err(bad_signature());
            }
            serde_json::from_slice(incoming.body).map_err(|_| bad_body("is not JSON"))?
        }
        None => object(form),
    };
    event(data).map(|event| Webhook::Events(vec![event]))
}

/// The account that a webhook claims to be of.
pub(super) fn claimed_account(incoming: &Incoming<'_>) -> Option<String> {
    let named =
        pairs(incoming.body).into_iter().find(|(name, _)| name == "AccountSid").map(|(_, sid)| sid.into_owned());
    named.or_else(|| {
        let body: Value = serde_json::from_slice(incoming.body).ok()?;
        body.get("AccountSid").or_else(|| body.get("account_sid"))?.as_str().map(str::to_owned)
    })
}

fn pairs(body: &[u8]) -> Pairs<'_> {
    match std::str::from_utf8(body) {
        Ok(text) => text.split('&').filter(|pair| !pair.is_empty()).flat_map(pair).collect(),
        Err(_) => url::form_urlencoded::parse(body).collect(),
    }
}

/// Most stand there as they are: to decode what is not encoded takes half of the time of verifying all.
fn pair(pair: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    if pair.contains('%') || pair.contains('+') {
        return url::form_urlencoded::parse(pair.as_bytes()).next();
    }
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((name.into(), value.into()))
}

/// HMAC-SHA1 over the address and, sorted by name and value, every parameter's name and value.
fn sign(secret: &str, address: &str, sorted: &[&(Cow<'_, str>, Cow<'_, str>)]) -> [u8; 20] {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    mac.update(address.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// What Twilio may have signed beside the address as it came: the one that the settings give it where a proxy has changed
/// it, and each with and without its port.
fn addresses(config: &TwilioConfig, url: &Url) -> Vec<String> {
    let mut addresses = Vec::new();
    let given = config.status_callback.clone().map(|mut given| {
        given.set_query(url.query());
        given
    });
    for url in [Some(url.clone()), given].into_iter().flatten() {
        addresses.push(url.to_string());
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { continue };
        let rest = &url[url::Position::BeforePath..];
        addresses.push(format!("{}://{host}{rest}", url.scheme()));
        addresses.push(format!("{}://{host}:{port}{rest}", url.scheme()));
    }
    addresses
}

/// A name that stands there several times becomes an array.
fn object(pairs: Pairs<'_>) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value.into_owned());
        match object.get_mut(&*name) {
            None => drop(object.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

fn event(data: Value) -> Result<WebhookEvent> {
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let message = text("MessageSid").or_else(|| text("SmsSid"));
    let status = text("MessageStatus").or_else(|| text("SmsStatus"));
    let (sid, status, kind) = match (message, status, text("CallSid"), text("CallStatus")) {
        (Some(sid), Some("received"), ..) => (sid, "received", "message.received"),
        (Some(sid), Some(status), ..) => (sid, status, "message.status"),
        (None, _, Some(sid), Some(status)) => (sid, status, "call.status"),
        // Whatever else it sends has its own id, or none: then what it says is what it is.
        _ => {
            let digest = hex::encode(&Sha256::digest(data.to_string())[..16]);
            let id = text("Sid").or_else(|| text("EventSid")).map_or(digest, str::to_owned);
            return Ok(WebhookEvent::new(id, "other", data));
        }
    };
    let stage = match status {
        "accepted" | "scheduled" => Some(DeliveryStage::Accepted),
        "queued" | "initiated" => Some(DeliveryStage::Queued),
        "sending" | "ringing" => Some(DeliveryStage::Sending),
        "sent" | "in-progress" | "answered" => Some(DeliveryStage::Sent),
        "delivered" | "completed" => Some(DeliveryStage::Delivered),
        "read" => Some(DeliveryStage::Read),
        "undelivered" | "failed" | "canceled" | "busy" | "no-answer" => Some(DeliveryStage::Failed),
        _ => None,
    };
    let delivery = stage.map(|stage| {
        let delivery = Delivery::new(sid, stage);
        // Of a call, its end is the reason.
        let reason = text("ErrorCode").filter(|code| *code != "0");
        let reason = reason.or((kind == "call.status" && stage == DeliveryStage::Failed).then_some(status));
        match reason {
            Some(reason) => delivery.reason(reason),
            None => delivery,
        }
    });
    let mut event = WebhookEvent::new(format!("{sid}/{status}"), kind, data);
    event.delivery = delivery;
    Ok(event)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ErrorCode, Timestamp, transport::Headers};

    const ACCOUNT: &str = "AC00000000000000000000000000000000";

    fn config() -> TwilioConfig {
        TwilioConfig::new(ACCOUNT, "12345")
    }

    fn verify(config: &TwilioConfig, url: &str, signature: Option<&str>, body: &[u8]) -> Result<Webhook> {
        let mut headers = Headers::default();
        if let Some(signature) = signature {
            headers.set("X-Twilio-Signature", signature);
        }
        let url: Url = url.parse().unwrap();
        read(config, &Incoming::new(&url, &headers, body, Timestamp::default()))
    }

    const BODY: &[u8] =
        b"To=%2B18005551212&Digits=1234&CallSid=CA1234567890ABCDE&From=%2B14158675310&Caller=%2B14158675310";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    /// Computed apart from this code with OpenSSL: `printf %s "$URL…" | openssl dgst -sha1 -hmac 12345 -binary | base64`,
    /// the parameters sorted and joined by hand.
    const SIGNATURE: &str = "GvWf1cFY/Q7PnoempGyD5oXAezc=";

    #[test]
    fn a_signature_computed_elsewhere_fits() {
        assert!(verify(&config(), URL, Some(SIGNATURE), BODY).is_ok());
        // The port may stand in the address or not.
        assert!(verify(&config(), "https://mycompany.com:443/myapp.php?foo=1&bar=2", Some(SIGNATURE), BODY).is_ok());
        // A parameter that moved is the same form.
        let moved =
            b"Digits=1234&To=%2B18005551212&CallSid=CA1234567890ABCDE&From=%2B14158675310&Caller=%2B14158675310";
        assert!(verify(&config(), URL, Some(SIGNATURE), moved).is_ok());
        let rotated =
            TwilioConfig { previous_auth_token: Some("12345".to_owned().into()), ..TwilioConfig::new(ACCOUNT, "new") };
        assert!(verify(&rotated, URL, Some(SIGNATURE), BODY).is_ok());
        // A proxy that hides the public address: the settings name it.
        let behind = config().status_callback("https://mycompany.com/myapp.php".parse().unwrap());
        assert!(verify(&behind, "http://10.0.0.7:8080/inside?foo=1&bar=2", Some(SIGNATURE), BODY).is_ok());
    }

    #[test]
    fn whatever_is_changed_does_not_fit() {
        let code = |result: Result<Webhook>| result.unwrap_err().code();
        let wrong = ErrorCode::SignatureInvalid;
        assert_eq!(code(verify(&config(), URL, None, BODY)), ErrorCode::SignatureMissing);
        assert_eq!(code(verify(&config(), URL, Some("nonsense"), BODY)), wrong);
        assert_eq!(code(verify(&config(), URL, Some(""), BODY)), wrong);
        assert_eq!(code(verify(&config(), URL, Some(SIGNATURE), &BODY[..BODY.len() - 1])), wrong);
        assert_eq!(code(verify(&config(), URL, Some(SIGNATURE), &[BODY, b"&More=1"].concat())), wrong);
        assert_eq!(
            code(verify(&config(), "https://mycompany.com/myapp.php?foo=1&bar=3", Some(SIGNATURE), BODY)),
            wrong
        );
        assert_eq!(code(verify(&config(), "https://evil.example/myapp.php?foo=1&bar=2", Some(SIGNATURE), BODY)), wrong);
        assert_eq!(code(verify(&TwilioConfig::new(ACCOUNT, "54321"), URL, Some(SIGNATURE), BODY)), wrong);
    }

    #[test]
    fn a_json_body_is_held_to_the_digest_in_the_address() {
        // printf %s '{"a":1}' | sha256sum; printf %s "$URL" | openssl dgst -sha1 -hmac 12345 -binary | base64
        let url =
            "https://school.example/hook?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        let signature = "IST5cx3JbWsgdVF4mTYNRB4Jrh8=";
        assert!(verify(&config(), url, Some(signature), br#"{"a":1}"#).is_ok());
        let error = verify(&config(), url, Some(signature), br#"{"a":2}"#).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SignatureInvalid);
    }

    #[test]
    fn reports_become_events() {
        let of = |body: &[u8]| event(object(pairs(body))).unwrap();
        let sent = of(b"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003&AccountSid=AC0");
        assert_eq!((sent.id.as_str(), sent.kind.as_str()), ("SM1/undelivered", "message.status"));
        assert_eq!(sent.delivery, Some(Delivery::new("SM1", DeliveryStage::Failed).reason("30003")));
        let call = of(b"CallSid=CA1&CallStatus=busy");
        assert_eq!(call.delivery, Some(Delivery::new("CA1", DeliveryStage::Failed).reason("busy")));
        let came = of(b"MessageSid=SM2&SmsStatus=received&Body=STOP&MediaUrl=a&MediaUrl=b");
        assert_eq!((came.kind.as_str(), came.delivery), ("message.received", None));
        assert_eq!(came.data["MediaUrl"], serde_json::json!(["a", "b"]));
    }

    proptest! {
        #[test]
        fn a_form_is_read_as_the_standard_says(body in "[-a&=+%é0-9A-F]{0,60}") {
            let standard: Pairs<'_> = url::form_urlencoded::parse(body.as_bytes()).collect();
            prop_assert_eq!(pairs(body.as_bytes()), standard);
        }

        #[test]
        fn any_bytes_are_answered_without_a_panic(body: Vec<u8>, signature in "\\PC{0,40}") {
            let _ = verify(&config(), URL, Some(&signature), &body);
            let url: Url = URL.parse().unwrap();
            let headers = Headers::default();
            let incoming = Incoming::new(&url, &headers, &body, Timestamp::default());
            let _ = claimed_account(&incoming);
            let _ = event(object(pairs(&body)));
        }
    }
}
