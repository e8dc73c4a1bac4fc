//! One request with what its handler needs: who asks, what of, and the world to answer from.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::tokens::Grant;
use super::world::World;
use crate::exchange::{Answer, Pairs, Request};

/// What a handler answers.
pub(super) type Result<T = Reply> = std::result::Result<T, ApiError>;

/// An answer before `fields` has cut it down.
#[derive(Debug)]
pub(super) enum Reply {
    /// All of it, unless `fields` says less.
    Json(Value),
    /// Only what the selector names, unless `fields` says otherwise: Drive's way.
    Partial(Value, &'static str),
    /// 204.
    Empty,
    /// Bytes, or anything else that `fields` leaves alone.
    Whole(Answer),
}

/// Parameters that may change from page to page.
const UNBOUND: &[&str] =
    &["pageToken", "pageSize", "maxResults", "fields", "alt", "prettyPrint", "key", "quotaUser", "access_token"];

/// A request on its way through a handler.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) query: Pairs<'a>,
    pub(super) grant: Grant,
    pub(super) world: &'a mut World,
    /// The sandbox's own address.
    pub(super) url: &'a str,
}

impl Call<'_> {
    /// Refuses unless the token carries one of the scopes, named without their prefix.
    pub(super) fn needs(&self, any: &[&str]) -> Result<()> {
        if self.grant.allows(any) { Ok(()) } else { Err(ApiError::scope()) }
    }

    /// The address of the user who asks.
    pub(super) fn user(&self) -> &str {
        &self.grant.user
    }

    /// Whether the user administers the domain.
    pub(super) fn is_admin(&self) -> bool {
        self.world.people.find(self.user()).is_some_and(|person| person.admin)
    }

    /// The address that `me`, an id or an address means; an address outside the domain means itself.
    pub(super) fn person(&self, key: &str) -> Option<String> {
        if key == "me" {
            return Some(self.user().to_owned());
        }
        self.world.people.find(key).map(|person| person.email.clone())
    }

    /// Now, in the sandbox's milliseconds.
    pub(super) fn at(&self) -> i64 {
        self.request.at
    }

    /// Now, as the vendor writes it.
    pub(super) fn now(&self) -> String {
        moment(self.request.at)
    }

    /// The JSON object that was sent; nothing sent counts as an empty one.
    pub(super) fn body(&self) -> Result<Map<String, Value>> {
        object(&self.request.body)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.query.get(name) == Some("true")
    }

    /// The size of a page: `most` caps what was asked for, as the vendor does, but 0 and less are refused.
    pub(super) fn size(&self, name: &str, default: usize, most: usize) -> Result<usize> {
        match self.query.filled(name) {
            None => Ok(default),
            Some(text) => match text.parse::<usize>() {
                Ok(0) | Err(_) => Err(ApiError::parameter(name, format!("Invalid value '{text}'."))),
                Ok(size) => Ok(size.min(most)),
            },
        }
    }

    /// The page that `pageToken` asks for, and the token of the next.
    pub(super) fn page<T>(&self, mut items: Vec<T>, size: usize) -> Result<(Vec<T>, Option<String>)> {
        let start = match self.query.filled("pageToken") {
            None => 0,
            Some(token) => self
                .start(token)
                .ok_or_else(|| ApiError::parameter("pageToken", format!("Invalid value '{token}'.")))?,
        };
        let count = items.len();
        let page: Vec<T> = items.drain(start.min(count)..(start + size).min(count)).collect();
        let next = (start + size < count).then(|| self.token(start + size));
        Ok((page, next))
    }

    /// The token of the page that begins there.
    pub(super) fn token(&self, start: usize) -> String {
        URL_SAFE_NO_PAD.encode(format!("{start}/{:x}", self.question()))
    }

    /// Where a token says to start, if it was handed out for the same question.
    fn start(&self, token: &str) -> Option<usize> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (start, question) = text.split_once('/')?;
        (u64::from_str_radix(question, 16).ok()? == self.question()).then(|| start.parse().ok())?
    }

    /// What is asked for, whatever the page: a token is good for one question only.
    fn question(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.request.path(), self.user()).hash(&mut hasher);
        self.query.iter().filter(|(name, _)| !UNBOUND.contains(name)).for_each(|pair| pair.hash(&mut hasher));
        hasher.finish()
    }
}

/// Reads a JSON object; no bytes count as an empty one.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "parseError", "Parse Error")),
    }
}

/// Milliseconds since 1970 as `2026-11-25T08:00:00.000Z`.
pub(super) fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

/// The milliseconds of a time with an offset, as RFC 3339 writes it.
pub(super) fn instant(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// A text of a JSON object, unless it is empty.
pub(super) fn text<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    map.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Puts the next page's token into a list.
pub(super) fn with_next(mut list: Value, next: Option<String>) -> Value {
    if let (Some(list), Some(next)) = (list.as_object_mut(), next) {
        list.insert("nextPageToken".to_owned(), next.into());
    }
    list
}
