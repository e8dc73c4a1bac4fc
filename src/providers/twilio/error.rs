//! Twilio's refusals: <https://www.twilio.com/docs/api/errors>.

use std::time::Duration;

use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, Retry, VendorError},
    transport::Headers,
};

/// The longest piece of the vendor's words that is kept.
const LONGEST: usize = 300;

/// What one of Twilio's codes means: ours, the field at fault, and words for a person.
struct Meaning(u32, ErrorCode, Option<&'static str>, &'static str);

const MEANINGS: &[Meaning] = {
    use ErrorCode::*;
    &[
        Meaning(
            20003,
            NeedsReconnect,
            None,
            "Twilio no longer accepts the account SID with this auth token or API key; an administrator must put the \
             current ones from Twilio's console into the tenant's config, or have the account reopened",
        ),
        Meaning(20008, Vendor, None, "Twilio's test credentials cannot do this"),
        Meaning(20404, NotFound, None, "Twilio has no such record in this account"),
        Meaning(20429, RateLimited, None, "too many requests at once for this Twilio account"),
        Meaning(20500, VendorUnavailable, None, "Twilio failed within"),
        Meaning(20503, VendorUnavailable, None, "Twilio is out of service for the moment"),
        Meaning(21201, InvalidArgument, Some("to"), "no number to call was given"),
        Meaning(21205, InvalidArgument, Some("url"), "Twilio does not take this address"),
        Meaning(21210, NotConfigured, Some("from_number"), "the number calls come from is not verified"),
        Meaning(21211, InvalidArgument, Some("to"), "Twilio says that this is not a valid number"),
        Meaning(21212, NotConfigured, Some("from_number"), "Twilio says that the sender is not a valid number"),
        Meaning(21214, InvalidArgument, Some("to"), "this number cannot be reached"),
        Meaning(21215, Vendor, None, "the account may not call this country; allow it in Twilio's console"),
        Meaning(21216, Vendor, None, "the account may not call this number"),
        Meaning(21217, InvalidArgument, Some("to"), "Twilio says that this is not a valid number"),
        Meaning(21219, Vendor, None, "a trial account can only call numbers it has verified"),
        Meaning(21220, Conflict, None, "the call has ended already"),
        Meaning(21408, Vendor, None, "the account may not text this country; allow it in Twilio's console"),
        Meaning(21602, InvalidArgument, Some("body"), "a message needs a text, media or a template"),
        Meaning(21603, NotConfigured, Some("from_number"), "no sender is set"),
        Meaning(21604, InvalidArgument, Some("to"), "no number to write to was given"),
        Meaning(21606, NotConfigured, Some("from_number"), "the sender is not a number of this account that can text"),
        Meaning(21608, Vendor, None, "a trial account can only write to numbers it has verified"),
        Meaning(21610, Vendor, None, "this number has opted out by STOP; only START from its holder undoes that"),
        Meaning(21611, RateLimited, None, "the sender's queue is full"),
        Meaning(21612, Vendor, None, "this number cannot be reached from the sender"),
        Meaning(21614, InvalidArgument, Some("to"), "this is not a mobile number"),
        Meaning(21617, InvalidArgument, Some("body"), "must not be longer than 1600 characters"),
        Meaning(21620, InvalidArgument, Some("mediaUrls"), "Twilio does not take this address"),
        Meaning(21623, InvalidArgument, Some("mediaUrls"), "must be at most ten"),
        Meaning(21655, InvalidArgument, Some("contentSid"), "the account has no such template"),
        Meaning(21656, InvalidArgument, Some("contentVariables"), "do not fit the template"),
        Meaning(21701, NotConfigured, Some("messaging_service_sid"), "the account has no such messaging service"),
        Meaning(21703, NotConfigured, Some("messaging_service_sid"), "the messaging service has no number"),
        Meaning(21704, NotConfigured, Some("messaging_service_sid"), "the messaging service has no number"),
        Meaning(30034, NotConfigured, Some("from_number"), "the sender is not registered for A2P 10DLC"),
        Meaning(63007, NotConfigured, Some("whatsapp_from"), "the account has no such WhatsApp sender"),
        Meaning(63016, Vendor, None, "outside the 24 hours after the person's last message only a template is allowed"),
    ]
};

/// Turns an answer outside 2xx into our error, whatever its body is.
pub(super) fn parse(status: u16, headers: &Headers, body: &[u8]) -> Error {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let number = |name: &str| answer.get(name).and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    let code = number("code").and_then(|code| u32::try_from(code).ok()).filter(|code| *code != 0);
    let vendor = VendorError {
        status,
        code: code.map(|code| code.to_string()),
        message: answer.get("message").and_then(Value::as_str).map(discreet).filter(|text| !text.is_empty()),
        request_id: headers.get("twilio-request-id").map(discreet),
    };
    let known = code.and_then(|code| MEANINGS.iter().find(|meaning| meaning.0 == code));
    let error = match known {
        Some(Meaning(_, code, field, words)) => {
            let error = Error::new(*code, *words);
            match field {
                Some(field) => error.with_field(*field),
                None => error,
            }
        }
        None => by_status(status, &vendor),
    };
    let wait = headers.get("retry-after").and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs);
    let error = match (error.code(), wait) {
        (ErrorCode::RateLimited | ErrorCode::VendorUnavailable, Some(wait)) => error.with_retry(Retry::After(wait)),
        (ErrorCode::RateLimited, None) => error.with_retry(Retry::After(Duration::from_secs(1))),
        _ => error,
    };
    error.with_vendor(vendor)
}

