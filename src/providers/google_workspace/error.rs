//! Google's refusals in both of its dialects, and which of them may be repeated.
//!
//! Drive, Calendar, Gmail and the Directory give a reason for each error; Docs, Classroom and Meet a canonical status with
//! details. <https://developers.google.com/workspace/drive/api/guides/handle-errors>,
//! <https://developers.google.com/workspace/calendar/api/guides/errors>, <https://cloud.google.com/apis/design/errors>

use std::time::Duration;

use serde_json::Value;

use super::classroom::refusals;
use crate::{
    error::{Error, ErrorCode, Retry, VendorError},
    model::Timestamp,
    transport::{Decision, Headers, Repeat, Seen, retry_after},
};

/// The longest that a call waits for a limit with a moment at which it ends: most of Gmail's end a quarter of an hour ahead.
const SHORT: Duration = Duration::from_secs(180);
/// The furthest moment that is believed: those of Gmail's are of the next day at the latest.
const FURTHEST: Duration = Duration::from_secs(2 * 86_400);
/// How long Google takes at the most, as a rule, until an account that it has just made can be worked with.
const MAKING: Duration = Duration::from_secs(60);
/// How long a limit of the day holds at the most: nothing is gained by asking every minute.
const LONG: Duration = Duration::from_secs(3600);
/// The longest of Google's words that are kept.
const WORDS: usize = 400;

/// One refusal, whichever dialect it was in.
struct Refusal {
    reason: String,
    message: String,
    /// The parameter or member at fault.
    location: Option<String>,
    /// Whether a limit that is reached is one of the day, or longer.
    lasting: bool,
    /// After how long Google asks to come again.
    delay: Option<Duration>,
    /// Whether that was a moment.
    until: bool,
}

impl Refusal {
    fn read(headers: &Headers, body: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = answer.get("error").unwrap_or(&Value::Null);
        let text = |at: &str| error.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
        let details = || error.get("details").and_then(Value::as_array).into_iter().flatten();
        let reason_of_details =
            details().find_map(|detail| detail.get("reason").and_then(Value::as_str)).filter(|text| !text.is_empty());
        let violated = details()
            .find_map(|detail| detail.pointer("/fieldViolations/0/field").and_then(Value::as_str))
            .map(str::to_owned);
        let limit = details().find_map(|detail| detail.pointer("/metadata/quota_limit").and_then(Value::as_str));
        let delay = details().find_map(|detail| detail.get("retryDelay").and_then(Value::as_str));
        let until = text("/message").and_then(moment);
        let delay = delay.and_then(seconds).or_else(|| until.and_then(|until| until_then(headers, until)));
        // The endpoints that tell about tokens write `error` as a word.
        let flat = error.as_str();
        let named = text("/message").and_then(refusals::of).map(|named| named.name);
        Self {
            reason: named
                .or(text("/errors/0/reason"))
                .or(reason_of_details)
                .or(text("/status"))
                .or(flat)
                .unwrap_or_default()
                .into(),
            message: without_addresses(
                text("/message").or_else(|| answer.get("error_description")?.as_str()).unwrap_or_default(),
            ),
            location: text("/errors/0/location").map(str::to_owned).or(violated).map(|name| camel_path(&name)),
            lasting: is_of_the_day(limit.unwrap_or_default(), text("/message").unwrap_or_default())
                || (until.is_some() && delay.is_none_or(|delay| delay > SHORT)),
            until: until.is_some(),
            delay,
        }
    }

    /// Whether something has as many as it can have. A quota names its metric, or when to come again.
    fn is_full(&self) -> bool {
        self.delay.is_none() && !self.message.is_empty() && !self.message.to_ascii_lowercase().contains("quota")
    }

