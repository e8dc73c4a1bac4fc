//! Directory v1.

mod groups;
mod users;

use std::collections::HashMap;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::DOMAIN;
use super::call::{Call, Reply, Result, text};
use super::error::ApiError;
use super::world::World;

const USERS: &[&str] = &["admin.directory.user"];
const USERS_READ: &[&str] = &["admin.directory.user", "admin.directory.user.readonly"];
const GROUPS: &[&str] = &["admin.directory.group"];
const GROUPS_READ: &[&str] = &["admin.directory.group", "admin.directory.group.readonly"];
const MEMBERS: &[&str] = &["admin.directory.group", "admin.directory.group.member"];
const MEMBERS_READ: &[&str] = &[
    "admin.directory.group",
    "admin.directory.group.member",
    "admin.directory.group.member.readonly",
    "admin.directory.group.readonly",
];
const UNITS: &[&str] = &["admin.directory.orgunit"];
const UNITS_READ: &[&str] = &["admin.directory.orgunit", "admin.directory.orgunit.readonly"];
const CUSTOMER: &[&str] = &["admin.directory.customer", "admin.directory.customer.readonly"];

/// The number of the school as a customer.
const CUSTOMER_ID: &str = "C0sandbox";
/// How long a channel on users lives at most, in milliseconds.
const CHANNEL_LIFE_MS: i64 = 6 * 3_600_000;

/// Everything that Directory keeps beside the accounts.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) groups: Vec<Group>,
    /// For how many changes an account or group that was made is not complete.
    pub(super) lag: u64,
    /// Accounts and groups that are not complete, each with for how many changes more.
    incomplete: HashMap<String, u64>,
    /// Paths of the units below the root, each with its name and description.
    units: Vec<Value>,
}

/// A group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    id: String,
    email: String,
    name: String,
    description: String,
    /// Address and role of each member.
    members: Vec<(String, String)>,
}

impl Directory {
    pub(super) fn ready() -> Self {
        let unit = |name: &str, number: usize| {
            json!({
                "kind": "admin#directory#orgUnit",
                "etag": format!("\"unit{number}\""),
                "name": name,
                "description": "",
                "orgUnitPath": format!("/{name}"),
                "orgUnitId": format!("id:03sandboxunit{number}"),
                "parentOrgUnitPath": "/",
                "parentOrgUnitId": "id:03sandboxunit0",
            })
        };
        let units = vec![unit("Staff", 1), unit("Students", 2)];
        Self { groups: Vec::new(), lag: 0, incomplete: HashMap::new(), units }
    }

    /// Takes a new account or group as incomplete for as long as a test wants it.
    fn begin(&mut self, email: &str) {
        self.incomplete.insert(email.to_ascii_lowercase(), self.lag);
    }

