//! Who may see and change a calendar.

use serde_json::{Value, json};

use super::{ACL, ACL_READ, Calendar, readable};
use crate::google_workspace::call::{Call, Reply, Result, text, with_next};
use crate::google_workspace::directory;
use crate::google_workspace::error::ApiError;
use crate::google_workspace::people::is_local;
use crate::google_workspace::world::World;

const ROLES: &[&str] = &["none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner"];
/// Sees whether somebody is busy.
pub(super) const BUSY_READER: usize = 1;
/// Sees events.
pub(super) const READER: usize = 2;
/// Changes events.
pub(super) const WRITER: usize = 3;
/// Changes who may do what.
const OWNER: usize = 5;

/// One rule of a calendar.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    role: String,
    kind: String,
    value: Option<String>,
}

impl Rule {
    pub(super) fn owner(email: &str) -> Self {
        Self { role: "owner".to_owned(), kind: "user".to_owned(), value: Some(email.to_owned()) }
    }

    fn id(&self) -> String {
        match &self.value {
            Some(value) => format!("{}:{value}", self.kind),
            None => self.kind.clone(),
        }
    }

    fn shown(&self) -> Value {
        let mut scope = json!({ "type": self.kind });
        if let Some(value) = &self.value {
            scope["value"] = json!(value);
        }
        json!({
            "kind": "calendar#aclRule",
            "etag": format!("\"{}{}\"", self.role, self.id().len()),
            "id": self.id(),
            "role": self.role,
            "scope": scope,
        })
    }

    fn reaches(&self, world: &World, user: &str, by_name: bool) -> bool {
        let is = |value: &Option<String>| value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case(user));
        match self.kind.as_str() {
            "user" => is(&self.value),
            "group" => self.value.as_deref().is_some_and(|group| directory::is_member(world, group, user)),
            "domain" => !by_name && is_local(user),
            _ => !by_name,
        }
    }
}

/// What a role is worth.
pub(super) fn known(role: &str) -> Option<usize> {
    ROLES.iter().position(|known| *known == role)
}

pub(super) fn name(rank: usize) -> &'static str {
    ROLES.get(rank).copied().unwrap_or("none")
}

fn greatest(world: &World, calendar: &Calendar, user: &str, by_name: bool) -> usize {
    let reach = calendar.rules.iter().filter(|rule| rule.reaches(world, user, by_name));
    reach.filter_map(|rule| known(&rule.role)).max().unwrap_or(0)
}

/// What a user may do with a calendar.
pub(super) fn rank(world: &World, calendar: &Calendar, user: &str) -> usize {
    greatest(world, calendar, user, false)
}

/// The same, but only if the user is meant: what is open to all is on nobody's list.
pub(super) fn rank_of_user(world: &World, calendar: &Calendar, user: &str) -> usize {
    greatest(world, calendar, user, true)
}

fn owned(call: &mut Call<'_>, id: &str) -> Result<Calendar> {
    let calendar = readable(call, id)?;
    if rank(call.world, &calendar, call.user()) < OWNER {
        return Err(ApiError::forbidden("forbidden", "Forbidden"));
    }
    Ok(calendar)
}

pub(super) fn list(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(ACL_READ)?;
    let size = call.size("maxResults", 100, 250)?;
    let rules: Vec<Value> = owned(call, id)?.rules.iter().map(Rule::shown).collect();
    let (page, next) = call.page(rules, size)?;
    let mut list = json!({ "kind": "calendar#acl", "etag": "\"1\"", "items": page });
    if next.is_none() {
        list["nextSyncToken"] = json!(super::list::sync_token(call.world));
    }
    Ok(Reply::Json(with_next(list, next)))
}

/// A rule for the same scope takes the place of the old one.
pub(super) fn insert(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(ACL)?;
    let body = call.body()?;
    let role = text(&body, "role").filter(|role| known(role).is_some());
    let role = role.ok_or_else(|| ApiError::invalid("Invalid role."))?;
    let scope = body.get("scope").and_then(Value::as_object).ok_or_else(|| ApiError::required("scope"))?;
    let (kind, value) = (text(scope, "type").unwrap_or(""), text(scope, "value"));
    let value = match (kind, value) {
        ("user" | "group", Some(value)) if value.contains('@') => Some(value),
        ("domain", Some(value)) => Some(value),
        ("default", None) => None,
        _ => return Err(ApiError::invalid("Invalid scope value.")),
    };
    let id = owned(call, id)?.id;
    let rule = Rule { role: role.to_owned(), kind: kind.to_owned(), value: value.map(str::to_owned) };
    let shown = rule.shown();
    let calendars = &mut call.world.calendar.calendars;
    for calendar in calendars.iter_mut().filter(|calendar| calendar.id == id) {
        calendar.rules.retain(|held| held.id() != rule.id());
        calendar.rules.push(rule.clone());
    }
    Ok(Reply::Json(shown))
}
