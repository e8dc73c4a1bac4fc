//! Who is in a team.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::TENANT_ID;
use super::super::context::{Context, Outcome, items, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::Kind;
use crate::exchange::Answer;

const MEMBERS: Listing<'_> = Listing::new("teams('id')/members");
const KIND: &str = "microsoft.graph.aadUserConversationMember";
/// How many one request adds.
const MOST: usize = 200;

pub(super) fn route(context: &mut Context<'_>, team: &str, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => context.list(Kind::TeamMember, team, &MEMBERS),
        (Method::POST, []) => {
            let body = context.body()?;
            let member = add_given(context, team, &body)?;
            context.whole(StatusCode::CREATED, MEMBERS.set, member)
        }
        (Method::POST, ["add"]) => add_many(context, team),
        (Method::GET, [id]) => {
            let row = context.world.table.get(Kind::TeamMember, team, id).ok_or_else(GraphError::not_found)?;
            context.one(row.value.clone(), &MEMBERS)
        }
        (Method::PATCH, [id]) => {
            let owner = is_owner(&context.body()?);
            let row = context.world.table.change(Kind::TeamMember, team, id).ok_or_else(GraphError::not_found)?;
            row.value["roles"] = roles(owner);
            let member = row.value.clone();
            context.whole(StatusCode::OK, MEMBERS.set, member)
        }
        (Method::DELETE, [id]) => {
            let row = context.world.table.remove(Kind::TeamMember, team, id).ok_or_else(GraphError::not_found)?;
            let user = text(&row.value, "userId").unwrap_or_default();
            for kind in [Kind::GroupMember, Kind::GroupOwner, Kind::ClassTeacher] {
                context.world.table.remove(kind, team, user);
            }
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

pub(super) fn is_owner(member: &Value) -> bool {
    items(member, "roles").iter().any(|role| role == "owner")
}

fn roles(owner: bool) -> Value {
    if owner { json!(["owner"]) } else { json!([]) }
}

/// Whether a user is in a team.
pub(super) fn has(context: &Context<'_>, team: &str, user: &str) -> bool {
    context.world.table.under(Kind::TeamMember, team).any(|row| text(&row.value, "userId") == Some(user))
}

/// Takes someone in who has joined the team's group.
pub(in super::super) fn take_in(context: &mut Context<'_>, team: &str, user: &str, owner: bool) {
    if owner || !has(context, team, user) {
        add(context, team, user, owner);
    }
}

/// Lets someone go who has left the team's group.
pub(in super::super) fn let_go(context: &mut Context<'_>, team: &str, user: &str) {
    let member = context.world.table.under(Kind::TeamMember, team);
    let member = member.filter(|row| text(&row.value, "userId") == Some(user)).map(|row| row.id.clone()).next();
    if let Some(id) = member {
        context.world.table.remove(Kind::TeamMember, team, &id);
    }
}

/// What a request gives as a member: the type, the roles, and whom.
fn add_given(context: &mut Context<'_>, team: &str, given: &Value) -> Result<Value, GraphError> {
    if text(given, "@odata.type").is_none_or(|kind| kind.trim_start_matches('#') != KIND) {
        return Err(GraphError::bad("Invalid member type: '@odata.type' is missing or not known."));
    }
    if !items(given, "roles").iter().all(|role| matches!(role.as_str(), Some("owner" | "guest"))) {
        return Err(GraphError::bad("Invalid role specified for member."));
    }
    let user = context.bound_user(given.get("user@odata.bind"))?;
    Ok(add(context, team, &user, is_owner(given)))
}

/// Adds a user, or gives the one who is in already the role.
pub(super) fn add(context: &mut Context<'_>, team: &str, user: &str, owner: bool) -> Value {
    let known = context.world.table.under(Kind::TeamMember, team);
    let known = known.filter(|row| text(&row.value, "userId") == Some(user)).map(|row| row.id.clone()).next();
    if let Some(row) = known.and_then(|id| context.world.table.change(Kind::TeamMember, team, &id)) {
        row.value["roles"] = roles(owner);
        return row.value.clone();
    }
    let member = json!({
        "@odata.type": format!("#{KIND}"),
        "id": format!("MCMjMSMjsandbox{:012}", context.world.number()),
        "roles": roles(owner),
        "userId": user,
        "displayName": context.world.user_text(user, "displayName"),
        "email": context.world.user_text(user, "mail"),
        "tenantId": TENANT_ID,
        "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
    });
    context.world.add(Kind::TeamMember, team, member.clone());
    for (kind, wanted) in [(Kind::GroupMember, true), (Kind::GroupOwner, owner)] {
        if wanted && context.world.table.get(kind, team, user).is_none() {
            context.world.add(kind, team, json!({ "id": user }));
        }
    }
    member
}

/// `members/add`: each by itself, and the answer says of each how it went.
fn add_many(context: &mut Context<'_>, team: &str) -> Outcome {
    let body = context.body()?;
    let given = items(&body, "values");
    if given.is_empty() || given.len() > MOST {
        return Err(GraphError::bad(format!("Between 1 and {MOST} members can be added at once.")));
    }
    let mut results = Vec::new();
    let mut status = StatusCode::OK;
    for member in given {
        let result = add_given(context, team, member);
        let error = result.as_ref().err().map(|error| json!({ "code": "NotFound", "message": error.message }));
        if error.is_some() {
            status = StatusCode::MULTI_STATUS;
        }
        results.push(json!({
            "@odata.type": "#microsoft.graph.aadUserConversationMemberResult",
            "userId": result.ok().and_then(|member| member.get("userId").cloned()),
            "error": error,
        }));
    }
    context.values(status, &results)
}
