//! The control API under `/__sandbox/` on every vendor's port, for tests that are not written in Rust.

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::exchange::{Answer, Request};
use crate::faults::{RateLimit, Rule};
use crate::vendor::{Stage, Vendor};

/// Where the control API starts. No vendor has a path of this kind.
pub(crate) const PREFIX: &str = "/__sandbox/";

pub(crate) fn answer(stage: &Stage, vendor: &dyn Vendor, path: &str, request: &Request) -> Answer {
    let result = match (&request.method, path) {
        (&Method::GET, "faults") => Ok(json(&stage.faults.rules())),
        (&Method::POST, "faults") => add_faults(stage, request),
        (&Method::DELETE, "faults") => {
            stage.faults.clear();
            Ok(done())
        }
        (&Method::PUT, "rate-limit") => read::<RateLimit>(request).map(|limit| {
            stage.faults.rate_limit(Some(limit));
            done()
        }),
        (&Method::DELETE, "rate-limit") => {
            stage.faults.rate_limit(None);
            Ok(done())
        }
        (&Method::GET, "requests") => requests(stage, request),
        (&Method::PUT, "recorder") => read::<Keep>(request).map(|Keep { keep }| {
            stage.recorder.keep(keep);
            done()
        }),
        (&Method::POST, "clock") => read::<ClockStep>(request).map(|step| step.apply(stage)),
        (&Method::POST, "reset") => {
            reset(stage, vendor);
            Ok(done())
        }
        _ => Ok(vendor.control(path, request).unwrap_or_else(|| {
            problem(StatusCode::NOT_FOUND, &format!("the control API has no {} {PREFIX}{path}", request.method))
        })),
    };
    result.unwrap_or_else(|message| problem(StatusCode::BAD_REQUEST, &message))
}

pub(crate) fn reset(stage: &Stage, vendor: &dyn Vendor) {
    stage.faults.clear();
    stage.recorder.clear();
    vendor.reset();
}

/// Takes one rule or a list of them; a list with a wrong rule adds none.
fn add_faults(stage: &Stage, request: &Request) -> Result<Answer, String> {
    let rules: Vec<Rule> = match read(request)? {
        list @ Value::Array(_) => serde_json::from_value(list),
        rule => serde_json::from_value(rule).map(|rule| vec![rule]),
    }
    .map_err(|error| error.to_string())?;
    rules.into_iter().for_each(|rule| stage.faults.add(rule));
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    keep: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ClockStep {
    Freeze(bool),
    AdvanceMs(u64),
}

impl ClockStep {
    fn apply(self, stage: &Stage) -> Answer {
        match self {
            Self::Freeze(true) => stage.clock.freeze(),
            Self::Freeze(false) => stage.clock.resume(),
            Self::AdvanceMs(ms) => stage.clock.advance(std::time::Duration::from_millis(ms)),
        }
        json(&json!({ "now": stage.clock.now() }))
    }
}

/// The kept exchanges, oldest first; `?since=NUMBER` leaves earlier ones out.
fn requests(stage: &Stage, request: &Request) -> Result<Answer, String> {
    let since = match request.query().get("since") {
        None => 0,
        Some(number) => number.parse().map_err(|_| format!("since: {number} is not a number"))?,
    };
    let mut exchanges = stage.recorder.exchanges();
    exchanges.retain(|exchange| exchange.number >= since);
    Ok(json(&json!({ "seen": stage.recorder.seen(), "struck": stage.faults.struck(), "requests": exchanges })))
}

pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

pub(crate) fn json(value: &impl serde::Serialize) -> Answer {
    Answer::json(StatusCode::OK, value)
}

pub(crate) fn done() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}

pub(crate) fn problem(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": message }))
}