    /// What limit was reached, if that is what this is.
    fn limit(&self, status: u16) -> Option<LimitReached> {
        match (status, self.reason.as_str()) {
            (403, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" | "RATE_LIMIT_EXCEEDED")
            | (429, _)
                if self.lasting =>
            {
                Some(LimitReached::Lasting)
            }
            // The Directory means too much at once; Calendar that there is nothing more for long.
            (403, "quotaExceeded") if self.message.contains("Calendar") => Some(LimitReached::Lasting),
            (403, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" | "RATE_LIMIT_EXCEEDED") => {
                Some(LimitReached::Passing)
            }
            (403 | 429, "dailyLimitExceeded" | "sharingRateLimitExceeded" | "uploadLimitExceeded") => {
                Some(LimitReached::Lasting)
            }
            (429, "RESOURCE_EXHAUSTED") if self.is_full() => Some(LimitReached::Full),
            (429, _) => Some(LimitReached::Passing),
            _ => None,
        }
    }
}

/// Whether a limit is one of the day: by its name, `QueriesPerDayPerProject`, or by the words around it. How many people can be
/// invited in a day Classroom says by a name of its own.
fn is_of_the_day(limit: &str, message: &str) -> bool {
    let named = message.split_once("limit '").and_then(|(_, rest)| rest.split_once('\'')).map_or("", |(name, _)| name);
    limit.to_ascii_lowercase().contains("perday")
        || named.to_ascii_lowercase().ends_with("per day")
        || message.starts_with("@UserInvitationQuotaExhausted")
}

/// A duration as Google writes it: `30s`, `0.5s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The moment that Gmail names in words: `User-rate limit exceeded.  Retry after 2026-06-20T10:15:00.000Z`.
fn moment(message: &str) -> Option<jiff::Timestamp> {
    let (_, rest) = message.split_once("Retry after ")?;
    let word = rest.split(|letter: char| letter.is_whitespace() || letter == '(').next()?.trim_end_matches(['.', ',']);
    word.parse().ok().filter(|_| word.len() <= 40)
}

/// How long it is until then by Google's own clock.
fn until_then(headers: &Headers, then: jiff::Timestamp) -> Option<Duration> {
    let now = jiff::fmt::rfc2822::parse(headers.get("date")?.trim()).ok()?.timestamp();
    let left = Duration::try_from(then.duration_since(now)).unwrap_or_default();
    Some(left.min(FURTHEST))
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum LimitReached {
    /// Of the last seconds.
    Passing,
    /// Of the day, or longer.
    Lasting,
    /// Of how many something can have: waiting frees nothing.
    Full,
}

/// The text without what looks like an address: Google repeats those of the request.
fn without_addresses(text: &str) -> String {
    let words = text
        .split(char::is_whitespace)
        .map(|word| if word.contains('@') && word.contains('.') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(WORDS).collect()
}

/// `course_work.max_points` as we spell it; Calendar and Drive spell as we do already.
fn camel_path(path: &str) -> String {
    path.split('.').map(super::define::camel).collect::<Vec<_>>().join(".")
}

/// The scope that Google says is lacking (RFC 6750, section 3).
fn lacking_scope(headers: &Headers) -> Option<&str> {
    let (_, rest) = headers.get("www-authenticate")?.split_once("scope=\"")?;
    rest.split_once('"').map(|(scope, _)| scope)
}

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let refusal = Refusal::read(headers, body);
    let vendor = VendorError {
        status,
        code: Some(refusal.reason.clone()).filter(|reason| !reason.is_empty()),
        message: Some(refusal.message.clone()).filter(|message| !message.is_empty()),
        request_id: None,
    };
    let error = match refusal.limit(status) {
        Some(LimitReached::Passing) => {
            let asked = headers.get("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
            Error::new(ErrorCode::RateLimited, "too many requests to Google in this minute")
                .with_retry(Retry::After(asked.or(refusal.delay).unwrap_or(Duration::from_secs(1))))
        }
        Some(LimitReached::Lasting) => Error::new(
            ErrorCode::RateLimited,
            "a limit of Google's that lasts is reached, most often that of the day; trying again soon changes nothing",
        )
        .with_retry(Retry::After(match refusal.delay {
            // To the minute, where Google says until when.
            Some(delay) if refusal.until => delay,
            delay => delay.unwrap_or_default().max(LONG),
        })),
        Some(LimitReached::Full) => {
            let why = "Google refuses, for there are as many as there can be; take some away first";
            Error::new(ErrorCode::Vendor, format!("{why}: {}", refusal.message))
        }
        None => of_status(status, headers, &refusal),
    };
    error.with_vendor(vendor)
}

fn of_status(status: u16, headers: &Headers, refusal: &Refusal) -> Error {
    let said = |ours: &str| match refusal.message.as_str() {
        "" => ours.to_owned(),
        theirs => format!("{ours}: {theirs}"),
    };
    let plain = |code, message: &str| Error::new(code, message);
    if let Some(named) = refusals::of(&refusal.message) {
        let error = plain(named.code, named.words);
        return named.field.map_or(error.clone(), |field| error.with_field(field));
    }
    match (status, refusal.reason.as_str()) {
        (401, _) => plain(
            ErrorCode::NeedsReconnect,
            "Google does not accept the access token; an administrator has to connect Google Workspace again",
        ),
        (403, "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT") => {
            let which = lacking_scope(headers).map(|scope| format!(", {scope}")).unwrap_or_default();
            let message = format!(
                "Google Workspace was connected without the consent that this needs{which}. An administrator has to \
                 connect it again with that consent"
            );
            Error::new(ErrorCode::NeedsReconnect, message).with_field("config.scopes")
        }
        (403, "appNotAuthorizedToFile") => plain(
            ErrorCode::NeedsReconnect,
            "the consent reaches only files that this application made; an administrator has to connect Google Workspace \
             again with the scope https://www.googleapis.com/auth/drive",
        )
        .with_field("config.scopes"),
        (403, "accessNotConfigured" | "SERVICE_DISABLED") => plain(
            ErrorCode::NotConfigured,
            "this API of Google's is not enabled in the OAuth client's project; enable it in the Google Cloud console",
        ),
        (403, "domainPolicy") => plain(
            ErrorCode::NotConfigured,
            "the school's administrators have switched applications off for Google Drive; the Google Admin console allows them \
             (Apps, Google Workspace, Drive and Docs, Features and Applications)",
        ),
        (400, "invalidSharingRequest") => {
            Error::new(ErrorCode::InvalidArgument, said("Google cannot share with this address")).with_field("emailAddress")
        }
        (410, "deleted") | (404, _) => plain(ErrorCode::NotFound, "Google has no such object, or this user may not see it"),
        (410, "fullSyncRequired") => stale("syncToken"),
        (410, "updatedMinTooLongAgo") => plain(
            ErrorCode::Conflict,
            "is too long ago: Google no longer knows what was deleted since then. Read the whole list without it",
        )
        .with_field("updatedMin"),
        (410, _) => stale("pageToken"),
        (400, _) if matches!(refusal.location.as_deref(), Some("pageToken" | "syncToken")) => {
            let field = refusal.location.as_deref().unwrap_or_default();
            let why = "is not a token that Google gave for these arguments, or has gone stale; begin without it, which \
                       means a full resync";
            Error::invalid(field, why)
        }
        (409, _) => Error::new(ErrorCode::Conflict, said("Google has such an object already, or it is being changed")),
        (412, _) if is_being_made(refusal) => plain(
            ErrorCode::VendorUnavailable,
            "Google has not finished making this account; it can be changed, and put into groups, in a minute or so",
        )
        .with_retry(Retry::After(MAKING)),
        (412, _) => plain(ErrorCode::Conflict, "somebody has changed it since it was read; read it again and repeat"),
        (413, _) => plain(ErrorCode::TooLarge, "Google takes nothing so large here"),
        (500..=599, _) => plain(ErrorCode::VendorUnavailable, "Google failed within"),
        (400, _) => match &refusal.location {
            Some(field) => Error::new(ErrorCode::InvalidArgument, said("Google refuses this argument")).with_field(field),
            None => Error::new(ErrorCode::Vendor, said("Google refused the request")),
        },
        _ => Error::new(ErrorCode::Vendor, said("Google refused the request")),
    }
}

/// Whether Google refuses because an account was made a moment ago. Nothing was done.
fn is_being_made(refusal: &Refusal) -> bool {
    refusal.message.starts_with("User creation is not complete")
}

fn stale(field: &str) -> Error {
    let message = "the token has gone stale: a full resync is needed. Forget what was read with it, and read the whole \
                   list again without a token";
    Error::new(ErrorCode::Conflict, message).with_field(field)
}

/// What Google's answers mean for repeating: a 403 that is a limit passes as a 429 does; a limit of the day does not. An
/// account that Google still makes is waited for.
pub(super) fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
    let usual = crate::transport::decide(seen, repeat, now);
    let Seen::Answer(answer) = seen else { return usual };
    if !matches!(answer.status, 403 | 412 | 429) {
        return usual;
    }
    let refusal = Refusal::read(&answer.headers, &answer.body);
    if answer.status == 412 && is_being_made(&refusal) {
        return Decision::Later(None);
    }
    match refusal.limit(answer.status) {
        Some(LimitReached::Passing) => Decision::Later(retry_after(&answer.headers, now).or(refusal.delay)),
        Some(LimitReached::Lasting | LimitReached::Full) => Decision::Take,
        None => usual,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::transport::Response;

    fn older(code: u16, reason: &str, location: Option<&str>) -> Vec<u8> {
        let mut one = json!({ "domain": "global", "reason": reason, "message": "words" });
        if let Some(location) = location {
            one["location"] = json!(location);
        }
        json!({ "error": { "code": code, "message": "words", "errors": [one] } }).to_string().into()
    }

    fn newer(code: u16, status: &str, details: Value) -> Vec<u8> {
        json!({ "error": { "code": code, "message": "words", "status": status, "details": details } })
            .to_string()
            .into()
    }

    fn of(status: u16, body: &[u8]) -> Error {
        parse(status, &Headers::default(), body)
    }

    #[test]
    fn both_dialects_say_what_to_mend() {
        use ErrorCode::*;
        let violation = json!([{ "fieldViolations": [{ "field": "course_work.max_points" }] }]);
        for (status, body, code, field) in [
            (401, older(401, "authError", None), NeedsReconnect, None),
            (401, newer(401, "UNAUTHENTICATED", json!([])), NeedsReconnect, None),
            (403, older(403, "insufficientPermissions", None), NeedsReconnect, Some("config.scopes")),
            (
                403,
                newer(403, "PERMISSION_DENIED", json!([{ "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT" }])),
                NeedsReconnect,
                Some("config.scopes"),
            ),
            (403, older(403, "appNotAuthorizedToFile", None), NeedsReconnect, Some("config.scopes")),
            (403, older(403, "accessNotConfigured", None), NotConfigured, None),
            (403, older(403, "rateLimitExceeded", None), RateLimited, None),
            (403, older(403, "dailyLimitExceeded", None), RateLimited, None),
            (403, older(403, "domainPolicy", None), NotConfigured, None),
            (403, newer(403, "PERMISSION_DENIED", json!([])), Vendor, None),
            (404, older(404, "notFound", None), NotFound, None),
            (409, older(409, "duplicate", None), Conflict, None),
            (409, newer(409, "ALREADY_EXISTS", json!([])), Conflict, None),
            (410, older(410, "fullSyncRequired", None), Conflict, Some("syncToken")),
            (410, older(410, "updatedMinTooLongAgo", None), Conflict, Some("updatedMin")),
            (410, older(410, "gone", None), Conflict, Some("pageToken")),
            (410, older(410, "deleted", None), NotFound, None),
            (412, older(412, "conditionNotMet", None), Conflict, None),
            (400, older(400, "invalid", Some("pageToken")), InvalidArgument, Some("pageToken")),
            (400, older(400, "invalid", Some("timeMin")), InvalidArgument, Some("timeMin")),
            (400, newer(400, "INVALID_ARGUMENT", violation), InvalidArgument, Some("courseWork.maxPoints")),
            (400, newer(400, "FAILED_PRECONDITION", json!([])), Vendor, None),
            (429, newer(429, "RESOURCE_EXHAUSTED", json!([])), Vendor, None),
            (429, newer(429, "RESOURCE_EXHAUSTED", json!([{ "reason": "RATE_LIMIT_EXCEEDED" }])), RateLimited, None),
            (503, older(503, "backendError", None), VendorUnavailable, None),
        ] {
            let error = of(status, &body);
            assert_eq!((error.code(), error.field()), (code, field), "{error}");
            assert_eq!(error.vendor().unwrap().status, status);
        }
    }

    #[test]
    fn the_lacking_scope_is_named_and_addresses_are_not() {
        let mut headers = Headers::default();
        headers.set("www-authenticate", r#"Bearer error="insufficient_scope", scope="https://x.example/drive""#);
        let error = parse(403, &headers, &older(403, "insufficientPermissions", None));
        assert!(error.message().contains("https://x.example/drive"));
        let body = json!({ "error": { "message": "No account for jane@school.example here" } }).to_string();
        let error = of(400, body.as_bytes());
        assert!(!format!("{error:?} {error}").contains("jane"));
        assert!(error.message().contains("No account for (address) here"));
    }

    #[test]
    fn limits_that_pass_are_waited_for() {
        let with = |status, body: Vec<u8>| {
            let answer = Response { status, headers: Headers::default(), body: body.into() };
            decide(Seen::Answer(&answer), Repeat::Never, Timestamp::default())
        };
        assert_eq!(with(403, older(403, "userRateLimitExceeded", None)), Decision::Later(None));
        assert_eq!(with(403, older(403, "quotaExceeded", None)), Decision::Later(None));
        assert_eq!(with(429, Vec::new()), Decision::Later(None));
        assert_eq!(with(403, older(403, "dailyLimitExceeded", None)), Decision::Take);
        assert_eq!(with(403, older(403, "insufficientPermissions", None)), Decision::Take);
        assert_eq!(with(500, Vec::new()), Decision::Unknown);
        let lasting = json!({ "error": { "message": "Calendar usage limits exceeded.", "errors": [{ "reason": "quotaExceeded" }] } });
        assert_eq!(with(403, lasting.to_string().into()), Decision::Take);
        assert_eq!(of(403, lasting.to_string().as_bytes()).retry_after(), Some(LONG));
    }

    #[test]
    fn a_limit_of_the_day_is_none_that_passes_in_either_dialect() {
        let words = |limit: &str| {
            format!(
                "Quota exceeded for quota metric 'Queries' and limit '{limit}' of service 'classroom.googleapis.com'"
            )
        };
        let exhausted = |message: &str, details: Value| {
            let error = json!({ "code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details });
            json!({ "error": error }).to_string().into_bytes()
        };
        let info = |limit: &str| {
            let kind = "type.googleapis.com/google.rpc.ErrorInfo";
            json!([{ "@type": kind, "reason": "RATE_LIMIT_EXCEEDED", "metadata": { "quota_limit": limit } }])
        };
        let plainly = |message: &str| {
            let one = json!({ "reason": "rateLimitExceeded", "message": message });
            json!({ "error": { "message": message, "errors": [one] } }).to_string().into_bytes()
        };
        for (status, body, lasts) in [
            (429, exhausted(&words("Queries per day"), json!([])), true),
            (429, exhausted("Quota exceeded", info("QueriesPerDayPerProject")), true),
            (429, exhausted("@UserInvitationQuotaExhausted Too many invitations.", json!([])), true),
            (403, plainly(&words("Queries per day")), true),
            (429, exhausted(&words("Queries per minute per user"), info("QueriesPerMinutePerUser")), false),
            (403, plainly(&words("Queries per minute")), false),
        ] {
            let answer = Response { status, headers: Headers::default(), body: body.clone().into() };
            let decision = decide(Seen::Answer(&answer), Repeat::Always, Timestamp::default());
            let error = of(status, &body);
            assert_eq!(error.code(), ErrorCode::RateLimited, "{error}");
            assert_eq!(decision, if lasts { Decision::Take } else { Decision::Later(None) }, "{error}");
            assert_eq!(error.retry_after(), Some(if lasts { LONG } else { Duration::from_secs(1) }), "{error}");
        }
    }

    #[test]
    fn google_is_not_asked_before_the_time_it_names() {
        let info = json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30.5s" }]);
        let body = newer(429, "RESOURCE_EXHAUSTED", info);
        let wait = Duration::from_millis(30_500);
        assert_eq!(of(429, &body).retry_after(), Some(wait));
        let answer = Response { status: 429, headers: Headers::default(), body: body.into() };
        let decision = decide(Seen::Answer(&answer), Repeat::Never, Timestamp::default());
        assert_eq!(decision, Decision::Later(Some(wait)));
        for wrong in ["", "s", "-1s", "30", "1e300s", "NaNs"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn gmails_limits_say_in_words_until_when_they_hold() {
        let refused = |status: u16, words: &str, date: Option<&str>| {
            let one = json!({ "domain": "usageLimits", "reason": "userRateLimitExceeded", "message": words });
            let body = json!({ "error": { "code": status, "message": words, "errors": [one] } }).to_string();
            let mut headers = Headers::default();
            date.into_iter().for_each(|date| headers.set("date", date));
            let error = parse(status, &headers, body.as_bytes());
            let answer = Response { status, headers, body: body.into() };
            let decision = decide(Seen::Answer(&answer), Repeat::Never, Timestamp::default());
            assert_eq!(error.code(), ErrorCode::RateLimited, "{error}");
            (decision, error.retry_after().unwrap().as_secs())
        };
        let date = Some("Sat, 20 Jun 2026 10:00:00 GMT");
        let words = |until: &str| format!("User-rate limit exceeded.  Retry after {until}");
        let wait = |seconds| Decision::Later(Some(Duration::from_secs(seconds)));
        for status in [403, 429] {
            for (words, date, decision, after) in [
                (words("2026-06-20T10:15:00.000Z"), date, Decision::Take, 900),
                (words("2026-06-20T10:00:20Z (Mail sending)"), date, wait(20), 20),
                (words("2026-06-20T10:00:20.000Z."), date, wait(20), 20),
                // The moment has come already.
                (words("2026-06-20T09:00:00.000Z"), date, wait(0), 0),
                (words("9999-06-20T09:00:00.000Z"), date, Decision::Take, FURTHEST.as_secs()),
                // Without Google's clock nobody knows how long that is.
                (words("2026-06-20T10:00:20.000Z"), None, Decision::Take, LONG.as_secs()),
                (words("a while"), date, Decision::Later(None), 1),
            ] {
                assert_eq!(refused(status, &words, date), (decision, after), "{status} {words}");
            }
        }
    }

    #[test]
    fn an_account_that_google_still_makes_is_waited_for() {
        let body = json!({ "error": { "code": 412, "message": "User creation is not complete.", "errors": [{
            "domain": "global", "reason": "conditionNotMet", "message": "User creation is not complete.",
        }] } });
        let body = body.to_string();
        let error = of(412, body.as_bytes());
        assert_eq!((error.code(), error.retry()), (ErrorCode::VendorUnavailable, Retry::After(MAKING)), "{error}");
        let answer = Response { status: 412, headers: Headers::default(), body: body.into() };
        assert_eq!(decide(Seen::Answer(&answer), Repeat::Never, Timestamp::default()), Decision::Later(None));
    }

    proptest! {
        #[test]
        fn any_moment_is_read_or_left(words in ".{0,60}", date in ".{0,40}") {
            let mut headers = Headers::default();
            headers.set("date", date);
            if let Some(then) = moment(&format!("Retry after {words}")) {
                prop_assert!(until_then(&headers, then).is_none_or(|left| left <= FURTHEST));
            }
        }

        #[test]
        fn any_body_is_an_error(status in 300u16..600, body: Vec<u8>) {
            prop_assert_eq!(of(status, &body).vendor().unwrap().status, status);
        }

        #[test]
        fn no_address_is_repeated(before in "[a-z ]{0,20}", name in "[a-z]{3,9}@[a-z]{2,9}\\.[a-z]{2,3}") {
            let body = json!({ "error": { "message": format!("{before} {name} {name}.") } }).to_string();
            prop_assert!(!of(400, body.as_bytes()).to_string().contains(&name));
        }
    }
}
