//! Teams: made in the background, with members, channels, messages, chats and meetings.

mod channels;
mod chats;
mod meetings;
mod members;
mod messages;

use hyper::header::{CONTENT_LOCATION, LOCATION};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

pub(super) use chats::{of_user as chats_of, route as chats};
pub(super) use meetings::route as meetings;
pub(super) use members::{let_go, take_in};

use super::context::{Context, Outcome, bound, items, merge, needed, text};
use super::error::GraphError;
use super::groups;
use super::odata::Listing;
use super::table::{Kind, Row};
use crate::exchange::Answer;

const TEAMS: Listing<'_> = Listing::new("teams");
/// What a list shows of each team.
const LISTED: &[&str] = &["id", "displayName", "description", "visibility", "isArchived"];
/// What comes from the group when a team is made of one.
const OF_GROUP: &[&str] = &["displayName", "visibility", "specialization", "members"];

pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => {
            let teams = context.world.table.list(Kind::Team, "");
            context.page(teams, &TEAMS.shown(LISTED))
        }
        (Method::POST, []) => create(context),
        (Method::GET, [id]) => {
            let team = find(context, id)?;
            context.one(team.value, &TEAMS)
        }
        (Method::PATCH, [id]) => {
            let (team, patch) = (find(context, id)?, context.body()?);
            let row = context.world.table.change(Kind::Team, "", &team.id).ok_or_else(GraphError::not_found)?;
            merge(&mut row.value, &patch);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::POST, [id, what @ ("archive" | "unarchive")]) => {
            let team = find(context, id)?;
            let archived = *what == "archive";
            if let Some(row) = context.world.table.change(Kind::Team, "", &team.id) {
                row.value["isArchived"] = json!(archived);
            }
            let kind = if archived { "archiveTeam" } else { "unarchiveTeam" };
            Ok(started(context, &team.id, kind, Value::Null))
        }
        (Method::GET, [id, "operations", operation]) => poll(context, id, operation),
        (_, [id, "members", rest @ ..]) => {
            let team = find(context, id)?;
            members::route(context, &team.id, rest)
        }
        (_, [id, "channels", rest @ ..]) => {
            let team = find(context, id)?;
            channels::route(context, &team, rest)
        }
        (Method::GET, [id, "primaryChannel"]) => {
            let team = find(context, id)?;
            channels::primary(context, &team.id)
        }
        _ => Err(GraphError::no_route()),
    }
}

fn find(context: &mut Context<'_>, id: &str) -> Result<Row, GraphError> {
    let message = format!("No team found with Group Id {id}");
    context.seen(Kind::Team, id, GraphError::new(StatusCode::NOT_FOUND, "NotFound", message))
}

/// The teams that a user is in.
pub(super) fn joined(context: &Context<'_>, user: &str) -> Outcome {
    let table = &context.world.table;
    let is_in = |team: &&Row| members::has(context, &team.id, user);
    let teams = table.under(Kind::Team, "").filter(is_in).map(|row| row.value.clone()).collect();
    context.page(teams, &TEAMS.shown(LISTED).uncut())
}

fn create(context: &mut Context<'_>) -> Outcome {
    let body = context.body()?;
    let template = text(&body, "template@odata.bind").and_then(bound);
    let class = match template.as_deref() {
        Some("educationClass") => true,
        Some("standard") => false,
        Some(_) => return Err(GraphError::bad("Invalid template.")),
        None if body.get("group@odata.bind").is_some() => false,
        None => return Err(GraphError::bad("'template@odata.bind' must be specified.")),
    };
    let failed = &mut context.world.settings.failed_teams;
    if *failed > 0 {
        *failed -= 1;
        let group = text(&body, "group@odata.bind").and_then(bound);
        let id = group.unwrap_or_else(|| context.world.guid());
        let error = json!({ "code": "InternalServerError", "message": "The team could not be provisioned." });
        return Ok(started(context, &id, "createTeam", error));
    }
    let id = match text(&body, "group@odata.bind") {
        Some(group) => of_existing(context, &body, group, class)?,
        None => of_nothing(context, &body)?,
    };
    let row = context.world.table.by_id(Kind::Group, &id).map(|row| row.value.clone()).unwrap_or_default();
    let is_class = class || template.is_none() && context.world.table.by_id(Kind::Class, &id).is_some();
    // Until it is made, nobody finds it.
    let unseen = context.world.settings.polls.max(context.world.settings.lag);
    add(context, &row, &body, is_class, unseen);
    for given in items(&body, "channels") {
        let name = needed(given, "displayName")?.to_owned();
        channels::add(context, &id, &name, given);
    }
    Ok(started(context, &id, "createTeam", Value::Null))
}

