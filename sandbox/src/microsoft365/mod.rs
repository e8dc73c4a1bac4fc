//! Microsoft365: `GET /v1/status`, behind a bearer key.

use std::{borrow::Cow, sync::Arc};

use hyper::{Method, StatusCode, header::AUTHORIZATION};
use serde_json::json;

use crate::{
    exchange::{Answer, Request},
    faults::Faults,
    recorder::Recorder,
    vendor::{Registration, Stage, Vendor},
};

/// The key that is accepted.
pub const API_KEY: &str = "sandbox-microsoft365-key";

pub(crate) const REGISTRATION: Registration =
    Registration { name: "microsoft365", open: |stage| Arc::new(Microsoft365 { stage }) };

/// The look-alike of Microsoft365.
pub struct Microsoft365 {
    stage: Arc<Stage>,
}

impl Microsoft365 {
    /// Base address of the vendor's API.
    pub fn url(&self) -> String {
        self.stage.url().to_owned()
    }

    /// Scripted misbehaviour.
    pub fn faults(&self) -> &Faults {
        &self.stage.faults
    }

    /// Remembered requests, and how many are kept.
    pub fn recorder(&self) -> &Recorder {
        &self.stage.recorder
    }
}

impl Vendor for Microsoft365 {
    fn answer(&self, request: &Request) -> Answer {
        if key(request) != Some(API_KEY) {
            return error(StatusCode::UNAUTHORIZED, "bad_key", "No such key");
        }
        match (&request.method, request.path()) {
            (&Method::GET, "/v1/status") => Answer::json(StatusCode::OK, &json!({ "status": "ok" })),
            (_, "/v1/status") => error(StatusCode::METHOD_NOT_ALLOWED, "bad_method", "Only GET is taken here"),
            _ => error(StatusCode::NOT_FOUND, "not_found", "There is no such resource"),
        }
    }

    fn refusal(&self, status: StatusCode, code: Option<u32>) -> Answer {
        let code = code.map_or_else(|| "fault".to_owned(), |code| code.to_string());
        error(status, &code, status.canonical_reason().unwrap_or("Error"))
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        key(request).map(Cow::Borrowed)
    }

    fn recipient(&self, _request: &Request) -> Option<String> {
        None
    }

    fn control(&self, _path: &str, _request: &Request) -> Option<Answer> {
        None
    }

    fn reset(&self) {}
}

fn key(request: &Request) -> Option<&str> {
    request.header(&AUTHORIZATION)?.strip_prefix("Bearer ")
}

fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "code": code, "message": message } }))
}

impl crate::Sandbox {
    /// The look-alike of Microsoft365.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn microsoft365(&self) -> &Microsoft365 {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for Microsoft365 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Microsoft365").field("url", &self.url()).finish_non_exhaustive()
    }
}
