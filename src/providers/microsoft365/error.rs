//! Graph's refusals, and which of them may be repeated. <https://learn.microsoft.com/graph/errors>
//!
//! Workloads write their codes each in its own style, nest the real one, or leave it empty: what is not known here is read
//! by its status. Messages are for people and never decide.

use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, Retry, VendorError},
    model::Timestamp,
    transport::{Decision, Headers, Repeat, Seen, retry_after},
};

/// Said wherever a list or its changes can no longer be followed from where the caller stands.
const RESYNC: &str = "the place in the list is no longer known to Microsoft: begin again without a token, and compare all \
                      of it (a full resync)";

/// Refusals that pass by waiting, whatever their status.
const THROTTLED: &[&str] = &[
    "toomanyrequests",
    "activitylimitreached",
    "applicationthrottled",
    "request_throttledtemporarily",
    "errorserverbusy",
];

/// The school's own rules about sharing, which no consent changes.
const NOT_SHARED: &[&str] =
    &["sharingdisabled", "externalsharingdisabled", "notallowed", "invalidrecipient", "accountverificationrequired"];

/// A page or delta token that has gone stale.
const STALE: &[&str] = &[
    "resyncrequired",
    "resyncchangesapplydifferences",
    "resyncchangesuploaddifferences",
    "syncstatenotfound",
    "syncstateinvalid",
    "directory_expiredpagetoken",
    "directory_invalidpagetoken",
];

/// The codes of an answer, the outermost first. Workloads spell `innerError` in two ways, and nest it.
fn codes(body: &Value) -> Vec<String> {
    let mut codes = Vec::new();
    let mut at = body.get("error");
    while let Some(error) = at {
        if let Some(code) = error.get("code").and_then(Value::as_str).filter(|code| !code.is_empty()) {
            codes.push(code.to_owned());
        }
        // Deeper than this is nobody's.
        at = if codes.len() < 8 { error.get("innerError").or_else(|| error.get("innererror")) } else { None };
    }
    codes
}

/// Microsoft's words without the addresses that they repeat.
fn without_addresses(text: &str) -> String {
    let shown = |word: &str| if word.contains('@') { "…".to_owned() } else { word.to_owned() };
    text.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    read(status, headers, &body)
}

/// The same from an answer within a batch, which is JSON already.
pub(super) fn read(status: u16, headers: &Headers, body: &Value) -> Error {
    let codes = codes(body);
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let vendor = VendorError {
        status,
        code: codes.last().cloned(),
        message: text("/error/message").filter(|words| !words.is_empty()).map(without_addresses),
        request_id: headers
            .get("request-id")
            .or_else(|| text("/error/innerError/request-id"))
            .or_else(|| text("/error/innererror/request-id"))
            .map(str::to_owned),
    };
    let known: Vec<String> = codes.iter().map(|code| code.to_ascii_lowercase()).collect();
    let is = |names: &[&str]| known.iter().any(|code| names.contains(&code.as_str()));
    let detail = |name: &str| text(&format!("/error/details/0/{name}"));

    if is(STALE) || status == 410 {
        return Error::new(ErrorCode::Conflict, RESYNC).with_field("pageToken").with_vendor(vendor);
    }
    if is(THROTTLED) || matches!(status, 429 | 509) {
        // A date says nothing here, where the time is not known: `dated` reads it.
        let wait = headers.get("retry-after").filter(|wait| wait.trim().parse::<f64>().is_ok());
        let wait = wait.and_then(|_| retry_after(headers, Timestamp::default()));
        let error = Error::new(ErrorCode::RateLimited, "too many requests for this school's Microsoft 365");
        return error.with_retry(wait.map_or(Retry::Exhausted, Retry::After)).with_vendor(vendor);
    }
    let (code, message) = match status {
        400 | 403 if is(NOT_SHARED) => {
            (ErrorCode::Vendor, "the school's rules about sharing do not allow this person or this kind of link")
        }
        401 => (
            ErrorCode::NeedsReconnect,
            "Microsoft 365 does not accept the access token; an administrator has to connect it again",
        ),
        403 => (
            ErrorCode::NeedsReconnect,
            "Microsoft 365 does not allow this: the application, or the person who consented, lacks the permission",
        ),
        404 => (ErrorCode::NotFound, "Microsoft 365 has no such record, or not yet"),
        409 if is(&["namealreadyexists"]) => (ErrorCode::Conflict, "there is something of that name already"),
        400 | 409 if is(&["objectconflict", "request_multipleobjectswithsamekeyvalue"]) => {
            (ErrorCode::Conflict, "there is something with that name or address already")
        }
        400 if detail("code").is_some_and(|code| code.eq_ignore_ascii_case("objectconflict")) => {
            (ErrorCode::Conflict, "there is something with that name or address already")
        }
        409 => (ErrorCode::Conflict, "Microsoft 365 refuses this as it stands: it exists already, or was just changed"),
        412 => (ErrorCode::Conflict, "it was changed since it was read: read it again"),
        413 => (ErrorCode::TooLarge, "it is too large for Microsoft 365"),
        423 => (ErrorCode::Conflict, "it is locked: somebody has it open, or it is being processed; try later"),
        507 => (ErrorCode::Vendor, "the school's storage at Microsoft 365 is full"),
        500..=599 => (ErrorCode::VendorUnavailable, "Microsoft 365 failed within"),
        400 if text("/error/target").is_some() => (ErrorCode::InvalidArgument, "Microsoft 365 refuses this argument"),
        _ => (ErrorCode::Vendor, "Microsoft 365 refused the request"),
    };
    let message = match &vendor.message {
        Some(theirs) if matches!(code, ErrorCode::InvalidArgument | ErrorCode::Vendor) => {
            format!("{message}: {theirs}")
        }
        _ => message.to_owned(),
    };
    let error = Error::new(code, message).with_vendor(vendor);
    match text("/error/target").or_else(|| detail("target")) {
        Some(field) if matches!(code, ErrorCode::InvalidArgument | ErrorCode::Conflict) => error.with_field(field),
        _ => error,
    }
}

