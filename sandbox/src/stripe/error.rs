//! Stripe's error body.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::exchange::Answer;

/// A refusal as the vendor words it.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    error: Map<String, Value>,
    /// Whether an idempotency key keeps it. The vendor keeps nothing where execution did not begin.
    pub(super) saved: bool,
}

impl Refusal {
    /// An `invalid_request_error`.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("message".to_owned(), Value::String(message.into()));
        error.insert("type".to_owned(), json!("invalid_request_error"));
        Self { status, error, saved: true }
    }

    /// `400` without a code: a request that makes no sense in the state things are in.
    pub(super) fn state(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// `400` about a parameter.
    pub(super) fn about(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::state(message).with("param", param.into())
    }

    pub(super) fn missing(param: &str) -> Self {
        Self::about(param, format!("Missing required param: {param}.")).code("parameter_missing").unsaved()
    }

    pub(super) fn unknown(param: &str) -> Self {
        Self::about(param, format!("Received unknown parameter: {param}")).code("parameter_unknown").unsaved()
    }

    pub(super) fn empty(param: &str) -> Self {
        let message = format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; \
             however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
        );
        Self::about(param, message).code("parameter_invalid_empty").unsaved()
    }

    /// An object named by a parameter is not there.
    pub(super) fn absent(what: &str, id: &str, param: impl Into<String>) -> Self {
        Self::about(param, format!("No such {what}: '{id}'")).code("resource_missing")
    }

    /// The object in the path is not there.
    pub(super) fn not_found(what: &str, id: &str, param: &str) -> Self {
        let mut refusal = Self::absent(what, id, param);
        refusal.status = StatusCode::NOT_FOUND;
        refusal
    }

    pub(super) fn no_route(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at \
             https://support.stripe.com/."
        );
        Self::new(StatusCode::NOT_FOUND, message).unsaved()
    }

    /// `402`: the card's issuer said no.
    pub(super) fn card(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        let refusal = Self::new(StatusCode::PAYMENT_REQUIRED, message).kind("card_error").code(code);
        match decline_code {
            Some(decline_code) => refusal.with("decline_code", decline_code),
            None => refusal,
        }
    }

    pub(super) fn idempotency(message: impl Into<String>) -> Self {
        Self::state(message).kind("idempotency_error").unsaved()
    }

    /// What a fault's status looks like when the vendor means it.
    pub(super) fn fault(status: StatusCode) -> Self {
        let plain = |message: &str| Self::new(status, message).unsaved();
        match status.as_u16() {
            401 => plain("Invalid API Key provided: sk_test_****"),
            402 => {
                let declined = Self::card("card_declined", Some("generic_decline"), "Your card was declined.");
                declined.unsaved()
            }
            409 => plain(
                "There is currently another in-progress request using this Idempotent Key (that probably means you \
                 submitted twice, and the other request is still going through). Please try again later.",
            )
            .kind("idempotency_error")
            .code("idempotency_key_in_use"),
            429 => plain(
                "Request rate limit exceeded. You can learn more about rate limits here \
                 https://stripe.com/docs/rate-limits.",
            )
            .code("rate_limit"),
            500.. => plain("An unknown error occurred").kind("api_error"),
            _ => plain(status.canonical_reason().unwrap_or("Error")),
        }
    }

    pub(super) fn kind(self, kind: &str) -> Self {
        self.with("type", kind)
    }

    pub(super) fn code(self, code: &str) -> Self {
        let page = code.replace('_', "-");
        self.with("code", code).with("doc_url", format!("https://stripe.com/docs/error-codes/{page}"))
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.error.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn unsaved(mut self) -> Self {
        self.saved = false;
        self
    }

    pub(super) fn message(&self) -> String {
        self.error["message"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn answer(self) -> Answer {
        Answer::json(self.status, &json!({ "error": self.error }))
    }
}
