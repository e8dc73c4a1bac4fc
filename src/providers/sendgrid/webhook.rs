//! The signed Event Webhook: <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>.

use base64::{Engine, engine::general_purpose::STANDARD};
use p256::{
    ecdsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier},
    pkcs8::DecodePublicKey,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{SendgridConfig, compose::MARK};
use crate::{
    error::Result,
    model::{RequestId, Timestamp},
    providers::{
        Delivery, DeliveryStage, Incoming, Webhook, WebhookEvent,
        webhook::{bad_body, bad_signature, no_secret},
    },
};

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// The longest reason that is kept.
const LONGEST_REASON: usize = 60;

/// The console's verification key: base64 of a P-256 public key (SubjectPublicKeyInfo, DER).
pub(super) fn public_key(text: &str) -> Option<VerifyingKey> {
    VerifyingKey::from_public_key_der(&STANDARD.decode(text.trim()).ok()?).ok()
}

/// Verifies the signature over timestamp and raw body with each key of the settings, then the age, then reads the events.
pub(super) fn verify(config: &SendgridConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
    let keys = [&config.webhook_public_key, &config.previous_webhook_public_key];
    let mut keys = keys.into_iter().flatten().filter_map(|key| public_key(key)).peekable();
    if keys.peek().is_none() {
        return Err(no_secret("webhook_public_key", "SendGrid"));
    }
    let signature = incoming.required(SIGNATURE)?;
    let timestamp = incoming.required(TIMESTAMP)?;
    let signature = STANDARD.decode(signature).map_err(|_| bad_signature())?;
    let signature = Signature::from_der(&signature).map_err(|_| bad_signature())?;
    let digest = Sha256::new().chain_update(timestamp).chain_update(incoming.body).finalize();
    if !keys.any(|key| key.verify_prehash(&digest, &signature).is_ok()) {
        return Err(bad_signature());
    }
    // It is signed as text; that it is a number of seconds is for us to find out.
    let seconds: i64 = timestamp.parse().map_err(|_| bad_signature())?;
    incoming.check_age(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))?;
    read(incoming.body).map(Webhook::Events)
}

fn read(body: &[u8]) -> Result<Vec<WebhookEvent>> {
    let events: Vec<Value> = serde_json::from_slice(body).map_err(|_| bad_body("is not a JSON list of events"))?;
    events.into_iter().enumerate().map(|(at, event)| read_one(at, event)).collect()
}

fn read_one(at: usize, event: Value) -> Result<WebhookEvent> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(kind) = text("event") else {
        return Err(bad_body(format_args!("has no kind of event at [{at}].event")));
    };
    let id = match text("sg_event_id") {
        Some(id) => id.to_owned(),
        // Account-status events and very old accounts have none: the same event says the same.
        None => format!("sha256-{}", hex::encode(Sha256::digest(event.to_string()))),
    };
    let delivery = stage(kind).zip(text("sg_message_id")).map(|(stage, id)| {
        // Up to a thousand copies have one message id. Two to one address differ in the rest of the id, two of one
        // personalization in the address.
        let copy = format!("{id} {}", text("email").unwrap_or_default().to_lowercase());
        let mut delivery = Delivery::new(message_id(id), stage).copy(copy);
        delivery.reason = reason(stage, &event).map(str::to_owned);
        // After an answer that never came, the mark is all that is known of the message.
        match text(MARK).filter(|mark| mark.parse::<RequestId>().is_ok()) {
            Some(mark) => delivery.request_id(mark),
            None => delivery,
        }
    });
    let moment = event.get("timestamp").and_then(Value::as_i64).and_then(|seconds| seconds.checked_mul(1_000_000));
    let mut read = WebhookEvent::new(id, kind, event.clone());
    if let Some(micros) = moment {
        read = read.at(Timestamp::from_micros(micros));
    }
    Ok(match delivery {
        Some(delivery) => read.delivery(delivery),
        None => read,
    })
}

/// What an event says of how far the message has come; none for those about its holder's wishes.
fn stage(kind: &str) -> Option<DeliveryStage> {
    Some(match kind {
        "processed" => DeliveryStage::Queued,
        "deferred" => DeliveryStage::Sending,
        "delivered" => DeliveryStage::Delivered,
        "bounce" | "blocked" | "dropped" => DeliveryStage::Failed,
        "open" | "click" => DeliveryStage::Read,
        _ => return None,
    })
}

/// The mail server's code of a bounce, SendGrid's few words for why it dropped a message.
fn reason(stage: DeliveryStage, event: &Value) -> Option<&str> {
    if stage != DeliveryStage::Failed {
        return None;
    }
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    // A mail server's own words may repeat the address; they stay in the event.
    [text("status"), text("reason"), text("type")]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty() && text.len() <= LONGEST_REASON && !text.contains('@'))
}

/// The message's id (`X-Message-Id`) is the beginning of each copy's.
pub(super) fn message_id(copy: &str) -> &str {
    [".filter", ".recvd"].into_iter().find_map(|mark| copy.find(mark)).map_or(copy, |end| &copy[..end])
}