/// A refusal for the rate, or a failure within, with the wait that it asks for, which may be a date.
pub(super) fn dated(error: Error, headers: &Headers, now: Timestamp) -> Error {
    match retry_after(headers, now) {
        Some(wait) if matches!(error.code(), ErrorCode::RateLimited | ErrorCode::VendorUnavailable) => {
            error.with_retry(Retry::After(wait))
        }
        _ => error,
    }
}

/// What Graph's answers mean for repeating. Some workloads say 403 or 509 where they mean 429; nothing was done yet.
pub(super) fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
    match seen {
        Seen::Answer(answer) if matches!(answer.status, 403 | 509) => {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if read(answer.status, &answer.headers, &body).code() == ErrorCode::RateLimited {
                return Decision::Later(retry_after(&answer.headers, now));
            }
            Decision::Take
        }
        _ => crate::transport::decide(seen, repeat, now),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::transport::Response;

    fn of(status: u16, body: &Value) -> Error {
        parse(status, &Headers::default(), body.to_string().as_bytes())
    }

    #[test]
    fn the_table_of_refusals() {
        use ErrorCode::*;
        for (status, code, ours) in [
            (401, "InvalidAuthenticationToken", NeedsReconnect),
            (403, "Authorization_RequestDenied", NeedsReconnect),
            (403, "activityLimitReached", RateLimited),
            (404, "itemNotFound", NotFound),
            (404, "syncStateNotFound", Conflict),
            (409, "nameAlreadyExists", Conflict),
            (410, "resyncRequired", Conflict),
            (412, "preconditionFailed", Conflict),
            (423, "resourceLocked", Conflict),
            (429, "", RateLimited),
            (503, "serviceNotAvailable", VendorUnavailable),
            (507, "quotaLimitReached", Vendor),
            (400, "Request_BadRequest", Vendor),
        ] {
            assert_eq!(of(status, &json!({ "error": { "code": code } })).code(), ours, "{status} {code}");
        }
    }

    #[test]
    fn a_stale_token_says_that_all_must_be_read_again() {
        let error = of(410, &json!({ "error": { "code": "resyncRequired", "message": "Resync required." } }));
        assert_eq!(error.field(), Some("pageToken"));
        assert!(error.message().contains("full resync"), "{error}");
    }

    #[test]
    fn the_deepest_code_and_the_words_without_addresses_are_kept() {
        let body = json!({ "error": {
            "code": "generalException", "message": "User kid@yourschool.example is unknown.",
            "innererror": { "code": "ObjectConflict", "request-id": "r-1" },
        } });
        let error = of(400, &body);
        let vendor = error.vendor().unwrap();
        assert_eq!((error.code(), vendor.code.as_deref()), (ErrorCode::Conflict, Some("ObjectConflict")));
        assert_eq!(vendor.message.as_deref(), Some("User … is unknown."));
        assert_eq!(vendor.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn what_exists_names_what_is_taken() {
        let body = json!({ "error": {
            "code": "Request_BadRequest",
            "details": [{ "code": "ObjectConflict", "target": "userPrincipalName" }],
        } });
        let error = of(400, &body);
        assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("userPrincipalName")));
    }

    #[test]
    fn throttling_in_disguise_is_waited_for() {
        let mut headers = Headers::default();
        headers.set("retry-after", "7");
        let now = Timestamp::default();
        let answer = |status, code: &str| Response {
            status,
            headers: headers.clone(),
            body: json!({ "error": { "code": code } }).to_string().into(),
        };
        let later = Decision::Later(Some(Duration::from_secs(7)));
        assert_eq!(decide(Seen::Answer(&answer(403, "TooManyRequests")), Repeat::Never, now), later);
        assert_eq!(decide(Seen::Answer(&answer(509, "")), Repeat::Never, now), later);
        assert_eq!(decide(Seen::Answer(&answer(403, "accessDenied")), Repeat::Always, now), Decision::Take);
        let body = json!({ "error": { "code": "TooManyRequests" } });
        assert_eq!(read(429, &headers, &body).retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_wait_until_a_moment_is_counted_from_now() {
        let mut headers = Headers::default();
        headers.set("retry-after", "Tue, 24 Nov 2026 19:00:05 GMT");
        let now: Timestamp = "2026-11-24T19:00:00Z".parse().unwrap();
        let refused = read(429, &headers, &json!({}));
        assert_eq!(refused.retry_after(), None, "not a day, as if it were 1970");
        assert_eq!(dated(refused, &headers, now).retry_after(), Some(Duration::from_secs(5)));
        let failed = dated(read(503, &headers, &json!({})), &headers, now);
        assert_eq!(failed.code(), ErrorCode::VendorUnavailable);
        assert_eq!(failed.retry_after(), Some(Duration::from_secs(5)));
        assert_eq!(dated(read(404, &headers, &json!({})), &headers, now).retry_after(), None);
    }

    proptest! {
        #[test]
        fn any_body_is_an_error(status in 300u16..600, body in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(parse(status, &Headers::default(), &body).vendor().is_some());
        }
    }
}
