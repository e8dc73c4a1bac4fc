//! A team's channels.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::DOMAIN;
use super::super::context::{Context, Outcome, items, merge, needed, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use super::{members, messages};
use crate::exchange::Answer;

const CHANNELS: Listing<'_> = Listing::new("teams('id')/channels").late(&[("membershipType", &["shared"])]).uncut();
/// What no channel's name may contain.
const FORBIDDEN: &[char] = &['~', '#', '%', '&', '*', '{', '}', '+', '/', '\\', ':', '<', '>', '?', '|', '\'', '"'];

pub(super) fn route(context: &mut Context<'_>, team: &Row, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => context.list(Kind::Channel, &team.id, &CHANNELS),
        (Method::POST, []) => create(context, team),
        (Method::GET, [id]) => {
            let channel = find(context, &team.id, id)?;
            context.one(channel.value, &CHANNELS)
        }
        (Method::PATCH, [id]) => {
            let (channel, patch) = (find(context, &team.id, id)?, context.body()?);
            if let Some(row) = context.world.table.change(Kind::Channel, &team.id, &channel.id) {
                merge(&mut row.value, &patch);
            }
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::DELETE, [id]) => {
            let channel = find(context, &team.id, id)?;
            if text(&channel.value, "displayName") == Some("General") {
                return Err(GraphError::bad("The General channel cannot be deleted."));
            }
            context.world.table.remove(Kind::Channel, &team.id, &channel.id);
            context.world.table.clear_under(Kind::ChannelMessage, &channel.id);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (_, [id, "messages", rest @ ..]) => {
            let channel = find(context, &team.id, id)?;
            belongs(context, &team.id)?;
            if *context.method() == Method::POST {
                open(team)?;
            }
            let thread = messages::Thread::Channel { team: team.id.clone(), channel: channel.id };
            messages::route(context, &thread, rest)
        }
        _ => Err(GraphError::no_route()),
    }
}

pub(super) fn primary(context: &Context<'_>, team: &str) -> Outcome {
    let mut channels = context.world.table.under(Kind::Channel, team);
    let general = channels.find(|row| text(&row.value, "displayName") == Some("General"));
    context.one(general.ok_or_else(GraphError::not_found)?.value.clone(), &CHANNELS)
}

fn find(context: &Context<'_>, team: &str, id: &str) -> Result<Row, GraphError> {
    context.world.table.get(Kind::Channel, team, id).cloned().ok_or_else(GraphError::not_found)
}

/// A user's token reads and writes where the user is a member.
fn belongs(context: &Context<'_>, team: &str) -> Result<(), GraphError> {
    match context.user() {
        Some(user) if !members::has(context, team, user) => {
            let message = "User is not a member of the team.";
            Err(GraphError::new(StatusCode::FORBIDDEN, "Forbidden", message))
        }
        _ => Ok(()),
    }
}

/// Whether the team still takes changes.
fn open(team: &Row) -> Result<(), GraphError> {
    match team.value.get("isArchived") == Some(&json!(true)) {
        true => Err(GraphError::new(StatusCode::FORBIDDEN, "Forbidden", "The team is archived.")),
        false => Ok(()),
    }
}

fn create(context: &mut Context<'_>, team: &Row) -> Outcome {
    open(team)?;
    let body = context.body()?;
    let name = needed(&body, "displayName")?;
    if name.chars().count() > 50 || name.contains(FORBIDDEN) {
        return Err(GraphError::bad("The channel name is too long or has characters that are not allowed."));
    }
    let same = |row: &Row| text(&row.value, "displayName").is_some_and(|has| has.eq_ignore_ascii_case(name));
    if context.world.table.under(Kind::Channel, &team.id).any(same) {
        return Err(GraphError::bad("Channel name already existed, please use other name."));
    }
    let kind = text(&body, "membershipType").unwrap_or("standard");
    if !matches!(kind, "standard" | "private" | "shared") {
        return Err(GraphError::bad("Invalid membershipType."));
    }
    // A private channel that the app makes has nobody in it unless it is said who.
    if kind != "standard" && context.user().is_none() && !items(&body, "members").iter().any(members::is_owner) {
        return Err(GraphError::bad("A private or shared channel needs an owner."));
    }
    let channel = add(context, &team.id, name, &body);
    context.whole(StatusCode::CREATED, CHANNELS.set, channel)
}

pub(super) fn add(context: &mut Context<'_>, team: &str, name: &str, given: &Value) -> Value {
    let number = context.world.number();
    let id = format!("19:sandbox{number:024x}@thread.tacv2");
    let channel = json!({
        "id": id,
        "displayName": name,
        "description": given.get("description"),
        "membershipType": text(given, "membershipType").unwrap_or("standard"),
        "createdDateTime": context.now(),
        "email": format!("channel{number}@{DOMAIN}"),
        "isArchived": false,
        "tenantId": super::super::TENANT_ID,
        "webUrl": format!("https://teams.microsoft.com/l/channel/19%3asandbox{number:024x}%40thread.tacv2/{number}?groupId={team}"),
    });
    context.world.add(Kind::Channel, team, channel.clone());
    channel
}
