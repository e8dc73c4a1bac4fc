//! Graph's error body, and the headers that name a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::exchange::{Answer, Request};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// A refusal: status, code, message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphError {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) retry_after: Option<u64>,
    beside: Option<Beside>,
}

/// What a refusal of some kind tells beside its words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Beside {
    /// What a token must be asked for with to be let in.
    Claims(String),
    /// The property that makes it clash with another object.
    Clash(&'static str),
    /// The event that a transaction has made before.
    Event(String),
}

impl GraphError {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), retry_after: None, beside: None }
    }

    /// `400`.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// `400` for a body that lacks a field or has a wrong one.
    pub(super) fn property(name: &str) -> Self {
        let message = format!("Invalid value specified for property '{name}' of resource.");
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// `400` for a property that no two objects may share.
    pub(super) fn clash(name: &'static str) -> Self {
        let message = format!("Another object with the same value for property {name} already exists.");
        Self { beside: Some(Beside::Clash(name)), ..Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message) }
    }

    /// `404` of the directory.
    pub(super) fn no_resource(id: &str) -> Self {
        let message =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    /// `404` of Teams and education.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "The resource was not found.")
    }

    /// `404` of drives and sites.
    pub(super) fn no_item() -> Self {
        Self::new(StatusCode::NOT_FOUND, "itemNotFound", "The resource could not be found.")
    }

    /// `404` of mailboxes.
    pub(super) fn no_mailbox_item() -> Self {
        let message = "The specified object was not found in the store.";
        Self::new(StatusCode::NOT_FOUND, "ErrorItemNotFound", message)
    }

    pub(super) fn no_route() -> Self {
        Self::bad("Resource not found for the segment.")
    }

    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    /// `401` of continuous access evaluation.
    pub(super) fn challenge(claims: &str) -> Self {
        let message = "Continuous access evaluation resulted in challenge with result: InteractionRequired.";
        Self { beside: Some(Beside::Claims(claims.to_owned())), ..Self::unauthenticated(message) }
    }

    pub(super) fn exists(code: &str, message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// The same with the event that is there already.
    pub(super) fn of_event(mut self, id: &str) -> Self {
        self.beside = Some(Beside::Event(id.to_owned()));
        self
    }

    /// The same with the seconds to wait.
    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What Graph would say for a status that a fault asks for.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status.as_u16() {
            400 => ("BadRequest", "The request is malformed or incorrect."),
            401 => ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
            403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
            404 => ("Request_ResourceNotFound", "The requested resource does not exist."),
            409 => ("nameAlreadyExists", "The specified item name already exists."),
            410 => ("resyncRequired", "Resync is required."),
            412 => ("PreconditionFailed", "The precondition given by If-Match does not hold."),
            423 => ("resourceLocked", "The resource is locked."),
            429 => ("TooManyRequests", "Too many requests. Please try again later."),
            500 => ("InternalServerError", "There was an internal server error while processing the request."),
            502 => ("BadGateway", "The gateway received an invalid answer."),
            503 => ("ServiceUnavailable", "The service is temporarily unavailable."),
            504 => ("GatewayTimeout", "The request timed out at a gateway."),
            507 => ("quotaLimitReached", "The storage quota has been reached."),
            _ => ("UnknownError", status.canonical_reason().unwrap_or("Error")),
        };
        Self::new(status, code, message)
    }

    pub(super) fn answer(&self, ids: &Ids) -> Answer {
        let body = json!({ "error": self.body(ids) });
        let answer = Answer::json(self.status, &body);
        let answer = match &self.beside {
            _ if self.status != StatusCode::UNAUTHORIZED => answer,
            Some(Beside::Claims(claims)) => {
                let claims = STANDARD.encode(claims);
                let told = format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
                answer.with(WWW_AUTHENTICATE, &told)
            }
            _ => answer.with(WWW_AUTHENTICATE, "Bearer realm=\"\""),
        };
        match self.retry_after {
            Some(seconds) => answer.with(RETRY_AFTER, &seconds.to_string()),
            None => answer,
        }
    }

    fn body(&self, ids: &Ids) -> Value {
        let mut body = json!({
            "code": self.code,
            "message": self.message,
            "innerError": { "date": ids.date, "request-id": ids.request, "client-request-id": ids.client },
        });
        match &self.beside {
            Some(Beside::Clash(name)) => {
                body["details"] = json!([{ "code": "ObjectConflict", "message": self.message, "target": name }]);
            }
            Some(Beside::Event(event)) => body["@event.existingEventId"] = json!(event),
            Some(Beside::Claims(_)) | None => {}
        }
        body
    }
}

/// How one request is named in its answer.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) request: String,
    pub(super) client: String,
    date: String,
}

impl Ids {
    pub(super) fn new(number: u64, client: Option<&str>, at: i64) -> Self {
        let request = format!("5a4db0c5-4e57-4000-8000-{number:012x}");
        let client = client.map_or_else(|| request.clone(), str::to_owned);
        // Graph's dates in errors have neither a fraction nor an offset.
        let date = timestamp(at).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        Self { request, client, date }
    }

    pub(super) fn of(number: u64, request: &Request) -> Self {
        Self::new(number, request.header(&CLIENT_REQUEST_ID), request.at)
    }

    pub(super) fn mark(&self, answer: Answer) -> Answer {
        answer.with(REQUEST_ID, &self.request).with(CLIENT_REQUEST_ID, &self.client)
    }
}
