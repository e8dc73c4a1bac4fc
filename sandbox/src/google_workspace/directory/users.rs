//! Accounts.

use std::cmp::Ordering;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{CHANNEL_LIFE_MS, CUSTOMER_ID, USERS, USERS_READ, administers, exists, of_school};
use crate::google_workspace::call::{Call, Reply, Result, text, with_next};
use crate::google_workspace::channels;
use crate::google_workspace::error::ApiError;
use crate::google_workspace::people::{Person, is_local};

/// Fields that are kept as they are given. A password is never kept.
const KEPT: &[&str] = &[
    "suspended",
    "archived",
    "changePasswordAtNextLogin",
    "orgUnitPath",
    "externalIds",
    "organizations",
    "relations",
    "phones",
    "addresses",
    "emails",
    "recoveryEmail",
    "recoveryPhone",
    "includeInGlobalAddressList",
    "customSchemas",
    "locations",
    "gender",
    "notes",
    "languages",
    "keywords",
    "websites",
    "ims",
    "ipWhitelisted",
];
/// Fields that everybody in the domain may see.
const PUBLIC: &[&str] = &["kind", "id", "etag", "primaryEmail", "name", "phones", "organizations", "thumbnailPhotoUrl"];

/// Answers behind `users`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET || path == ["watch"] { USERS_READ } else { USERS })?;
    match (&method, path) {
        (&Method::GET, []) => list(call),
        (&Method::POST, []) => insert(call),
        (&Method::POST, ["watch"]) => {
            administers(call)?;
            of_school(call)?;
            channels::open(call, CHANNEL_LIFE_MS)
        }
        (&Method::GET, [key]) => {
            let public = public(call)?;
            let person = call.world.people.find(key).ok_or_else(missing)?;
            Ok(Reply::Json(shown(person, public)))
        }
        (&Method::PUT | &Method::PATCH, [key]) => update(call, key),
        (&Method::DELETE, [key]) => {
            administers(call)?;
            let person = call.world.people.find(key).ok_or_else(missing)?;
            if person.email == call.user() {
                return Err(ApiError::forbidden("forbidden", "Admins cannot delete themselves."));
            }
            call.world.people.remove(key);
            Ok(Reply::Empty)
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn missing() -> ApiError {
    ApiError::not_found("Resource Not Found: userKey")
}

/// Whether only the public part is asked for: all that those who do not administer the domain may see.
fn public(call: &Call<'_>) -> Result<bool> {
    let public = call.query.filled("viewType") == Some("domain_public");
    if !public {
        administers(call)?;
    }
    Ok(public)
}

fn shown(person: &Person, public: bool) -> Value {
    let mut shown = json!({
        "kind": "admin#directory#user",
        "id": person.id,
        "etag": format!("\"{}\"", person.id),
        "primaryEmail": person.email,
        "name": { "givenName": person.given, "familyName": person.family, "fullName": person.name() },
        "isAdmin": person.admin,
        "isDelegatedAdmin": false,
        "creationTime": "2025-08-01T08:00:00.000Z",
        "agreedToTerms": true,
        "archived": false,
        "changePasswordAtNextLogin": false,
        "ipWhitelisted": false,
        "emails": [{ "address": person.email, "primary": true }],
        "customerId": CUSTOMER_ID,
        "isMailboxSetup": true,
        "includeInGlobalAddressList": true,
    });
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(person.more.clone());
        fields.retain(|name, _| !public || PUBLIC.contains(&name.as_str()));
    }
    shown
}

fn list(call: &mut Call<'_>) -> Result {
    let public = public(call)?;
    of_school(call)?;
    let size = call.size("maxResults", 100, 500)?;
    let terms = terms(call.query.filled("query").unwrap_or(""))?;
    // Accounts that were deleted are not kept: of those the list is empty.
    let deleted = call.flag("showDeleted");
    let people = call.world.people.iter().filter(|person| !deleted && terms.iter().all(|term| term.holds(person)));
    let mut people: Vec<&Person> = people.collect();
    let key = call.query.filled("orderBy").unwrap_or("email");
    let order: fn(&&Person, &&Person) -> Ordering = match key {
        "email" => |one, other| one.email.cmp(&other.email),
        "givenName" => |one, other| one.given.cmp(&other.given),
        "familyName" => |one, other| one.family.cmp(&other.family),
        _ => return Err(ApiError::parameter("orderBy", format!("Invalid value '{key}'."))),
    };
    people.sort_by(order);
    if call.query.filled("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending")) {
        people.reverse();
    }
    let all = people.into_iter().map(|person| shown(person, public)).collect();
    let (page, next) = call.page(all, size)?;
    let mut list = json!({ "kind": "admin#directory#users", "etag": "\"1\"" });
    if !page.is_empty() {
        list["users"] = json!(page);
    }
    Ok(Reply::Json(with_next(list, next)))
}

/// One part of a query such as `orgUnitPath=/Staff email:ann* isSuspended=false`.
struct Term {
    field: String,
    /// Whether all of it has to be the same.
    whole: bool,
    value: String,
}

