//! SendGrid's refusals: `{"errors": [{"message": "…", "field": "…", "help": …}]}`.

use std::time::Duration;

use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, Retry, VendorError},
    model::Timestamp,
    transport::{Decision, Headers, Repeat, Seen, decide as usual},
};

/// The longest piece of the vendor's words that is kept.
const LONGEST: usize = 300;
/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    // One endpoint of the contract has an object where all others have a list.
    let first = answer.pointer("/errors/0").or_else(|| answer.get("errors")).unwrap_or(&answer);
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).map(discreet)?;
        (!text.is_empty()).then_some(text)
    };
    let field = text(first.get("field").or_else(|| first.get("parameter")));
    let vendor = VendorError {
        status,
        code: text(first.get("error_id")).filter(|id| !id.contains(' ')),
        message: text(first.get("message").or_else(|| answer.get("error"))),
        request_id: text(answer.get("id")).or_else(|| headers.get("x-request-id").map(discreet)),
    };
    let said = vendor.message.clone().unwrap_or_else(|| format!("it answered {status} and does not say why"));
    let error = match status {
        400 if about_plan(&said) => Error::new(ErrorCode::Vendor, format!("SendGrid refused the request: {said}")),
        400 => match field.as_deref().map(path) {
            Some(path) => Error::invalid(path, format!("SendGrid refused it: {said}")),
            None => Error::new(ErrorCode::Vendor, format!("SendGrid refused the request: {said}")),
        },
        401 => Error::new(
            ErrorCode::NeedsReconnect,
            "SendGrid no longer accepts the API key; an administrator must make a new one in SendGrid's console and put \
             it into the tenant's config",
        ),
        403 if said.contains("from address") || said.contains("Sender Identity") => Error::new(
            ErrorCode::NotConfigured,
            "the address that mail comes from is not a verified sender; verify it in SendGrid's console under Sender \
             Authentication",
        )
        .with_field("from_email"),
        403 => Error::new(
            ErrorCode::NotConfigured,
            "the API key may not do this; give it the permission in SendGrid's console (getScopes tells what it has)",
        )
        .with_field("api_key"),
        404 => Error::new(ErrorCode::NotFound, "SendGrid has no such record in this account"),
        413 => Error::new(ErrorCode::TooLarge, "the request is larger than SendGrid takes"),
        429 => {
            let wait = reset(headers).zip(date(headers)).map(|(reset, now)| reset.since(now).min(LONGEST_WAIT));
            Error::new(ErrorCode::RateLimited, "too many requests for this SendGrid account")
                .with_retry(Retry::After(wait.unwrap_or(Duration::from_secs(1))))
        }
        500.. => Error::new(ErrorCode::VendorUnavailable, format!("SendGrid answered {status}")),
        _ => Error::new(ErrorCode::Vendor, format!("SendGrid refused the request: {said}")),
    };
    error.with_vendor(vendor)
}

/// SendGrid tells by 429 when the count begins anew, in `X-RateLimit-Reset`, and has no `Retry-After`.
pub(super) fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
    if let (Seen::Answer(answer), Decision::Later(None)) = (seen, usual(seen, repeat, now)) {
        return Decision::Later(reset(&answer.headers).map(|reset| reset.since(now).min(LONGEST_WAIT)));
    }
    usual(seen, repeat, now)
}

/// When the count of requests begins anew: seconds since 1970.
fn reset(headers: &Headers) -> Option<Timestamp> {
    let seconds: i64 = headers.get("x-ratelimit-reset")?.trim().parse().ok()?;
    Some(Timestamp::from_micros(seconds.checked_mul(1_000_000)?))
}

fn date(headers: &Headers) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(headers.get("date")?).ok()?;
    Some(Timestamp::from_micros(date.timestamp().as_microsecond()))
}

/// A plan's end, which SendGrid tells as a wrong argument.
fn about_plan(message: &str) -> bool {
    message.contains("credits exceeded")
}

