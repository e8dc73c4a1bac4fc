//! SendGrid's JSON, and ours: snake_case to camelCase, moments as seconds, flags as 0 and 1, links to next pages.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::Sendgrid;
use crate::{
    error::{Error, Result},
    model::Timestamp,
    providers::{Call, names::camelled},
    transport::{Repeat, Request},
};

/// Reads a `T` from SendGrid's spelling of it.
struct Wire<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Wire<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = camelled(Value::deserialize(deserializer)?, &[]);
        serde_json::from_value(value).map(Wire).map_err(|_| serde::de::Error::custom("not as documented"))
    }
}

/// Sends, and reads the answer.
pub(super) async fn fetch<T: DeserializeOwned>(
    call: &Call<'_, Sendgrid>,
    request: Request,
    repeat: Repeat,
) -> Result<T> {
    let response = call.send_as(request, repeat).await?;
    call.read::<Wire<T>>(&response, repeat).map(|wire| wire.0)
}

/// The `_metadata` of a page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Links {
    #[serde(default)]
    next: Option<String>,
}

impl Links {
    /// Where the next page begins.
    pub(super) fn token(&self) -> Option<String> {
        let next = Url::parse(self.next.as_deref()?).ok()?;
        next.query_pairs().find(|(name, _)| name == "page_token").map(|(_, token)| token.into_owned())
    }
}

/// Adds page size and page to a request for a list.
pub(super) fn paged(mut request: Request, size: Option<u16>, token: Option<&str>) -> Request {
    if let Some(size) = size {
        request = request.query("page_size", size.to_string());
    }
    if let Some(token) = token {
        request = request.query("page_token", token);
    }
    request
}

/// Refuses a page size that SendGrid does not take.
pub(super) fn check_page(size: Option<u16>, largest: u16) -> Result<()> {
    if size.is_some_and(|size| size == 0 || size > largest) {
        return Err(Error::invalid("pageSize", format!("must be from 1 to {largest}")));
    }
    Ok(())
}

/// Refuses what is no id: it becomes a part of a path.
pub(super) fn check_id(field: &str, id: &str) -> Result<()> {
    if (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(());
    }
    Err(Error::invalid(field, "must be an id of letters, digits and hyphens, as SendGrid gave it"))
}

/// Refuses a name that is empty or too long.
pub(super) fn check_name(field: &str, name: &str, longest: usize) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > longest {
        return Err(Error::invalid(field, format!("must have 1 to {longest} characters")));
    }
    Ok(())
}

/// A flag, which SendGrid writes as 0 or 1.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value == Value::Bool(true) || value.as_i64() == Some(1))
}

/// A moment, which SendGrid writes as seconds since 1970.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => {
            number.as_i64().and_then(|seconds| seconds.checked_mul(1_000_000)).map(Timestamp::from_micros)
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// A moment as a filter wants it.
pub(super) fn unix(at: Timestamp) -> String {
    at.as_micros().div_euclid(1_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tokens() {
        let value = serde_json::json!({ "_metadata": { "page_count": 1 }, "html_content": [{ "a_b": 2 }] });
        let ours = serde_json::json!({ "metadata": { "pageCount": 1 }, "htmlContent": [{ "aB": 2 }] });
        assert_eq!(camelled(value, &[]), ours);
        let token = |next: &str| Links { next: Some(next.to_owned()) }.token();
        assert_eq!(token("https://api.sendgrid.com/v3/x?page_size=2&page_token=ab%3D").as_deref(), Some("ab="));
        assert_eq!(token("https://api.sendgrid.com/v3/x"), None);
        assert_eq!(token("nonsense"), None);
        assert_eq!(Links::default().token(), None);
    }

    #[test]
    fn ids_cannot_climb() {
        for bad in ["", "..", "a/b", "a?b", "ä", &"a".repeat(65)] {
            assert_eq!(check_id("id", bad).unwrap_err().field(), Some("id"), "{bad}");
        }
        assert!(check_id("id", "d-0123456789abcdef0123456789abcdef").is_ok());
    }
}
