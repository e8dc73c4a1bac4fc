//! Groups and their members.

use hyper::Method;
use serde_json::{Value, json};

use super::{GROUPS, GROUPS_READ, Group, MEMBERS, MEMBERS_READ, administers, exists, of_school};
use crate::google_workspace::call::{Call, Reply, Result, text, with_next};
use crate::google_workspace::error::ApiError;
use crate::google_workspace::people::is_local;
use crate::google_workspace::world::World;

const ROLES: &[&str] = &["MEMBER", "MANAGER", "OWNER"];

/// Answers behind `groups`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    let reads = method == Method::GET;
    call.needs(match path {
        [_, "members", ..] if reads => MEMBERS_READ,
        [_, "members", ..] => MEMBERS,
        _ if reads => GROUPS_READ,
        _ => GROUPS,
    })?;
    administers(call)?;
    match (&method, path) {
        (&Method::GET, []) => list(call),
        (&Method::POST, []) => insert(call),
        (&Method::GET, [key]) => Ok(Reply::Json(shown(find(call, key)?))),
        (&Method::GET, [key, "members"]) => {
            let size = call.size("maxResults", 200, 200)?;
            let roles: Vec<&str> =
                call.query.filled("roles").unwrap_or("").split(',').filter(|role| !role.is_empty()).collect();
            let members =
                find(call, key)?.members.iter().filter(|(_, role)| roles.is_empty() || roles.contains(&role.as_str()));
            let all = members.map(|(email, role)| member(call.world, email, role)).collect();
            page(call, "members", all, size)
        }
        (&Method::POST, [key, "members"]) => add(call, key),
        (&Method::GET, [key, "members", who]) => {
            let who = call.person(who).unwrap_or_else(|| (*who).to_owned());
            let mut members = find(call, key)?.members.iter();
            let (email, role) =
                members.find(|(email, _)| email.eq_ignore_ascii_case(&who)).ok_or_else(|| missing("memberKey"))?;
            Ok(Reply::Json(member(call.world, email, role)))
        }
        (&Method::DELETE, [key, "members", who]) => {
            let who = call.person(who).unwrap_or_else(|| (*who).to_owned());
            let group = find_mut(call, key)?;
            let before = group.members.len();
            group.members.retain(|(email, _)| !email.eq_ignore_ascii_case(&who));
            if group.members.len() == before { Err(missing("memberKey")) } else { Ok(Reply::Empty) }
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn missing(what: &str) -> ApiError {
    ApiError::not_found(format!("Resource Not Found: {what}"))
}

fn find<'w>(call: &'w Call<'_>, key: &str) -> Result<&'w Group> {
    let mut groups = call.world.directory.groups.iter();
    groups.find(|group| group.id == key || group.email.eq_ignore_ascii_case(key)).ok_or_else(|| missing("groupKey"))
}

fn find_mut<'w>(call: &'w mut Call<'_>, key: &str) -> Result<&'w mut Group> {
    let mut groups = call.world.directory.groups.iter_mut();
    groups.find(|group| group.id == key || group.email.eq_ignore_ascii_case(key)).ok_or_else(|| missing("groupKey"))
}

fn shown(group: &Group) -> Value {
    json!({
        "kind": "admin#directory#group",
        "id": group.id,
        "etag": format!("\"{}{}\"", group.id, group.members.len()),
        "email": group.email,
        "name": group.name,
        "description": group.description,
        "directMembersCount": group.members.len().to_string(),
        "adminCreated": true,
    })
}

fn member(world: &World, email: &str, role: &str) -> Value {
    let person = world.people.find(email);
    let mut shown = json!({
        "kind": "admin#directory#member",
        "etag": format!("\"{role}\""),
        "email": email,
        "role": role,
        "type": if super::members(world, email).is_some() { "GROUP" } else { "USER" },
        "status": "ACTIVE",
    });
    if let Some(person) = person {
        shown["id"] = json!(person.id);
    }
    shown
}

/// A page of groups or members; an empty list is left out.
fn page(call: &Call<'_>, key: &str, all: Vec<Value>, size: usize) -> Result {
    let (page, next) = call.page(all, size)?;
    let mut list = json!({ "kind": format!("admin#directory#{key}"), "etag": "\"1\"" });
    if !page.is_empty() {
        list[key] = json!(page);
    }
    Ok(Reply::Json(with_next(list, next)))
}

fn list(call: &mut Call<'_>) -> Result {
    let size = call.size("maxResults", 200, 200)?;
    let user = call.query.filled("userKey").map(|key| call.person(key).unwrap_or_else(|| key.to_owned()));
    if user.is_none() {
        of_school(call)?;
    }
    let has = |group: &&Group| {
        user.as_ref().is_none_or(|user| group.members.iter().any(|(email, _)| email.eq_ignore_ascii_case(user)))
    };
    let mut groups: Vec<&Group> = call.world.directory.groups.iter().filter(has).collect();
    groups.sort_by(|one, other| one.email.cmp(&other.email));
    let all = groups.into_iter().map(shown).collect();
    page(call, "groups", all, size)
}

fn insert(call: &mut Call<'_>) -> Result {
    let body = call.body()?;
    let email = text(&body, "email").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| ApiError::invalid("Invalid Input: Email"))?.to_ascii_lowercase();
    if !is_local(&email) {
        return Err(ApiError::not_found("Domain not found."));
    }
    if find(call, &email).is_ok() || call.world.people.find(&email).is_some() {
        return Err(exists());
    }
    let group = Group {
        id: call.world.ids.word(15),
        name: text(&body, "name").unwrap_or(email.split('@').next().unwrap_or("")).to_owned(),
        description: text(&body, "description").unwrap_or("").to_owned(),
        email,
        members: Vec::new(),
    };
    let answer = shown(&group);
    call.world.directory.begin(&group.email);
    call.world.directory.groups.push(group);
    Ok(Reply::Json(answer))
}

fn add(call: &mut Call<'_>, key: &str) -> Result {
    let body = call.body()?;
    let who = text(&body, "email")
        .or_else(|| text(&body, "id"))
        .ok_or_else(|| ApiError::invalid("Missing required field: memberKey"))?;
    let email = call.person(who).or_else(|| who.contains('@').then(|| who.to_owned()));
    let email = email.ok_or_else(|| missing("memberKey"))?;
    if is_local(&email) && call.world.people.find(&email).is_none() && super::members(call.world, &email).is_none() {
        return Err(missing("memberKey"));
    }
    call.world.directory.complete(&email)?;
    let role = text(&body, "role").unwrap_or("MEMBER").to_owned();
    if !ROLES.contains(&role.as_str()) {
        return Err(ApiError::invalid("Invalid Input: role"));
    }
    // A new group can be read, and takes no members yet.
    let new = find_mut(call, key)?.email.clone();
    if call.world.directory.complete(&new).is_err() {
        return Err(missing("groupKey"));
    }
    let group = find_mut(call, key)?;
    if group.members.iter().any(|(held, _)| held.eq_ignore_ascii_case(&email)) {
        return Err(ApiError::duplicate("Member already exists."));
    }
    group.members.push((email.clone(), role.clone()));
    Ok(Reply::Json(member(call.world, &email, &role)))
}