fn by_status(status: u16, vendor: &VendorError) -> Error {
    let refused = match (&vendor.message, &vendor.code) {
        (Some(message), _) => format!("Twilio refused the request: {message}"),
        (None, Some(code)) => format!("Twilio refused the request with code {code}"),
        (None, None) => format!("Twilio answered {status} and does not say why"),
    };
    let (code, words) = match status {
        401 => (ErrorCode::NeedsReconnect, MEANINGS[0].3.to_owned()),
        403 => (ErrorCode::Vendor, format!("{refused} (the credentials may not do this)")),
        404 => (ErrorCode::NotFound, "Twilio has no such record in this account".to_owned()),
        429 => (ErrorCode::RateLimited, "too many requests for this Twilio account".to_owned()),
        500.. => (ErrorCode::VendorUnavailable, format!("Twilio answered {status}")),
        _ => (ErrorCode::Vendor, refused),
    };
    Error::new(code, words)
}

/// The vendor's words without numbers of people: Twilio repeats the number it refuses.
fn discreet(text: &str) -> String {
    let mut out = String::new();
    let mut digits = 0;
    let mut held = String::new();
    let flush = |held: &mut String, digits: &mut usize, out: &mut String| {
        if *digits >= 7 {
            out.push('…');
            // The spaces around a number are no part of it.
            out.push_str(&held[held.trim_end_matches([' ', '-', '(', '.']).len()..]);
        } else {
            out.push_str(held);
        }
        held.clear();
        *digits = 0;
    };
    for c in text.chars().filter(|c| !c.is_control()).take(LONGEST) {
        let part = c.is_numeric() || (digits > 0 && matches!(c, ' ' | '-' | '(' | ')' | '.')) || c == '+';
        if part {
            digits += usize::from(c.is_numeric());
            held.push(c);
        } else {
            flush(&mut held, &mut digits, &mut out);
            out.push(c);
        }
    }
    flush(&mut held, &mut digits, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str) -> Error {
        let mut headers = Headers::default();
        headers.set("Twilio-Request-Id", "RQ1");
        parse(status, &headers, body.as_bytes())
    }

    #[test]
    fn the_table() {
        let mut codes: Vec<_> = MEANINGS.iter().map(|meaning| meaning.0).collect();
        codes.dedup();
        assert_eq!(codes.len(), MEANINGS.len());
        assert!(codes.is_sorted());
        for (status, code, ours, field) in [
            (401, 20003, ErrorCode::NeedsReconnect, None),
            (404, 20404, ErrorCode::NotFound, None),
            (400, 21211, ErrorCode::InvalidArgument, Some("to")),
            (400, 21614, ErrorCode::InvalidArgument, Some("to")),
            (400, 21606, ErrorCode::NotConfigured, Some("from_number")),
            (400, 21212, ErrorCode::NotConfigured, Some("from_number")),
            (400, 21610, ErrorCode::Vendor, None),
            (400, 21612, ErrorCode::Vendor, None),
            (400, 21408, ErrorCode::Vendor, None),
            (400, 63016, ErrorCode::Vendor, None),
            (429, 20429, ErrorCode::RateLimited, None),
            (400, 99999, ErrorCode::Vendor, None),
        ] {
            let body = format!(
                r#"{{"code":{code},"message":"The 'To' number +15551234567 is bad","more_info":"","status":{status}}}"#
            );
            let error = parsed(status, &body);
            assert_eq!((error.code(), error.field()), (ours, field), "{code}");
            let vendor = error.vendor().unwrap();
            assert_eq!(vendor.code.as_deref(), Some(code.to_string().as_str()));
            assert_eq!(vendor.message.as_deref(), Some("The 'To' number … is bad"));
            assert_eq!(vendor.request_id.as_deref(), Some("RQ1"));
            assert!(!format!("{error} {error:?}").contains("5551234567"));
        }
    }

    #[test]
    fn a_body_that_is_no_json_still_says_enough() {
        for (status, ours) in [
            (401, ErrorCode::NeedsReconnect),
            (404, ErrorCode::NotFound),
            (429, ErrorCode::RateLimited),
            (400, ErrorCode::Vendor),
            (502, ErrorCode::VendorUnavailable),
        ] {
            for body in ["<html>Bad Gateway</html>", "", "[]", "null", "{\"code\":\"x\"}"] {
                let error = parsed(status, body);
                assert_eq!(error.code(), ours, "{status} {body}");
                assert!(!error.message().is_empty());
                assert_eq!(error.vendor().unwrap().status, status);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(status in 300u16..600, body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let error = parse(status, &Headers::default(), &body);
            proptest::prop_assert_eq!(error.vendor().unwrap().status, status);
        }

        #[test]
        fn any_message(message in "\\PC{0,80}", number in "\\+[1-9][0-9]{8,14}") {
            let body = serde_json::json!({ "code": 21211, "message": format!("{message}{number} {message}") });
            let error = parse(400, &Headers::default(), body.to_string().as_bytes());
            let shown = format!("{error:?}");
            proptest::prop_assert!(!shown.contains(&number));
        }
    }
}
