//! Online meetings, which stand in nobody's calendar.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, merge, needed, text};
use super::super::error::GraphError;
use super::super::filter;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use crate::exchange::Answer;

const MEETINGS: Listing<'_> = Listing::new("users('id')/onlineMeetings");

/// `named` is what the path had for the user.
pub(in super::super) fn route(context: &mut Context<'_>, user: &str, named: &str, path: &[&str]) -> Outcome {
    if context.user().is_none() && named != user {
        return Err(GraphError::bad("The user must be named by the object id."));
    }
    match (context.method().clone(), path) {
        (Method::GET, []) => {
            if context.request.query().filled("$filter").is_none() {
                return Err(GraphError::bad(
                    "A filter by JoinWebUrl or joinMeetingIdSettings/joinMeetingId is needed.",
                ));
            }
            context.list(Kind::Meeting, user, &MEETINGS)
        }
        (Method::POST, []) => {
            let meeting = create(context, user, &context.body()?)?;
            context.whole(StatusCode::CREATED, MEETINGS.set, meeting)
        }
        (Method::POST, ["createOrGet"]) => create_or_get(context, user),
        (Method::GET, [id]) => {
            let row = context.world.table.get(Kind::Meeting, user, id).ok_or_else(GraphError::not_found)?;
            context.one(row.value.clone(), &MEETINGS)
        }
        (Method::PATCH, [id]) => {
            let patch = context.body()?;
            let row = context.world.table.change(Kind::Meeting, user, id).ok_or_else(GraphError::not_found)?;
            let mut meeting = row.value.clone();
            merge(&mut meeting, &patch);
            check(&meeting)?;
            row.value = meeting.clone();
            context.whole(StatusCode::OK, MEETINGS.set, meeting)
        }
        (Method::DELETE, [id]) => {
            context.world.table.remove(Kind::Meeting, user, id).ok_or_else(GraphError::not_found)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

/// An end needs a start before it.
fn check(meeting: &Value) -> Result<(), GraphError> {
    let moment = |name: &str| match text(meeting, name) {
        None => Ok(None),
        Some(text) => filter::moment(text).map(Some).ok_or_else(|| GraphError::property(name)),
    };
    match (moment("startDateTime")?, moment("endDateTime")?) {
        (None, Some(_)) => Err(GraphError::bad("A meeting with an end needs a start.")),
        (Some(start), Some(end)) if end <= start => Err(GraphError::bad("The meeting ends before it starts.")),
        _ => Ok(()),
    }
}

fn create_or_get(context: &mut Context<'_>, user: &str) -> Outcome {
    let body = context.body()?;
    let key = needed(&body, "externalId")?;
    let same = |row: &&Row| text(&row.value, "externalId") == Some(key);
    if let Some(row) = context.world.table.under(Kind::Meeting, user).find(same) {
        return context.whole(StatusCode::OK, MEETINGS.set, row.value.clone());
    }
    let meeting = create(context, user, &body)?;
    context.whole(StatusCode::CREATED, MEETINGS.set, meeting)
}

fn create(context: &mut Context<'_>, user: &str, body: &Value) -> Result<Value, GraphError> {
    check(body)?;
    let (now, number) = (context.now(), context.world.number());
    let thread = format!("19:meeting_sandbox{number}@thread.v2");
    let passcode = body.pointer("/joinMeetingIdSettings/isPasscodeRequired") == Some(&json!(true));
    let mut meeting = json!({
        "startDateTime": now,
        "endDateTime": now,
        "subject": null,
        "allowedPresenters": "everyone",
        "lobbyBypassSettings": { "scope": "organization", "isDialInBypassEnabled": false },
        "recordAutomatically": false,
        "audioConferencing": null,
    });
    merge(&mut meeting, body);
    meeting["id"] = json!(format!("MSpzYW5kYm94{number:016}"));
    meeting["creationDateTime"] = json!(now);
    meeting["joinWebUrl"] =
        json!(format!("https://teams.microsoft.com/l/meetup-join/19%3ameeting_sandbox{number}%40thread.v2/0"));
    meeting["chatInfo"] = json!({ "threadId": thread, "messageId": "0", "replyChainMessageId": null });
    meeting["joinMeetingIdSettings"] = json!({
        "isPasscodeRequired": passcode,
        "joinMeetingId": format!("2{number:011}"),
        "passcode": passcode.then(|| format!("pass{number}")),
    });
    let name = context.world.user_text(user, "displayName");
    let organizer = json!({
        "identity": { "user": { "id": user, "displayName": name } },
        "role": "presenter",
        "upn": context.world.user_text(user, "userPrincipalName"),
    });
    let attendees = body.pointer("/participants/attendees").cloned().unwrap_or_else(|| json!([]));
    meeting["participants"] = json!({ "organizer": organizer, "attendees": attendees });
    context.world.add(Kind::Meeting, user, meeting.clone());
    Ok(meeting)
}
