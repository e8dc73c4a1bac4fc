//! Refusals, in the two dialects that the vendor's products speak.

use hyper::StatusCode;
use hyper::header::{DATE, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::exchange::Answer;

/// How a product writes its refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Drive, Calendar, Gmail, Directory: the reason stands in `errors`.
    Older,
    /// Docs, Classroom, Meet, Workspace Events: the reason is the `status`, with `details`.
    Newer,
}

impl Dialect {
    pub(super) fn of(path: &str) -> Self {
        let newer = path.starts_with("/v1/") || path.starts_with("/v2/");
        if newer { Self::Newer } else { Self::Older }
    }
}

/// What is wrong with a request.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// What the older dialect calls it.
    reason: &'static str,
    /// What the newer dialect calls it, where the HTTP status does not say it already.
    rpc: Option<&'static str>,
    message: String,
    location: Option<Box<(&'static str, String)>>,
    /// The quota that is used up, as the newer dialect names it.
    quota: Option<&'static str>,
    /// When it is said, where the words name a moment.
    at: Option<i64>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, rpc: None, message: message.into(), location: None, quota: None, at: None }
    }

    /// A value that cannot be taken.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// A parameter whose value cannot be taken.
    pub(super) fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalidParameter", message).at("parameter", name)
    }

    /// A parameter or field that has to be there.
    pub(super) fn required(name: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "required", format!("Required: {name}")).at("parameter", name)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", message)
    }

    pub(super) fn forbidden(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason, message)
    }

    /// What is to be made exists already.
    pub(super) fn duplicate(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "duplicate", message)
    }

    /// The state of things does not allow it.
    pub(super) fn precondition(message: impl Into<String>) -> Self {
        let refused = Self::new(StatusCode::BAD_REQUEST, "failedPrecondition", message);
        Self { rpc: Some("FAILED_PRECONDITION"), ..refused }
    }

    /// No token, or one that is not taken any more.
    pub(super) fn credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authError", "Invalid Credentials").at("header", "Authorization")
    }

    /// The token lacks the scope.
    pub(super) fn scope() -> Self {
        Self::forbidden("insufficientPermissions", "Request had insufficient authentication scopes.")
    }

    /// Names the quota that is used up.
    pub(super) fn of_quota(self, quota: &'static str) -> Self {
        Self { quota: Some(quota), ..self }
    }

    /// Says by which clock a moment in its words is meant.
    pub(super) fn said_at(self, at: i64) -> Self {
        Self { at: Some(at), ..self }
    }

    pub(super) fn at(mut self, kind: &'static str, name: &str) -> Self {
        self.location = Some(Box::new((kind, name.to_owned())));
        self
    }

    pub(super) fn answer(&self, dialect: Dialect) -> Answer {
        let mut answer = Answer::json(self.status, &json!({ "error": self.body(dialect) }));
        if let Some(at) = self.at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()) {
            answer = answer.with(DATE, &at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            return answer.with(WWW_AUTHENTICATE, "Bearer realm=\"https://accounts.google.com/\", error=invalid_token");
        }
        answer
    }

    fn body(&self, dialect: Dialect) -> Value {
        let Self { status, reason, message, location, quota, .. } = self;
        if dialect == Dialect::Newer {
            let mut body = json!({ "code": status.as_u16(), "message": message, "status": self.rpc() });
            if let Some(told) = self.info() {
                let kind = "type.googleapis.com/google.rpc.ErrorInfo";
                let mut info = json!({ "@type": kind, "reason": told, "domain": "googleapis.com" });
                if let Some(quota) = quota {
                    info["metadata"] = json!({ "quota_limit": quota });
                }
                body["details"] = json!([info]);
            }
            return body;
        }
        let is_limit = reason.to_ascii_lowercase().contains("ratelimit")
            || matches!(*reason, "dailyLimitExceeded" | "quotaExceeded");
        let domain = if is_limit { "usageLimits" } else { "global" };
        let mut detail = json!({ "domain": domain, "reason": reason, "message": message });
        if let Some((kind, name)) = location.as_deref() {
            detail["locationType"] = json!(kind);
            detail["location"] = json!(name);
        }
        json!({ "code": status.as_u16(), "message": message, "errors": [detail] })
    }

    fn rpc(&self) -> &'static str {
        self.rpc.unwrap_or(match self.status.as_u16() {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            409 => "ALREADY_EXISTS",
            412 => "FAILED_PRECONDITION",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            504 => "DEADLINE_EXCEEDED",
            _ => "INTERNAL",
        })
    }

    /// The reason in `details`, where the vendor gives one.
    fn info(&self) -> Option<&'static str> {
        match self.reason {
            "authError" => Some("ACCESS_TOKEN_EXPIRED"),
            "insufficientPermissions" => Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            "rateLimitExceeded" | "userRateLimitExceeded" => Some("RATE_LIMIT_EXCEEDED"),
            _ => None,
        }
    }
}

/// What a test's fault asks for.
pub(super) fn scripted(status: StatusCode) -> ApiError {
    let reason = match status.as_u16() {
        401 => return ApiError::credentials(),
        403 | 429 => "rateLimitExceeded",
        404 => "notFound",
        409 => "duplicate",
        410 => "deleted",
        412 => "conditionNotMet",
        500.. => "backendError",
        _ => "badRequest",
    };
    let message = match reason {
        "rateLimitExceeded" => "Rate Limit Exceeded",
        "backendError" => "Backend Error",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    ApiError::new(status, reason, message)
}
