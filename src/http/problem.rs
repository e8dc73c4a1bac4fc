use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An error as a problem document (RFC 9457).
///
/// `type`, `title`, `status` and `detail` are the standard's; `code`, `number`, `retry` and, where known,
/// `retryAfterMs`, `field`, `provider`, `operation`, `requestId`, `vendor` and `done` are those of [`Error::to_json`].
///
/// ```
/// use axum::response::IntoResponse;
/// use sis_integrations::{Error, http::Problem};
///
/// let response = Problem::from(Error::invalid("to", "must be a string")).into_response();
/// assert_eq!(response.status(), 400);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Debug)]
pub struct Problem {
    error: Box<Error>,
    status: StatusCode,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { error: Box::new(error), status }
    }
}

impl Problem {
    /// The same problem under another status than its code's own: where HTTP has a more telling one.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The error it tells of.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        let code = self.error.code();
        let mut document = Map::new();
        document.insert("type".into(), format!("urn:sis-integrations:error:{code}").into());
        document.insert("title".into(), title(code).into());
        document.insert("status".into(), self.status.as_u16().into());
        document.insert("detail".into(), self.error.message().into());
        if let Value::Object(members) = self.error.to_json() {
            document.extend(members.into_iter().filter(|(name, _)| name != "message"));
        }
        Value::Object(document)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sis-integrations\""));
        }
        if let Some(wait) = self.error.retry_after() {
            // Whole seconds are all the header can say; rounding down would invite a call that is refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        if let Some(id) = self.error.request_id().and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
            headers.insert(REQUEST_ID, id);
        }
        headers
    }
}

/// A title stays the same for all problems of a type: the code, as words.
fn title(code: ErrorCode) -> String {
    let words = code.name().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(error = %self.error, status = self.status.as_u16(), "a request failed");
        }
        (self.status, self.headers(), self.to_json().to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Retry;

    #[test]
    fn a_document_carries_the_error_whole() {
        let error =
            Error::new(ErrorCode::RateLimited, "too fast").with_retry(Retry::After(Duration::from_millis(1200)));
        let problem = Problem::from(error);
        assert_eq!(problem.headers()[header::RETRY_AFTER], "2");
        assert_eq!(
            problem.to_json(),
            serde_json::json!({
                "type": "urn:sis-integrations:error:rate_limited", "title": "Rate limited", "status": 429,
                "detail": "too fast", "code": "rate_limited", "number": 11, "retry": "after", "retryAfterMs": 1200,
            })
        );
    }

    #[test]
    fn every_code_has_a_status_that_http_knows_how_to_send() {
        for code in ErrorCode::ALL {
            assert_eq!(Problem::from(Error::new(*code, "")).status.as_u16(), code.http_status());
            assert!(code.http_status() >= 400);
        }
    }
}
