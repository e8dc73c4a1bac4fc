//! Who a file is shared with.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::access::{self, ROLES, at_least, insufficient, missing};
use super::{Call, READ, Reply, SHARE, changes};
use crate::google_workspace::call::{Result, instant, moment, text, with_next};
use crate::google_workspace::error::ApiError;
use crate::google_workspace::people::{People, is_local};

const BRIEF: &str = "kind,id,type,role";
const LIST: &str = "kind,nextPageToken,permissions(kind,id,type,role)";
/// No permission may be given for longer, in milliseconds.
const LONGEST_MS: i64 = 366 * 24 * 3_600_000;

/// What somebody may do with a file or a shared drive.
#[derive(Debug, Clone)]
pub(in crate::google_workspace) struct Permission {
    pub(in crate::google_workspace) id: String,
    pub(in crate::google_workspace) kind: String,
    pub(in crate::google_workspace) role: String,
    pub(in crate::google_workspace) email: Option<String>,
    domain: Option<String>,
    /// When it ends, in milliseconds.
    pub(super) expires: Option<i64>,
    /// Whether it can be found without the link.
    pub(super) discoverable: bool,
}

impl Permission {
    /// A user's.
    pub(super) fn user(email: &str, role: &str) -> Self {
        Self {
            id: number(email),
            kind: "user".to_owned(),
            role: role.to_owned(),
            email: Some(email.to_owned()),
            domain: None,
            expires: None,
            discoverable: false,
        }
    }

    pub(super) fn shown(&self, people: &People) -> Value {
        let mut shown = json!({ "kind": "drive#permission", "id": self.id, "type": self.kind, "role": self.role });
        if let Some(email) = &self.email {
            shown["emailAddress"] = json!(email);
            shown["displayName"] = json!(people.display(email));
            shown["deleted"] = json!(false);
            shown["pendingOwner"] = json!(false);
        } else {
            shown["allowFileDiscovery"] = json!(self.discoverable);
        }
        if let Some(domain) = &self.domain {
            shown["domain"] = json!(domain);
        }
        if let Some(expires) = self.expires {
            shown["expirationTime"] = json!(moment(expires));
        }
        shown
    }
}

/// The number that a permission of this address always has: twenty digits.
pub(in crate::google_workspace) fn number(email: &str) -> String {
    let hash = email
        .to_ascii_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:020}")
}

/// Answers behind `files/ID/permissions`.
pub(super) fn answer(call: &mut Call<'_>, id: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::GET, []) => list(call, id),
        (&Method::POST, []) => create(call, id),
        (&Method::GET, [permission]) => {
            call.needs(READ)?;
            let (file, _) = access::readable(call, id)?;
            let found = file.permissions.iter().find(|one| one.id == *permission);
            let found = found.ok_or_else(|| unknown(permission))?;
            Ok(Reply::Partial(found.shown(&call.world.people), BRIEF))
        }
        (&Method::PATCH, [permission]) => update(call, id, permission),
        (&Method::DELETE, [permission]) => remove(call, id, permission),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("Permission not found: {id}.")).at("parameter", "permissionId")
}

fn list(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(READ)?;
    let size = call.size("pageSize", 100, 100)?;
    let (file, _) = access::readable(call, id)?;
    let all: Vec<Value> = file.permissions.iter().map(|one| one.shown(&call.world.people)).collect();
    let (page, next) = call.page(all, size)?;
    let list = json!({ "kind": "drive#permissionList", "permissions": page });
    Ok(Reply::Partial(with_next(list, next), LIST))
}

fn create(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(SHARE)?;
    let body = call.body()?;
    let file = access::writable(call, id)?;
    let (id, in_drive, owner) = (file.id.clone(), file.drive.is_some(), file.owner.clone());
    let asked = asked(call, &body, in_drive)?;
    if asked.role == "owner" {
        return transfer(call, &id, owner.as_deref(), asked);
    }
    notify(call, &id, &asked);
    let shown = asked.shown(&call.world.people);
    let file = call.world.drive.files.get_mut(&id).ok_or_else(|| missing(&id))?;
    // Who has a permission already gets the new role in place of the old.
    match file.permissions.iter_mut().find(|held| held.id == asked.id) {
        Some(held) if held.role == "owner" => {}
        Some(held) => *held = asked,
        None => file.permissions.push(asked),
    }
    changes::note(call, &id);
    Ok(Reply::Partial(shown, BRIEF))
}

