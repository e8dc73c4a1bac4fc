//! SendGrid's error body.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::exchange::Answer;

/// A refusal: status, message, and the field at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    field: Option<String>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), field: None }
    }

    /// `400` at a field.
    pub(super) fn bad(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), field: Some(field.into()) }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "resource not found")
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "The provided authorization grant is invalid, expired, or revoked")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "access forbidden")
    }

    pub(super) fn answer(&self) -> Answer {
        let field = self.field.as_ref().map_or(Value::Null, |field| json!(field));
        Answer::json(self.status, &json!({ "errors": [{ "message": self.message, "field": field, "help": null }] }))
    }
}
