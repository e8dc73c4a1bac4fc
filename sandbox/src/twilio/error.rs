//! Twilio's error body.

use hyper::StatusCode;
use serde::Serialize;

use crate::exchange::Answer;

/// A refusal: HTTP status, Twilio's code and a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    pub(super) code: u32,
    message: String,
}

#[derive(Serialize)]
struct Body<'a> {
    code: u32,
    message: &'a str,
    more_info: String,
    status: u16,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// `400` with a code: what nearly every wrong argument gets.
    pub(super) fn bad(code: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 20003, "Authentication failed")
    }

    pub(super) fn not_found(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, 20404, format!("There is no resource at {path}"))
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 20004, "This resource does not take that method")
    }

    /// The body that goes with a bare status, as faults ask for it.
    pub(super) fn of_status(status: StatusCode, code: Option<u32>) -> Self {
        let usual = match status.as_u16() {
            401 => 20003,
            403 => 20403,
            404 => 20404,
            429 => 20429,
            503 => 20503,
            _ => 20500,
        };
        Self::new(status, code.unwrap_or(usual), status.canonical_reason().unwrap_or("Error"))
    }

    pub(super) fn answer(&self) -> Answer {
        let body = Body {
            code: self.code,
            message: &self.message,
            more_info: format!("https://www.twilio.com/docs/errors/{}", self.code),
            status: self.status.as_u16(),
        };
        Answer::json(self.status, &body)
    }
}

/// What Twilio says about a delivery that failed, in our words.
pub(super) fn delivery_message(code: u32) -> &'static str {
    match code {
        30001 => "The queue is full",
        30002 => "The account is suspended",
        30003 => "The handset cannot be reached",
        30004 => "The message was blocked",
        30005 => "The handset is unknown",
        30006 => "The number is a landline or its carrier cannot be reached",
        30007 => "The carrier filtered the message",
        30008 => "Unknown error",
        30034 => "The sender is not registered for A2P 10DLC",
        30036 => "The validity period has passed",
        63016 => "A free-form message left outside the allowed window",
        _ => "Delivery failed",
    }
}