/// `personalizations.0.to.1.email` is `personalizations[0].to[1].email`.
fn path(field: &str) -> String {
    let mut path = String::new();
    for part in field.split('.').filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}

/// The vendor's words without addresses of people: SendGrid repeats the address it refuses.
fn discreet(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.len() + word.len() > LONGEST {
            out.push('…');
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(if word.contains('@') { "…" } else { word });
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::transport::Response;

    fn parsed(status: u16, body: &str) -> Error {
        parse(status, &Headers::default(), body.as_bytes())
    }

    #[test]
    fn a_refusal_names_the_field_and_keeps_the_vendors_words() {
        let body = json!({ "errors": [{
            "message": "Does not contain a valid address: jo@", "field": "personalizations.3.to.1.email", "help": "http://x",
        }] });
        let error = parsed(400, &body.to_string());
        assert_eq!(
            (error.code(), error.field()),
            (ErrorCode::InvalidArgument, Some("personalizations[3].to[1].email"))
        );
        assert_eq!(error.vendor().unwrap().message.as_deref(), Some("Does not contain a valid address: …"));
        let object = json!({ "errors": { "message": "name is taken", "field": "name" } });
        assert_eq!(parsed(400, &object.to_string()).field(), Some("name"));
    }

    #[test]
    fn each_status_is_told_as_what_it_is() {
        let of = |message: &str| json!({ "errors": [{ "message": message, "field": null }] }).to_string();
        for (status, message, code, field) in [
            (400, "Maximum credits exceeded", ErrorCode::Vendor, None),
            (401, "authorization required", ErrorCode::NeedsReconnect, None),
            (403, "access forbidden", ErrorCode::NotConfigured, Some("api_key")),
            (
                403,
                "The from address does not match a verified Sender Identity.",
                ErrorCode::NotConfigured,
                Some("from_email"),
            ),
            (404, "not found", ErrorCode::NotFound, None),
            (413, "too large", ErrorCode::TooLarge, None),
            (429, "too many requests", ErrorCode::RateLimited, None),
            (503, "unavailable", ErrorCode::VendorUnavailable, None),
        ] {
            let error = parsed(status, &of(message));
            assert_eq!((error.code(), error.field()), (code, field), "{status} {message}");
        }
    }

    #[test]
    fn the_wait_after_429_is_the_vendors() {
        let mut headers = Headers::default();
        headers.set("x-ratelimit-reset", "1000");
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let seen = |status, headers: &Headers, now| {
            let answer = Response { status, headers: headers.clone(), body: Default::default() };
            decide(Seen::Answer(&answer), Repeat::Never, now)
        };
        let wait = |now| seen(429, &headers, now);
        assert_eq!(wait(at(970)), Decision::Later(Some(Duration::from_secs(30))));
        assert_eq!(wait(at(2000)), Decision::Later(Some(Duration::ZERO)));
        assert_eq!(wait(at(-100_000)), Decision::Later(Some(LONGEST_WAIT)));
        headers.set("date", "Thu, 01 Jan 1970 00:16:30 GMT");
        assert_eq!(parse(429, &headers, b"").retry_after(), Some(Duration::from_secs(10)));
        headers.set("x-ratelimit-reset", "soon");
        assert_eq!(seen(429, &headers, at(0)), Decision::Later(None));
        assert_eq!(seen(500, &headers, at(0)), Decision::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(status in 300u16..600, body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let error = parse(status, &Headers::default(), &body);
            proptest::prop_assert_eq!(error.vendor().unwrap().status, status);
        }

        #[test]
        fn any_words(message in "\\PC{0,80}", name in "[a-z]{3,9}@[a-z]{2,9}\\.[a-z]{2,3}", field in "\\PC{0,30}") {
            let body = json!({ "errors": [{ "message": format!("{message} {name} {message}"), "field": field }] });
            let error = parse(400, &Headers::default(), body.to_string().as_bytes());
            let shown = format!("{error:?} {error}");
            proptest::prop_assert!(!shown.contains(&name));
        }
    }
}
