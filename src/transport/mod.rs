//! HTTP as this crate needs it: bounded, timed, repeated only where that is safe, and silent about URLs.
//!
//! A vendor's URL may carry a key, so no URL is in any error or log line: [`Request`] shows its method and host.

mod breaker;
mod client;
mod guard;
mod http;
pub mod jwt;
pub mod oauth;
#[cfg(not(target_family = "wasm"))]
mod reqwest;
mod retry;

pub use breaker::{Breaker, BreakerState, Breakers};
pub(crate) use client::in_doubt;
pub use client::{Client, Exchange, Plan, Tried};
pub use guard::Outbound;
pub use http::{Failure, FailureKind, Headers, Http, Method, Request, Response};
pub(crate) use retry::turned_away;
pub use retry::{Backoff, Decision, Repeat, RetryBudget, Seen, decide, retry_after};

#[cfg(not(target_family = "wasm"))]
pub use self::reqwest::ReqwestHttp;