/// The permission that a body asks for.
fn asked(call: &Call<'_>, body: &Map<String, Value>, in_drive: bool) -> Result<Permission> {
    let role = role(body, in_drive)?;
    let kind = text(body, "type").ok_or_else(|| required("type"))?;
    let (email, domain) = (text(body, "emailAddress"), text(body, "domain"));
    let id = match (kind, email, domain) {
        ("user" | "group", Some(email), _) if email.contains('@') => number(email),
        ("user" | "group", Some(_), _) => {
            return Err(ApiError::invalid(
                "The specified emailAddress is invalid or not applicable for the given permission type.",
            ));
        }
        ("user" | "group", None, _) => return Err(required("emailAddress")),
        ("domain", _, Some(domain)) => format!("{}k", number(domain)),
        ("domain", _, None) => return Err(required("domain")),
        ("anyone", ..) => "anyoneWithLink".to_owned(),
        _ => {
            return Err(
                ApiError::invalid("The specified permission type is invalid.").at("parameter", "permission.type")
            );
        }
    };
    let outside = match kind {
        "user" | "group" => !email.is_some_and(is_local),
        "domain" => domain != Some(super::super::DOMAIN),
        _ => true,
    };
    if outside && call.world.drive.domain_only {
        if kind == "anyone" {
            return Err(ApiError::forbidden(
                "publishOutNotPermitted",
                "You cannot publish this item outside of your domain.",
            ));
        }
        let why = "You cannot share this item outside of your domain.";
        return Err(ApiError::forbidden("shareOutNotPermitted", why));
    }
    if kind == "user"
        && email.is_some_and(|email| is_local(email) && call.world.people.find(email).is_none())
        && call.query.get("sendNotificationEmail") == Some("false")
    {
        let why = "Bad Request. User message: \"You are trying to invite an address that no account belongs to. You \
                   must check the 'Notify people' box to invite it.\"";
        return Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "invalidSharingRequest", why));
    }
    let person = kind == "user" || kind == "group";
    Ok(Permission {
        id,
        kind: kind.to_owned(),
        role,
        email: email.filter(|_| person).map(str::to_owned),
        domain: domain.filter(|_| kind == "domain").map(str::to_owned),
        expires: expiry(call, body, person)?,
        discoverable: body.get("allowFileDiscovery") == Some(&Value::Bool(true)),
    })
}

fn required(field: &str) -> ApiError {
    let why = format!("The permission {field} field is required.");
    ApiError::new(hyper::StatusCode::BAD_REQUEST, "required", why).at("parameter", &format!("permission.{field}"))
}

fn role(body: &Map<String, Value>, in_drive: bool) -> Result<String> {
    let role = text(body, "role").ok_or_else(|| required("role"))?;
    let of_drives = ["organizer", "fileOrganizer"].contains(&role);
    if !ROLES.contains(&role) || (of_drives && !in_drive) || (role == "owner" && in_drive) {
        return Err(ApiError::invalid(format!("The role {role} is invalid here.")).at("parameter", "permission.role"));
    }
    Ok(role.to_owned())
}

fn expiry(call: &Call<'_>, body: &Map<String, Value>, person: bool) -> Result<Option<i64>> {
    let Some(given) = text(body, "expirationTime") else { return Ok(None) };
    let refused = |reason, why| Err(ApiError::forbidden(reason, why));
    let Some(ends) = instant(given) else { return Err(ApiError::invalid("Invalid value for: expirationTime")) };
    match ends - call.at() {
        _ if !person => {
            refused("expirationDateNotAllowedForSharedDriveMembers", "Only users and groups can be given a time.")
        }
        ..=0 => refused("expirationDateInPast", "The expiration date must be in the future."),
        LONGEST_MS.. => refused("expirationDateTooFar", "The expiration date must be within a year."),
        _ => Ok(Some(ends)),
    }
}

