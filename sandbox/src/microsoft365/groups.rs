//! Groups and who is in them.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::context::{Context, Outcome, bound, items, merge, needed, text};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;
use super::teams;
use super::users::USERS;
use crate::exchange::Answer;

const GROUPS: Listing<'_> = Listing::new("groups");
/// How many members one change of a group adds.
const MOST_LINKS: usize = 20;

pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => {
            context.consistent()?;
            let groups = context.world.table.list(Kind::Group, "");
            context.page(groups, &GROUPS)
        }
        (Method::POST, []) => create(context),
        (_, [id]) => one(context, id),
        (_, [id, list @ ("members" | "owners"), rest @ ..]) => {
            context.seen(Kind::Group, id, GraphError::no_resource(id))?;
            let kind = if *list == "members" { Kind::GroupMember } else { Kind::GroupOwner };
            people(context, kind, id, rest)
        }
        _ => Err(GraphError::no_route()),
    }
}

fn create(context: &mut Context<'_>) -> Outcome {
    let body = context.body()?;
    for name in ["displayName", "mailNickname"] {
        needed(&body, name)?;
    }
    for name in ["mailEnabled", "securityEnabled"] {
        if !body.get(name).is_some_and(Value::is_boolean) {
            return Err(GraphError::property(name));
        }
    }
    let unified = items(&body, "groupTypes").iter().any(|kind| kind == "Unified");
    let nickname = text(&body, "mailNickname");
    let taken = context.world.table.under(Kind::Group, "").any(|row| text(&row.value, "mailNickname") == nickname);
    // The nicknames of security groups may be there more than once.
    if unified && taken {
        return Err(GraphError::clash("mailNickname"));
    }
    let mut group = json!({ "id": context.world.guid(), "createdDateTime": context.now(), "groupTypes": [] });
    let mut people: Vec<(Kind, String)> = Vec::new();
    for (name, kind) in [("owners@odata.bind", Kind::GroupOwner), ("members@odata.bind", Kind::GroupMember)] {
        for link in items(&body, name) {
            people.push((kind, context.bound_user(Some(link))?));
        }
    }
    // Whoever makes a group owns it, unless it is the app.
    if let Some(user) = context.user().map(str::to_owned)
        && !people.contains(&(Kind::GroupOwner, user.clone()))
    {
        people.push((Kind::GroupOwner, user));
    }
    merge(&mut group, &body);
    if let Some(fields) = group.as_object_mut() {
        fields.retain(|name, _| !name.ends_with("@odata.bind"));
    }
    let id = text(&group, "id").unwrap_or_default().to_owned();
    add(context, group.clone());
    for (kind, user) in people {
        context.world.add(kind, &id, json!({ "id": user }));
    }
    context.whole(StatusCode::CREATED, GROUPS.set, group)
}

/// Adds a group with its drive.
pub(super) fn add(context: &mut Context<'_>, group: Value) {
    let id = text(&group, "id").unwrap_or_default().to_owned();
    context.world.add_slowly(Kind::Group, "", group);
    context.world.add_drive(&id, "documentLibrary", "Documents");
}

fn one(context: &mut Context<'_>, id: &str) -> Outcome {
    let missing = GraphError::no_resource(id);
    match *context.method() {
        Method::GET => {
            let row = context.seen(Kind::Group, id, missing)?;
            context.one(row.value, &GROUPS)
        }
        Method::PATCH => {
            let mut patch = context.body()?;
            let links = patch.as_object_mut().and_then(|fields| fields.remove("members@odata.bind"));
            let links = links.unwrap_or_default();
            let links = links.as_array().map_or(&[][..], Vec::as_slice);
            if links.len() > MOST_LINKS {
                return Err(GraphError::bad(format!("At most {MOST_LINKS} references can be added at once.")));
            }
            let people = links.iter().map(|link| context.bound_user(Some(link))).collect::<Result<Vec<_>, _>>()?;
            let row = context.world.table.change(Kind::Group, "", id).ok_or(missing)?;
            merge(&mut row.value, &patch);
            if people.iter().any(|user| context.world.table.get(Kind::GroupMember, id, user).is_some()) {
                return Err(already_in());
            }
            for user in people {
                context.world.add(Kind::GroupMember, id, json!({ "id": user }));
            }
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        Method::DELETE => {
            context.world.table.remove(Kind::Group, "", id).ok_or(missing)?;
            // What the group carries goes with it.
            context.world.table.remove(Kind::Team, "", id);
            context.world.table.remove(Kind::Class, "", id);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

/// The people in one of a group's lists, with what the directory says of each.
pub(super) fn users_in(context: &Context<'_>, kind: Kind, group: &str) -> Vec<Value> {
    let table = &context.world.table;
    let people = table.under(kind, group).filter_map(|row| table.by_id(Kind::User, &row.id));
    people.map(|row| row.value.clone()).collect()
}

/// Members or owners: listed, added and removed by reference.
fn people(context: &mut Context<'_>, kind: Kind, group: &str, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, [] | ["microsoft.graph.user"]) => {
            let mut people = users_in(context, kind, group);
            for person in &mut people {
                person["@odata.type"] = json!("#microsoft.graph.user");
            }
            context.page(people, &Listing { set: "directoryObjects", ..USERS })
        }
        (Method::POST, ["$ref"]) => {
            let user = referred(context)?;
            join(context, kind, group, &user)
        }
        (Method::DELETE, [user, "$ref"]) => leave(context, kind, group, user),
        _ => Err(GraphError::no_route()),
    }
}

/// The user whom a body `{"@odata.id": "…/users/{id}"}` refers to.
pub(super) fn referred(context: &Context<'_>) -> Result<String, GraphError> {
    let body = context.body()?;
    let id = bound(needed(&body, "@odata.id")?).unwrap_or_default();
    context.world.user_id(&id).ok_or_else(|| GraphError::no_resource(&id))
}

fn already_in() -> GraphError {
    let message = "One or more added object references already exist for the following modified properties: 'members'.";
    GraphError::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
}

pub(super) fn join(context: &mut Context<'_>, kind: Kind, group: &str, user: &str) -> Outcome {
    if context.world.table.get(kind, group, user).is_some() {
        return Err(already_in());
    }
    context.world.add(kind, group, json!({ "id": user }));
    if context.world.table.by_id(Kind::Team, group).is_some() {
        teams::take_in(context, group, user, kind != Kind::GroupMember);
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) fn leave(context: &mut Context<'_>, kind: Kind, group: &str, user: &str) -> Outcome {
    context.world.table.remove(kind, group, user).ok_or_else(|| GraphError::no_resource(user))?;
    if kind == Kind::GroupMember {
        teams::let_go(context, group, user);
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