/// The group behind a new team, and its members.
fn of_nothing(context: &mut Context<'_>, body: &Value) -> Result<String, GraphError> {
    let name = needed(body, "displayName")?.to_owned();
    let given = items(body, "members");
    let owners = given.iter().filter(|member| members::is_owner(member)).count();
    // The user who asks owns the team; the app cannot, and must say who does.
    let mut people = Vec::new();
    match context.user() {
        None if given.len() != 1 || owners != 1 => {
            return Err(GraphError::bad("A team owner must be provided when creating a team in application context."));
        }
        None => {}
        Some(user) => people.push((user.to_owned(), true)),
    }
    for member in given {
        let user = context.bound_user(member.get("user@odata.bind"))?;
        if !people.iter().any(|(known, _)| *known == user) {
            people.push((user, members::is_owner(member)));
        }
    }
    let id = context.world.guid();
    let group = json!({
        "id": id,
        "displayName": name,
        "description": body.get("description"),
        "mailNickname": name.replace(|c: char| !c.is_ascii_alphanumeric(), ""),
        "mailEnabled": true,
        "securityEnabled": false,
        "groupTypes": ["Unified"],
        "visibility": text(body, "visibility").unwrap_or("public"),
        "createdDateTime": context.now(),
    });
    groups::add(context, group);
    for (user, owner) in people {
        members::add(context, &id, &user, owner);
    }
    Ok(id)
}

/// The group that a link names, which must not have a team yet.
fn of_existing(context: &mut Context<'_>, body: &Value, link: &str, class: bool) -> Result<String, GraphError> {
    if let Some(name) = OF_GROUP.iter().find(|name| body.get(**name).is_some()) {
        return Err(GraphError::bad(format!("'{name}' cannot be specified when creating a team from a group.")));
    }
    let group = context.seen(Kind::Group, &bound(link).unwrap_or_default(), GraphError::not_found())?;
    if class && context.world.table.by_id(Kind::Class, &group.id).is_none() {
        return Err(GraphError::bad("The template 'educationClass' is for the group of a class."));
    }
    if !items(&group.value, "groupTypes").iter().any(|kind| kind == "Unified") {
        return Err(GraphError::bad("Only a Microsoft 365 group can have a team."));
    }
    adopt(context, &group.id)?;
    Ok(group.id)
}

/// Takes a group's people over as the team's.
fn adopt(context: &mut Context<'_>, group: &str) -> Result<(), GraphError> {
    if context.world.table.by_id(Kind::Team, group).is_some() {
        return Err(GraphError::exists("Conflict", "The group already has a team."));
    }
    let mut owners: Vec<String> =
        context.world.table.under(Kind::GroupOwner, group).map(|row| row.id.clone()).collect();
    owners.extend(context.world.table.under(Kind::ClassTeacher, group).map(|row| row.id.clone()));
    if owners.is_empty() {
        return Err(GraphError::bad("The group must have at least one owner."));
    }
    let people: Vec<String> = context.world.table.under(Kind::GroupMember, group).map(|row| row.id.clone()).collect();
    for owner in &owners {
        members::add(context, group, owner, true);
    }
    for person in people.iter().filter(|person| !owners.contains(person)) {
        members::add(context, group, person, false);
    }
    Ok(())
}