    /// Refuses to change an account that is not complete yet.
    fn complete(&mut self, email: &str) -> Result<()> {
        match self.incomplete.get_mut(&email.to_ascii_lowercase()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                let why = "User creation is not complete.";
                Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "conditionNotMet", why))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a user belongs to a group.
pub(super) fn is_member(world: &World, group: &str, user: &str) -> bool {
    members(world, group).is_some_and(|members| members.iter().any(|email| email.eq_ignore_ascii_case(user)))
}

/// The addresses of a group's members; none if there is no such group.
pub(super) fn members(world: &World, group: &str) -> Option<Vec<String>> {
    let found = world.directory.groups.iter().find(|known| known.email.eq_ignore_ascii_case(group))?;
    Some(found.members.iter().map(|(email, _)| email.clone()).collect())
}

/// Answers behind `/admin/directory/v1/`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (_, ["users", rest @ ..]) => users::answer(call, rest),
        (_, ["groups", rest @ ..]) => groups::answer(call, rest),
        (&Method::GET, ["customer", customer, "orgunits"]) => {
            call.needs(UNITS_READ)?;
            administers(call)?;
            is_customer(customer)?;
            let below = call.query.filled("orgUnitPath").unwrap_or("/").trim_end_matches('/').to_owned();
            let all = call.query.filled("type").is_some_and(|kind| kind.eq_ignore_ascii_case("all"));
            let shows = |unit: &&Value| {
                let path = unit["orgUnitPath"].as_str().unwrap_or("");
                let rest = path.strip_prefix(&below).and_then(|rest| rest.strip_prefix('/'));
                rest.is_some_and(|rest| all || !rest.contains('/'))
            };
            let units: Vec<&Value> = call.world.directory.units.iter().filter(shows).collect();
            let list = json!({ "kind": "admin#directory#orgUnits", "etag": "\"1\"", "organizationUnits": units });
            Ok(Reply::Json(list))
        }
        // The path of a unit goes on for as many segments as it has.
        (&Method::GET, ["customer", customer, "orgunits", unit @ ..]) => {
            call.needs(UNITS_READ)?;
            administers(call)?;
            is_customer(customer)?;
            let (path, id) = (format!("/{}", unit.join("/")), unit.join("/"));
            let named = |held: &&Value| held["orgUnitPath"] == path || held["orgUnitId"] == id;
            let found = call.world.directory.units.iter().find(named);
            found.cloned().map(Reply::Json).ok_or_else(|| ApiError::not_found("Org unit not found"))
        }
        (&Method::POST, ["customer", customer, "orgunits"]) => {
            is_customer(customer)?;
            new_unit(call)
        }
        (&Method::GET, ["customers", customer]) => {
            call.needs(CUSTOMER)?;
            administers(call)?;
            is_customer(customer)?;
            Ok(Reply::Json(json!({
                "kind": "admin#directory#customer",
                "id": CUSTOMER_ID,
                "etag": "\"1\"",
                "customerDomain": DOMAIN,
                "alternateEmail": "office@school.example",
                "customerCreationTime": "2020-08-01T08:00:00.000Z",
                "language": "en",
                "postalAddress": { "organizationName": "Your School" },
            })))
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// Closes a channel; the path of this one is written otherwise than all the rest.
pub(super) fn stop(call: &mut Call<'_>) -> Result {
    call.needs(USERS_READ)?;
    super::channels::stop(call)
}

fn administers(call: &Call<'_>) -> Result<()> {
    if call.is_admin() {
        return Ok(());
    }
    Err(ApiError::forbidden("forbidden", "Not Authorized to access this resource/api"))
}

fn is_customer(key: &str) -> Result<()> {
    if key == "my_customer" || key == CUSTOMER_ID {
        return Ok(());
    }
    Err(ApiError::not_found("Resource Not Found: customerId"))
}

/// A list has to say of which customer or domain.
fn of_school(call: &Call<'_>) -> Result<()> {
    match (call.query.filled("customer"), call.query.filled("domain")) {
        (Some(customer), _) => is_customer(customer),
        (None, Some(domain)) if domain.eq_ignore_ascii_case(DOMAIN) => Ok(()),
        (None, Some(_)) => Err(ApiError::not_found("Domain not found.")),
        (None, None) => Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "badRequest", "Bad Request")),
    }
}

fn exists() -> ApiError {
    ApiError::duplicate("Entity already exists.")
}

fn new_unit(call: &mut Call<'_>) -> Result {
    call.needs(UNITS)?;
    administers(call)?;
    let body = call.body()?;
    let name = text(&body, "name").filter(|name| !name.contains('/'));
    let name = name.ok_or_else(|| ApiError::invalid("Invalid Input: name"))?;
    let parent = text(&body, "parentOrgUnitPath").unwrap_or("/");
    let units = &call.world.directory.units;
    let above = units.iter().find(|unit| unit["orgUnitPath"] == *parent);
    let above_id = match above {
        Some(unit) => unit["orgUnitId"].clone(),
        None if parent == "/" => json!("id:03sandboxunit0"),
        None => return Err(ApiError::invalid("Invalid Parent Orgunit Id")),
    };
    let path = format!("{}/{name}", parent.trim_end_matches('/'));
    if units.iter().any(|unit| unit["orgUnitPath"] == path) {
        return Err(exists());
    }
    let number = call.world.ids.number(8);
    let unit = json!({
        "kind": "admin#directory#orgUnit",
        "etag": format!("\"unit{number}\""),
        "name": name,
        "description": text(&body, "description").unwrap_or(""),
        "orgUnitPath": path,
        "orgUnitId": format!("id:03{number}"),
        "parentOrgUnitPath": parent,
        "parentOrgUnitId": above_id,
    });
    call.world.directory.units.push(unit.clone());
    Ok(Reply::Json(unit))
}
