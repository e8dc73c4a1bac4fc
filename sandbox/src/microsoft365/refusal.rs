//! How Entra ID refuses: an OAuth error with the number that its support goes by.

use hyper::StatusCode;
use serde_json::json;

use super::error::Ids;
use crate::clock::timestamp;
use crate::exchange::Answer;

/// Where the vendor's own sign-in is.
pub(super) const PUBLIC_HOST: &str = "https://login.microsoftonline.com";

/// A refusal by its AADSTS number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    code: u32,
    text: &'static str,
}

impl Refusal {
    pub(super) fn new(code: u32, text: &'static str) -> Self {
        Self { code, text }
    }

    /// The refusal for a number that a test names.
    pub(super) fn scripted(code: u32) -> Self {
        let text = match code {
            65001 => "The user or administrator has not consented to use the application.",
            50076 | 53003 => "Access has been blocked by Conditional Access policies.",
            50173 => "The provided grant has expired due to it being revoked.",
            700_082 | 70008 => "The refresh token has expired due to inactivity.",
            7_000_215 => "Invalid client secret provided.",
            7_000_222 => "The provided client secret keys are expired.",
            700_016 => "Application was not found in the directory.",
            90002 => "Tenant not found.",
            _ => "The request was refused.",
        };
        Self { code, text }
    }

    fn error(&self) -> &'static str {
        match self.code {
            7_000_215 | 7_000_222 | 700_023 | 700_024 | 700_027 | 50027 | 7_000_218 => "invalid_client",
            50173 | 700_082 | 70008 | 70000 | 54005 | 501_481 | 53003 | 65001 => "invalid_grant",
            50076 => "interaction_required",
            70011 | 1_002_012 => "invalid_scope",
            70003 => "unsupported_grant_type",
            700_016 => "unauthorized_client",
            90033 => "temporarily_unavailable",
            _ => "invalid_request",
        }
    }

    pub(super) fn answer(&self, ids: &Ids, at: i64) -> Answer {
        let status = match self.error() {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let Self { code, text } = self;
        let when = timestamp(at).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let Ids { request: trace, client: correlation, .. } = ids;
        let mut body = json!({
            "error": self.error(),
            "error_description":
                format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {when}"),
            "error_codes": [code],
            "timestamp": when,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{PUBLIC_HOST}/error?code={code}"),
        });
        match code {
            65001 => body["suberror"] = json!("consent_required"),
            50076 | 53003 => body["claims"] = json!(r#"{"access_token":{"capolids":{"essential":true}}}"#),
            _ => {}
        }
        Answer::json(status, &body)
    }
}