fn terms(query: &str) -> Result<Vec<Term>> {
    let invalid = || ApiError::invalid(format!("Invalid Input: {query}"));
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in query.chars().chain([' ']) {
        match c {
            '\'' | '"' => quoted = !quoted,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            c => word.push(c),
        }
    }
    let term = |word: &String| {
        let at = word.find([':', '=']);
        let (field, rest) = at.map_or(("", word.as_str()), |at| word.split_at(at));
        let known =
            ["", "email", "name", "givenName", "familyName", "orgUnitPath", "isSuspended", "isAdmin", "externalId"];
        let value = rest.trim_start_matches([':', '=']).to_lowercase();
        let whole = rest.starts_with('=');
        if known.contains(&field) { Ok(Term { field: field.to_owned(), whole, value }) } else { Err(invalid()) }
    };
    words.iter().map(term).collect()
}

impl Term {
    fn holds(&self, person: &Person) -> bool {
        let value = self.value.trim_end_matches('*');
        let says = |text: &str| {
            let text = text.to_lowercase();
            if self.whole {
                text == self.value
            } else {
                text.split([' ', '@']).any(|word| word.starts_with(value)) || text.starts_with(value)
            }
        };
        let flag = |held: bool| self.value.parse::<bool>().is_ok_and(|wanted| wanted == held);
        match self.field.as_str() {
            "email" => says(&person.email),
            "givenName" => says(&person.given),
            "familyName" => says(&person.family),
            "name" => says(&person.name()),
            "orgUnitPath" => {
                let path = person.more.get("orgUnitPath").and_then(Value::as_str).unwrap_or("/").to_lowercase();
                path == self.value || path.starts_with(&format!("{}/", self.value.trim_end_matches('/')))
            }
            "isSuspended" => flag(person.suspended()),
            "isAdmin" => flag(person.admin),
            "externalId" => {
                let ids = person.more.get("externalIds").and_then(Value::as_array).into_iter().flatten();
                ids.into_iter().any(|id| id["value"].as_str().is_some_and(says))
            }
            _ => says(&person.email) || says(&person.name()),
        }
    }
}

fn names(body: &Map<String, Value>) -> (Option<&str>, Option<&str>) {
    let name = |part: &str| body.get("name").and_then(|name| name.get(part)).and_then(Value::as_str);
    (name("givenName").filter(|name| !name.is_empty()), name("familyName").filter(|name| !name.is_empty()))
}

fn password(body: &Map<String, Value>) -> Result<bool> {
    match text(body, "password") {
        None => Ok(false),
        // A hash has its own length.
        Some(password) if body.contains_key("hashFunction") || (8..=100).contains(&password.len()) => Ok(true),
        Some(_) => Err(ApiError::invalid("Invalid Password")),
    }
}

/// What is kept of a body, if the unit that it names is there.
fn kept(call: &Call<'_>, body: Map<String, Value>) -> Result<Map<String, Value>> {
    let path = text(&body, "orgUnitPath").unwrap_or("/");
    if path != "/" && !call.world.directory.units.iter().any(|unit| unit["orgUnitPath"] == *path) {
        return Err(ApiError::invalid("Invalid Input: INVALID_OU_ID"));
    }
    Ok(body.into_iter().filter(|(name, _)| KEPT.contains(&name.as_str())).collect())
}

fn insert(call: &mut Call<'_>) -> Result {
    administers(call)?;
    let body = call.body()?;
    let email = text(&body, "primaryEmail").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| ApiError::invalid("Invalid Input: primary_user_email"))?.to_ascii_lowercase();
    if !is_local(&email) {
        return Err(ApiError::not_found("Domain not found."));
    }
    let (Some(given), Some(family)) = names(&body) else {
        return Err(ApiError::invalid("Invalid Given/Family Name: FamilyName"));
    };
    if !password(&body)? {
        return Err(ApiError::invalid("Invalid Password"));
    }
    let taken = call.world.directory.groups.iter().any(|group| group.email == email);
    if taken || call.world.people.find(&email).is_some() {
        return Err(exists());
    }
    let (given, family) = (given.to_owned(), family.to_owned());
    let mut more = kept(call, body)?;
    more.entry("orgUnitPath").or_insert_with(|| json!("/"));
    more.entry("suspended").or_insert_with(|| json!(false));
    let person = Person { id: call.world.ids.number(21), email, given, family, admin: false, more };
    let answer = shown(&person, false);
    call.world.directory.begin(&person.email);
    call.world.people.push(person);
    Ok(Reply::Json(answer))
}

fn update(call: &mut Call<'_>, key: &str) -> Result {
    administers(call)?;
    let body = call.body()?;
    let person = call.world.people.find(key).ok_or_else(missing)?;
    let held = person.email.clone();
    call.world.directory.complete(&held)?;
    let person = call.world.people.find(key).ok_or_else(missing)?;
    if text(&body, "primaryEmail").is_some_and(|email| !email.eq_ignore_ascii_case(&person.email)) {
        return Err(ApiError::invalid("This look-alike does not rename accounts."));
    }
    password(&body)?;
    let (given, family) = names(&body);
    let (given, family) = (given.map(str::to_owned), family.map(str::to_owned));
    let more = kept(call, body)?;
    let person = call.world.people.find_mut(key).ok_or_else(missing)?;
    person.given = given.unwrap_or_else(|| person.given.clone());
    person.family = family.unwrap_or_else(|| person.family.clone());
    person.more.extend(more);
    Ok(Reply::Json(shown(person, false)))
}
