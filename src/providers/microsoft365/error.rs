//! Microsoft365's refusals: `{"error": {"code": "…", "message": "…"}}`.

use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, VendorError},
    transport::Headers,
};

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let vendor = VendorError {
        status,
        code: text("/error/code"),
        message: text("/error/message"),
        request_id: headers.get("x-request-id").map(str::to_owned),
    };
    let (code, message) = match status {
        401 => {
            (ErrorCode::NeedsReconnect, "Microsoft365 no longer accepts the API key; an administrator must renew it")
        }
        404 => (ErrorCode::NotFound, "Microsoft365 has no such record"),
        429 => (ErrorCode::RateLimited, "too many requests for this Microsoft365 account"),
        500..=599 => (ErrorCode::VendorUnavailable, "Microsoft365 failed within"),
        _ => (ErrorCode::Vendor, "Microsoft365 refused the request"),
    };
    Error::new(code, message).with_vendor(vendor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_the_vendors_words() {
        let error = parse(401, &Headers::default(), br#"{"error": {"code": "bad_key", "message": "No such key"}}"#);
        assert_eq!(error.code(), ErrorCode::NeedsReconnect);
        assert_eq!(error.vendor().unwrap().code.as_deref(), Some("bad_key"));
    }

    #[test]
    fn any_body_is_an_error() {
        for body in [&b""[..], b"<html>", b"[]", b"{\"error\": 5}"] {
            assert_eq!(parse(503, &Headers::default(), body).code(), ErrorCode::VendorUnavailable);
        }
    }
}
