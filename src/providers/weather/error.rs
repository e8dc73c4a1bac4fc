//! The refusals of four services: OpenWeather's `{cod, message, parameters}`, the problem documents of the National
//! Weather Service (and its front's web pages), Open-Meteo's `{error, reason}`, the Census Bureau's `{errors}`.

use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, VendorError},
    transport::Headers,
};

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| match answer.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let message = ["/message", "/parameterErrors/0/message", "/detail", "/title", "/reason", "/errors/0"]
        .into_iter()
        .find_map(text);
    let request_id = ["x-request-id", "x-correlation-id"].into_iter().find_map(|name| headers.get(name));
    let vendor = VendorError {
        status,
        code: text("/cod").or_else(|| text("/type")),
        message: message.clone(),
        request_id: request_id.map(str::to_owned).or_else(|| text("/correlationId")),
    };
    let is_openweather = answer.get("cod").is_some();
    let said = |word: &str| message.as_ref().is_some_and(|message| message.to_ascii_lowercase().contains(word));
    let (code, message) = match status {
        // "Minutely/Hourly/Daily API request limit exceeded" comes with 400 from Open-Meteo's free hosts.
        429 => (ErrorCode::RateLimited, "too many requests for this weather source"),
        400 if said("limit exceeded") => (ErrorCode::RateLimited, "too many requests for this weather source"),
        401 if said("one call") || said("subscription") => (
            ErrorCode::Vendor,
            "OpenWeather's account has not subscribed to this product; subscribe, or set one_call to false",
        ),
        401 => (
            ErrorCode::NeedsReconnect,
            "the weather source does not accept the key; a new key works after up to two hours, else an administrator must renew it",
        ),
        403 if !is_openweather => (
            ErrorCode::Vendor,
            "the weather source refused access; the National Weather Service wants a contact in the config",
        ),
        404 => (ErrorCode::NotFound, "the weather source has nothing for this place"),
        500..=599 => (ErrorCode::VendorUnavailable, "the weather source failed within"),
        _ => (ErrorCode::Vendor, "the weather source refused the request"),
    };
    Error::new(code, message).with_vendor(vendor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_dialect_is_read() {
        let none = Headers::default();
        for (status, body, code, word) in [
            (401, r#"{"cod":401,"message":"Invalid API key"}"#, ErrorCode::NeedsReconnect, Some("Invalid API key")),
            (
                401,
                r#"{"cod":401,"message":"Please note that using One Call 3.0 requires a separate subscription"}"#,
                ErrorCode::Vendor,
                Some("Please note that using One Call 3.0 requires a separate subscription"),
            ),
            (404, r#"{"cod":"404","message":"city not found"}"#, ErrorCode::NotFound, Some("city not found")),
            (429, r#"{"cod":429,"message":"blocked"}"#, ErrorCode::RateLimited, Some("blocked")),
            (
                400,
                r#"{"parameterErrors":[{"parameter":"query.limit","message":"not recognized"}],"title":"Bad Request"}"#,
                ErrorCode::Vendor,
                Some("not recognized"),
            ),
            (
                404,
                r#"{"type":"https://api.weather.gov/problems/InvalidPoint","title":"Data Unavailable For Requested Point","status":404}"#,
                ErrorCode::NotFound,
                Some("Data Unavailable For Requested Point"),
            ),
            (403, "<html>Access Denied</html>", ErrorCode::Vendor, None),
            (
                400,
                r#"{"error":true,"reason":"Latitude must be in range"}"#,
                ErrorCode::Vendor,
                Some("Latitude must be in range"),
            ),
            (
                400,
                r#"{"error":true,"reason":"Daily API request limit exceeded."}"#,
                ErrorCode::RateLimited,
                Some("Daily API request limit exceeded."),
            ),
            (503, "", ErrorCode::VendorUnavailable, None),
        ] {
            let error = parse(status, &none, body.as_bytes());
            assert_eq!((error.code(), error.vendor().unwrap().message.as_deref()), (code, word), "{status} {body}");
        }
        let cod = parse(404, &none, br#"{"cod":"404","message":"city not found"}"#);
        assert_eq!(cod.vendor().unwrap().code.as_deref(), Some("404"));
    }

    proptest! {
        #[test]
        fn any_body_is_an_error(status in 300_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(parse(status, &Headers::default(), &body).vendor().unwrap().status, status);
        }
    }
}
