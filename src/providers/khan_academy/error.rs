//! Refusals of an API in the shape of v1. v1 answered in plain text: `OAuth error. Invalid signature. …`, and repeated in
//! it the address, the keys and what it had expected to be signed; so nothing of that text is kept but known phrases.

use std::time::Duration;

use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, Retry, VendorError},
    transport::Headers,
};

/// What v1 said, in lower case as it is looked for; our code and our words.
const PHRASES: &[(&str, ErrorCode, &str)] = &[
    (
        "invalid signature",
        ErrorCode::NeedsReconnect,
        "the OAuth signature is not accepted; check the two OAuth secrets",
    ),
    ("invalid consumer", ErrorCode::NeedsReconnect, "the OAuth client key is not known there; check consumer_key"),
    ("invalid access token", ErrorCode::NeedsReconnect, "the OAuth token is no longer accepted; it must be renewed"),
    (
        "expired timestamp",
        ErrorCode::Vendor,
        "the time of the signature is not accepted; one of the two clocks is wrong",
    ),
    ("nonce already used", ErrorCode::Vendor, "the signature was taken for one that had been used before"),
];

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let said = said(body).to_lowercase();
    let known = PHRASES.iter().find(|(phrase, ..)| said.contains(phrase));
    let vendor = VendorError {
        status,
        code: None,
        message: known.map(|(phrase, ..)| (*phrase).to_owned()),
        request_id: headers.get("x-request-id").filter(|id| is_plain(id)).map(str::to_owned),
    };
    let (code, words) = match (known, status) {
        (Some((_, code, words)), 400 | 401 | 403) => (*code, (*words).to_owned()),
        (_, 401) => (
            ErrorCode::NeedsReconnect,
            "the API at base_url does not accept the credentials; an administrator must renew them".to_owned(),
        ),
        (_, 403) => {
            (ErrorCode::Vendor, "the credentials may not read this; only a coach may read a student".to_owned())
        }
        (_, 404) => (ErrorCode::NotFound, "the API at base_url has no such record".to_owned()),
        (_, 410) => (
            ErrorCode::Vendor,
            "the API at base_url says that this is gone, as Khan Academy's own has been since 2020".to_owned(),
        ),
        (_, 429) => (ErrorCode::RateLimited, "too many requests to the API at base_url".to_owned()),
        (_, 500..) => (ErrorCode::VendorUnavailable, format!("the API at base_url answered {status}")),
        _ => (ErrorCode::Vendor, format!("the API at base_url refused the request with status {status}")),
    };
    let wait = headers.get("retry-after").and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs);
    let error = Error::new(code, words);
    let error = match (code, wait) {
        (ErrorCode::RateLimited | ErrorCode::VendorUnavailable, Some(wait)) => error.with_retry(Retry::After(wait)),
        (ErrorCode::RateLimited, None) => error.with_retry(Retry::After(Duration::from_secs(1))),
        _ => error,
    };
    error.with_vendor(vendor)
}

/// The text of a plain answer, or of the fields in which gateways put it.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]).into_owned();
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let found = ["/error/message", "/error_description", "/message", "/error"]
        .into_iter()
        .find_map(|pointer| answer.pointer(pointer)?.as_str());
    found.map_or(text, str::to_owned)
}

fn is_plain(id: &str) -> bool {
    id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_phrases_have_their_own_words() {
        for (status, body, code, message) in [
            (
                401,
                "OAuth error. Invalid signature. Expected GET&https%3A%2F%2Fx&oauth_token%3Ds3cret",
                ErrorCode::NeedsReconnect,
                Some("invalid signature"),
            ),
            (401, "OAuth error. Invalid consumer: s3cret", ErrorCode::NeedsReconnect, Some("invalid consumer")),
            (400, "OAuth error. Expired timestamp: given s3cret", ErrorCode::Vendor, Some("expired timestamp")),
            (
                401,
                r#"{"error": {"message": "Nonce already used: s3cret"}}"#,
                ErrorCode::Vendor,
                Some("nonce already used"),
            ),
            (
                401,
                r#"{"error": "Invalid access token s3cret"}"#,
                ErrorCode::NeedsReconnect,
                Some("invalid access token"),
            ),
            (401, "s3cret", ErrorCode::NeedsReconnect, None),
            (403, "s3cret", ErrorCode::Vendor, None),
            (404, "null", ErrorCode::NotFound, None),
            (410, "", ErrorCode::Vendor, None),
            (429, "<html>s3cret", ErrorCode::RateLimited, None),
            (502, "{\"error\": 5}", ErrorCode::VendorUnavailable, None),
            (400, "student@school.example is s3cret", ErrorCode::Vendor, None),
        ] {
            let error = parse(status, &Headers::default(), body.as_bytes());
            assert_eq!(error.code(), code, "{status} {body}");
            assert_eq!(error.vendor().unwrap().message.as_deref(), message, "{status} {body}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn a_wait_is_kept() {
        let mut headers = Headers::default();
        headers.set("retry-after", "7");
        headers.set("x-request-id", "r-1");
        let error = parse(429, &headers, b"");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.vendor().unwrap().request_id.as_deref(), Some("r-1"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(status in 300u16..600, body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let error = parse(status, &Headers::default(), &body);
            proptest::prop_assert_eq!(error.vendor().unwrap().status, status);
            proptest::prop_assert!(!error.message().is_empty());
        }
    }
}
