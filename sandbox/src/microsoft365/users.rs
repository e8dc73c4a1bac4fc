//! Users and the organisation.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::auth::Caller;
use super::context::{Context, Outcome, merge, needed, text};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;
use super::world::organization;
use crate::exchange::Answer;

/// What Graph shows of a user who is not asked about more closely.
const SHOWN: &[&str] = &[
    "id",
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// What `User.ReadBasic.All` gives of others.
const BASIC: &[&str] = &["id", "displayName", "givenName", "surname", "mail", "userPrincipalName"];

pub(super) const USERS: Listing<'_> = Listing::new("users").shown(SHOWN);

pub(super) fn organization_list(context: &Context<'_>) -> Outcome {
    context.page(vec![organization()], &Listing::new("organization"))
}

/// Whether the caller may read the fields that are asked for of `user`, or of everybody.
fn allowed(context: &Context<'_>, user: Option<&str>) -> Result<(), GraphError> {
    let query = context.request.query();
    let fields = query.filled("$select").unwrap_or_default();
    let basic = fields.split(',').map(str::trim).all(|field| field.is_empty() || BASIC.contains(&field));
    let may = match context.caller {
        Caller::App { roles } => roles.any(&["User.Read.All"]),
        Caller::User { id, scopes } => {
            let own = user == Some(id.as_str()) && scopes.any(&["User.Read"]);
            own || scopes.any(&["User.Read.All"])
        }
    };
    if basic || may { Ok(()) } else { Err(GraphError::of_status(StatusCode::FORBIDDEN)) }
}

pub(super) fn all(context: &mut Context<'_>) -> Outcome {
    match *context.method() {
        Method::GET => {
            allowed(context, None)?;
            context.consistent()?;
            let users = context.world.table.list(Kind::User, "");
            context.page(users, &USERS)
        }
        Method::POST => create(context),
        _ => Err(GraphError::no_route()),
    }
}

fn create(context: &mut Context<'_>) -> Outcome {
    let mut user = context.body()?;
    for name in ["displayName", "mailNickname", "userPrincipalName"] {
        needed(&user, name)?;
    }
    if !user.get("accountEnabled").is_some_and(Value::is_boolean) {
        return Err(GraphError::property("accountEnabled"));
    }
    if user.pointer("/passwordProfile/password").and_then(Value::as_str).is_none_or(|password| password.len() < 8) {
        return Err(GraphError::property("passwordProfile"));
    }
    let name = needed(&user, "userPrincipalName")?.to_owned();
    if !name.contains('@') {
        return Err(GraphError::property("userPrincipalName"));
    }
    if context.world.user_id(&name).is_some() {
        return Err(GraphError::clash("userPrincipalName"));
    }
    let id = context.world.guid();
    user["id"] = json!(id);
    user["createdDateTime"] = json!(context.now());
    if user.get("mail").is_none() {
        user["mail"] = json!(name);
    }
    hide_password(&mut user);
    context.world.add_user(user.clone());
    context.whole(StatusCode::CREATED, "users", user)
}

/// A password goes in and never comes out.
fn hide_password(user: &mut Value) {
    if let Some(fields) = user.as_object_mut() {
        fields.remove("passwordProfile");
    }
}

/// One user by object id; `named` is what the path had.
pub(super) fn one(context: &mut Context<'_>, id: &str, named: &str) -> Outcome {
    let missing = GraphError::no_resource(named);
    match *context.method() {
        Method::GET => {
            allowed(context, Some(id))?;
            let row = context.seen(Kind::User, id, missing)?;
            context.one(row.value, &USERS)
        }
        Method::PATCH => {
            let mut patch = context.body()?;
            hide_password(&mut patch);
            if let Some(name) = text(&patch, "userPrincipalName")
                && context.world.user_id(name).is_some_and(|other| other != id)
            {
                return Err(GraphError::clash("userPrincipalName"));
            }
            let row = context.world.table.change(Kind::User, "", id).ok_or(missing)?;
            merge(&mut row.value, &patch);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        Method::DELETE => {
            context.world.table.remove(Kind::User, "", id).ok_or(missing)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}
