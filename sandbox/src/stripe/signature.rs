//! `Stripe-Signature`, and the envelope of an event.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{VERSION, ids};

/// The value of `Stripe-Signature` for a body sent at `timestamp` (seconds since 1970): `t=…,v1=…`, where v1 is the
/// HMAC-SHA256 under the whole secret over the timestamp, a full stop and the body.
pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    use std::fmt::Write;

    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // HMAC takes keys of every length.
        return String::new();
    };
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    let mut header = format!("t={timestamp},v1=");
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}

/// An event as a webhook delivers it: `kind` such as `invoice.paid`, and the object it is about.
///
/// The event's id follows from its content and `created` from the object's: the same event twice is a redelivery.
pub fn event(kind: &str, object: Value) -> Value {
    let seed = ids::hash(kind.as_bytes()) ^ ids::hash(object.to_string().as_bytes());
    let created = object["created"].as_i64().unwrap_or(1_700_000_000);
    let livemode = object["livemode"].as_bool().unwrap_or(false);
    envelope(&format!("evt_1{}", ids::text(seed)), kind, object, created, livemode)
}

pub(super) fn envelope(id: &str, kind: &str, object: Value, created: i64, livemode: bool) -> Value {
    json!({
        "id": id,
        "object": "event",
        "api_version": VERSION,
        "created": created,
        "data": { "object": object },
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null },
        "type": kind,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{event, sign};

    /// Computed apart from this code with OpenSSL:
    /// `printf %s '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`
    #[test]
    fn agrees_with_openssl() {
        assert_eq!(sign("whsec_test", 1_700_000_000, br#"{"id":"evt_1"}"#), VECTOR);
    }

    const VECTOR: &str = "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    #[test]
    fn the_same_event_has_the_same_id() {
        let object = json!({ "id": "in_1", "created": 5, "livemode": true });
        let first = event("invoice.paid", object.clone());
        assert_eq!(first, event("invoice.paid", object.clone()));
        assert_ne!(first["id"], event("invoice.voided", object)["id"]);
        assert_eq!((first["created"].as_i64(), first["livemode"].as_bool()), (Some(5), Some(true)));
    }
}