/// The mail that a shared file is announced with, unless it is not wanted.
fn notify(call: &mut Call<'_>, id: &str, permission: &Permission) {
    let wanted = call.query.get("sendNotificationEmail") != Some("false");
    if let (true, Some(email)) = (wanted, &permission.email) {
        call.world.drive.notices.push((email.clone(), id.to_owned()));
    }
}

/// Makes another user the owner; the old one may write from then on.
fn transfer(call: &mut Call<'_>, id: &str, owner: Option<&str>, asked: Permission) -> Result {
    if !call.flag("transferOwnership") {
        let why = "The transferOwnership parameter must be enabled when the permission role is 'owner'.";
        return Err(ApiError::forbidden("forbidden", why).at("parameter", "transferOwnership"));
    }
    if call.query.get("sendNotificationEmail") == Some("false") {
        let why = "The sendNotificationEmail parameter is only applicable when ownership is not transferred.";
        return Err(ApiError::forbidden("forbidden", why));
    }
    if owner != Some(call.user()) {
        return Err(insufficient());
    }
    let email = asked.email.clone().filter(|email| call.world.people.find(email).is_some());
    let Some(email) = email else {
        let why = "Consent is required to transfer ownership of a file to another user.";
        return Err(ApiError::forbidden("consentRequiredForOwnershipTransfer", why));
    };
    notify(call, id, &asked);
    let shown = asked.shown(&call.world.people);
    let file = call.world.drive.files.get_mut(id).ok_or_else(|| missing(id))?;
    file.permissions.retain(|held| held.id != asked.id);
    file.permissions
        .iter_mut()
        .filter(|held| held.role == "owner")
        .for_each(|held| "writer".clone_into(&mut held.role));
    file.permissions.push(asked);
    file.owner = Some(email);
    changes::note(call, id);
    Ok(Reply::Partial(shown, BRIEF))
}

fn update(call: &mut Call<'_>, id: &str, permission: &str) -> Result {
    call.needs(SHARE)?;
    let body = call.body()?;
    let file = access::writable(call, id)?;
    let (id, in_drive, owner) = (file.id.clone(), file.drive.is_some(), file.owner.clone());
    let held = file.permissions.iter().find(|held| held.id == permission).cloned();
    let mut changed = held.ok_or_else(|| unknown(permission))?;
    if text(&body, "role").is_some() {
        let role = role(&body, in_drive)?;
        if role == "owner" {
            return transfer(call, &id, owner.as_deref(), Permission { role, ..changed });
        }
        if changed.role == "owner" {
            return Err(insufficient());
        }
        changed.role = role;
    }
    if call.flag("removeExpiration") {
        changed.expires = None;
    } else if let Some(expires) = expiry(call, &body, changed.email.is_some())? {
        changed.expires = Some(expires);
    }
    let shown = changed.shown(&call.world.people);
    let file = call.world.drive.files.get_mut(&id).ok_or_else(|| missing(&id))?;
    if let Some(held) = file.permissions.iter_mut().find(|held| held.id == permission) {
        *held = changed;
    }
    changes::note(call, &id);
    Ok(Reply::Partial(shown, BRIEF))
}

fn remove(call: &mut Call<'_>, id: &str, permission: &str) -> Result {
    call.needs(SHARE)?;
    let (file, rank) = access::readable(call, id)?;
    let held = file.permissions.iter().find(|held| held.id == permission).ok_or_else(|| unknown(permission))?;
    let own = held.email.as_deref() == Some(call.user());
    // Everybody may give up what was shared with them; an owner cannot be taken away.
    if held.role == "owner" || (rank < at_least("writer") && !own) {
        return Err(insufficient());
    }
    let id = file.id.clone();
    let file = call.world.drive.files.get_mut(&id).ok_or_else(|| missing(&id))?;
    file.permissions.retain(|held| held.id != permission);
    changes::note(call, &id);
    Ok(Reply::Empty)
}
