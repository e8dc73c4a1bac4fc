//! Stripe's refusals, and which of them may be repeated. <https://docs.stripe.com/api/errors>,
//! <https://docs.stripe.com/error-low-level>

use serde_json::Value;

use super::wire;
use crate::{
    error::{Error, ErrorCode, VendorError},
    model::Timestamp,
    transport::{Decision, Headers, Repeat, Seen},
};

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| answer.pointer(&format!("/error/{name}")).and_then(Value::as_str);
    let kind = text("type").unwrap_or_default();
    let code = text("code");
    // Of a declined card the reason is what the card's bank says.
    let shown = text("decline_code").or(code).map(str::to_owned);
    let vendor = VendorError {
        status,
        code: shown.or_else(|| (!kind.is_empty()).then(|| kind.to_owned())),
        message: text("message").map(str::to_owned),
        request_id: headers.get("request-id").map(str::to_owned),
    };
    let field = text("param").map(wire::path);
    let (ours, message) = match (status, kind, code.unwrap_or_default()) {
        (401, ..) => {
            (ErrorCode::NeedsReconnect, "Stripe does not accept the secret key; an administrator must renew it")
        }
        (403, ..) => (
            ErrorCode::NeedsReconnect,
            "the key may not do this, or not on behalf of this account; an administrator must give it the permission",
        ),
        (402, ..) => (ErrorCode::Vendor, "the payment was declined; the payer must choose another way to pay"),
        (404, ..) => (ErrorCode::NotFound, "Stripe has no such object"),
        (400, _, "resource_missing") if field.is_some() => (ErrorCode::NotFound, "Stripe has no such object"),
        (_, "idempotency_error", _) => {
            (ErrorCode::IdempotencyConflict, "Stripe knows this idempotency key from a call with other arguments")
        }
        (409, ..) => (ErrorCode::InProgress, "a request with this idempotency key, or on this object, is under way"),
        (429, ..) => (ErrorCode::RateLimited, "too many requests for this Stripe account"),
        (500..=599, ..) => (ErrorCode::VendorUnavailable, "Stripe failed within"),
        (400, "invalid_request_error", code) if field.is_some() && !is_state(code) => {
            (ErrorCode::InvalidArgument, "Stripe refuses this argument")
        }
        _ => (ErrorCode::Vendor, "Stripe refused the request"),
    };
    let message = match &vendor.message {
        Some(theirs) if matches!(ours, ErrorCode::InvalidArgument | ErrorCode::Vendor) => {
            format!("{message}: {theirs}")
        }
        _ => message.to_owned(),
    };
    let error = Error::new(ours, message).with_vendor(vendor);
    match field {
        Some(field) => error.with_field(field),
        None => error,
    }
}

/// What is wrong is not the argument, but what became of the object it names.
fn is_state(code: &str) -> bool {
    code.ends_with("unexpected_state")
        || matches!(code, "charge_already_refunded" | "charge_already_captured" | "invoice_not_editable")
}

/// What Stripe's answers mean for repeating: its own word where it gives one. A key's conflict passes; a declined card
/// does not.
pub(super) fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
    let usual = crate::transport::decide(seen, repeat, now);
    let Seen::Answer(answer) = seen else { return usual };
    let wait = || match usual {
        Decision::Again(wait) | Decision::Later(wait) => wait,
        _ => crate::transport::retry_after(&answer.headers, now),
    };
    match (answer.headers.get("stripe-should-retry"), answer.status) {
        (_, 200..=299) => Decision::Take,
        // The same request is under way; what comes of it nobody knows yet.
        (Some("false"), 409) if repeat == Repeat::WithKey => Decision::Unknown,
        (Some("false"), _) => Decision::Take,
        (_, 429) => usual,
        (Some("true"), _) if repeat != Repeat::Never => Decision::Again(wait()),
        (_, 409) if repeat != Repeat::Never => Decision::Again(wait()),
        _ => usual,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transport::Response;

    fn of(status: u16, body: &str) -> Error {
        parse(status, &Headers::default(), body.as_bytes())
    }

    #[test]
    fn refusals_say_what_to_mend() {
        let declined = of(
            402,
            r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline","message":"Your card was declined."}}"#,
        );
        assert_eq!(declined.code(), ErrorCode::Vendor);
        assert_eq!(declined.vendor().unwrap().code.as_deref(), Some("generic_decline"));
        let wrong = of(
            400,
            r#"{"error":{"type":"invalid_request_error","param":"line_items[0][price]","message":"No such price"}}"#,
        );
        assert_eq!((wrong.code(), wrong.field()), (ErrorCode::InvalidArgument, Some("lineItems[0].price")));
        let state =
            of(400, r#"{"error":{"type":"invalid_request_error","code":"charge_already_refunded","param":"charge"}}"#);
        assert_eq!(state.code(), ErrorCode::Vendor);
        let missing =
            of(404, r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer"}}"#);
        assert_eq!((missing.code(), missing.field()), (ErrorCode::NotFound, Some("customer")));
        for (status, code) in [
            (401, ErrorCode::NeedsReconnect),
            (403, ErrorCode::NeedsReconnect),
            (409, ErrorCode::InProgress),
            (429, ErrorCode::RateLimited),
            (500, ErrorCode::VendorUnavailable),
        ] {
            assert_eq!(of(status, "{}").code(), code);
        }
        assert_eq!(of(400, r#"{"error":{"type":"idempotency_error"}}"#).code(), ErrorCode::IdempotencyConflict);
    }

    #[test]
    fn its_own_word_on_repeating_goes_first() {
        let with = |status, word: &str, repeat| {
            let mut headers = Headers::default();
            if !word.is_empty() {
                headers.set("Stripe-Should-Retry", word);
            }
            let answer = Response { status, headers, body: Default::default() };
            decide(Seen::Answer(&answer), repeat, Timestamp::default())
        };
        assert_eq!(with(500, "", Repeat::WithKey), Decision::Again(None));
        assert_eq!(with(500, "false", Repeat::WithKey), Decision::Take);
        assert_eq!(with(400, "true", Repeat::WithKey), Decision::Again(None));
        assert_eq!(with(409, "", Repeat::WithKey), Decision::Again(None));
        assert_eq!(with(409, "false", Repeat::WithKey), Decision::Unknown);
        assert_eq!(with(402, "", Repeat::WithKey), Decision::Take);
        assert_eq!(with(429, "", Repeat::Always), Decision::Later(None));
        assert_eq!(with(429, "false", Repeat::Always), Decision::Take);
        assert_eq!(with(200, "true", Repeat::WithKey), Decision::Take);
    }

    proptest! {
        #[test]
        fn any_body_is_an_error(status in 300u16..600, body: Vec<u8>) {
            let _ = parse(status, &Headers::default(), &body);
        }
    }
}