/// Adds the team of a group, with its General channel.
fn add(context: &mut Context<'_>, group: &Value, body: &Value, class: bool, unseen: u32) {
    let id = text(group, "id").unwrap_or_default().to_owned();
    let mut team = json!({
        "id": id,
        "displayName": group.get("displayName"),
        "description": group.get("description"),
        "visibility": visibility(group),
        "specialization": if class { "educationClass" } else { "none" },
        "isArchived": false,
        "createdDateTime": context.now(),
        "internalId": format!("19:sandbox{id}@thread.tacv2"),
        "webUrl": format!("https://teams.microsoft.com/l/team/19%3asandbox{id}%40thread.tacv2/conversations"),
    });
    for name in ["memberSettings", "guestSettings", "messagingSettings", "funSettings"] {
        if let Some(settings) = body.get(name) {
            team[name] = settings.clone();
        }
    }
    context.world.table.add(Kind::Team, "", team, unseen);
    channels::add(context, &id, "General", &json!({}));
}

/// A group begins it with a capital, a team does not.
fn visibility(group: &Value) -> &'static str {
    match text(group, "visibility").map(str::to_lowercase).as_deref() {
        Some("public") => "public",
        Some("hiddenmembership") => "hiddenMembership",
        _ => "private",
    }
}

/// `/groups/{id}/team`: the team of a group, or a new one for it.
pub(super) fn of_group(context: &mut Context<'_>, group: &str) -> Outcome {
    match *context.method() {
        Method::GET => {
            let team = find(context, group)?;
            context.one(team.value, &TEAMS)
        }
        Method::PUT => {
            let group = context.seen(Kind::Group, group, GraphError::no_resource(group))?;
            let body = context.optional_body()?;
            adopt(context, &group.id)?;
            let class = context.world.table.by_id(Kind::Class, &group.id).is_some();
            let lag = context.world.settings.lag;
            add(context, &group.value, &body, class, lag);
            let row = context.world.table.by_id(Kind::Team, &group.id).ok_or_else(GraphError::not_found)?;
            context.whole(StatusCode::CREATED, TEAMS.set, row.value.clone())
        }
        _ => Err(GraphError::no_route()),
    }
}

/// Notes an operation that goes on, and says where to ask for it. With an error it comes to nothing in the end.
fn started(context: &mut Context<'_>, team: &str, kind: &str, error: Value) -> Answer {
    let (id, now) = (context.world.guid(), context.now());
    let operation = json!({
        "id": id,
        "operationType": kind,
        "createdDateTime": now,
        "lastActionDateTime": now,
        "status": if error.is_null() { "succeeded" } else { "failed" },
        "attemptsCount": 1,
        "targetResourceId": team,
        "targetResourceLocation": format!("/teams('{team}')"),
        "error": error,
    });
    // As long as polls do not see it done, it is not.
    let polls = context.world.settings.polls;
    context.world.table.add(Kind::TeamOperation, team, operation, polls);
    Answer::empty(StatusCode::ACCEPTED)
        .with(LOCATION, &format!("/teams('{team}')/operations('{id}')"))
        .with(CONTENT_LOCATION, &format!("/teams('{team}')"))
}

fn poll(context: &mut Context<'_>, team: &str, id: &str) -> Outcome {
    let going_on = context.world.table.look(Kind::TeamOperation, id);
    let row = context.world.table.get(Kind::TeamOperation, team, id).ok_or_else(GraphError::not_found)?;
    let mut operation = row.value.clone();
    match going_on {
        true => operation["status"] = json!("inProgress"),
        // What is done is to be seen.
        false => while context.world.table.look(Kind::Team, team) {},
    }
    context.one(operation, &Listing::new("teams('id')/operations"))
}
