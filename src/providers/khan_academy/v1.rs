//! What operations of the v1-shaped API share: its address, whose data is asked for, and what they say without one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{KhanAcademy, KhanAcademyConfig, WITHDRAWN};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::{Call, Capability},
    transport::Request,
};

/// A student of the coach in whose name requests are made. Without one an operation is about that coach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Learner {
    /// By Khan Academy's id of the user: the choice that puts no address of a person into a request.
    UserId(String),
    /// By the e-mail address of the account.
    Email(String),
    /// By the user name.
    Username(String),
}

impl Learner {
    /// As v1 spells it in a query.
    fn pair(&self) -> (&'static str, &str) {
        match self {
            Learner::UserId(id) => ("userId", id),
            Learner::Email(email) => ("email", email),
            Learner::Username(name) => ("username", name),
        }
    }
}

/// Refuses a student that cannot be one.
pub(super) fn check_learner(learner: Option<&Learner>) -> Result<()> {
    let Some((kind, value)) = learner.map(Learner::pair) else { return Ok(()) };
    check_id(&format!("student.{kind}"), value)?;
    if kind == "email" && !value.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) {
        return Err(Error::invalid("student.email", "must be an e-mail address"));
    }
    Ok(())
}

/// Refuses an id or slug that cannot stand in a path.
pub(super) fn check_id(field: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) || matches!(text, "." | "..") {
        return Err(Error::invalid(field, "must be the id or slug that the API gave, from 1 to 200 characters"));
    }
    Ok(())
}

/// Whether there is an API to ask; if not, `otherwise`, with [`WITHDRAWN`] in it.
pub(super) fn with_address(config: &KhanAcademyConfig, otherwise: fn(&'static str) -> Capability) -> Capability {
    if config.base_url.is_some() { Capability::Supported } else { otherwise(WITHDRAWN) }
}

/// A request to `{base_url}/api/v1/…`.
pub(super) fn request(call: &Call<'_, KhanAcademy>, path: &[&str], learner: Option<&Learner>) -> Result<Request> {
    if call.config().base_url.is_none() {
        return Err(Error::new(ErrorCode::NotConfigured, WITHDRAWN).with_field("config.base_url"));
    }
    let path: Vec<&str> = ["api", "v1"].into_iter().chain(path.iter().copied()).collect();
    // There is no host of the vendor's to fall back on.
    let request = call.get(call.url("", &path)?);
    Ok(match learner.map(Learner::pair) {
        Some((name, value)) => request.query(name, value),
        None => request,
    })
}

/// Asks, and reads the answer.
pub(super) async fn fetch<T: DeserializeOwned>(
    call: &Call<'_, KhanAcademy>,
    path: &[&str],
    learner: Option<&Learner>,
) -> Result<T> {
    call.fetch(request(call, path, learner)?).await
}
