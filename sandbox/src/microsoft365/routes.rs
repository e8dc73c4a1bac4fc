//! From a path under `/v1.0` to who answers it.

use hyper::{Method, StatusCode};

use super::access;
use super::auth::Caller;
use super::context::{Context, Outcome};
use super::error::GraphError;
use super::{calendar, drive, education, groups, mail, sites, subscriptions, teams, users};

/// The parts of a path, with `teams('id')` taken as `teams/id`.
pub(super) fn parts(path: &[String]) -> Vec<String> {
    let mut parts = Vec::with_capacity(path.len());
    for part in path {
        match part.strip_suffix("')").and_then(|part| part.split_once("('")) {
            // A function's argument has a name; a key has none.
            Some((set, key)) if !set.contains('(') && !key.contains('\'') => {
                parts.extend([set.to_owned(), key.to_owned()]);
            }
            _ => parts.push(part.clone()),
        }
    }
    parts
}

/// Answers a request to Graph; `path` is what follows `/v1.0/`.
pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    // `me` is a user like any other once it is known who that is.
    let own: Vec<&str>;
    let path = match (path, context.caller) {
        (["me", rest @ ..], Caller::User { id, .. }) => {
            own = ["users", id.as_str()].into_iter().chain(rest.iter().copied()).collect();
            own.as_slice()
        }
        (["me", ..], Caller::App { .. }) => {
            return Err(GraphError::bad("/me request is only valid with delegated authentication flow."));
        }
        _ => path,
    };
    access::check(context.caller, context.method(), path)?;
    match path {
        ["organization"] if *context.method() == Method::GET => users::organization_list(context),
        ["users"] => users::all(context),
        ["users", named, rest @ ..] => of_user(context, named, rest),
        ["groups", id, "drive", rest @ ..] => {
            let drive = drive::of_owner(context, id)?;
            drive::route(context, &drive, rest)
        }
        ["groups", id, "team"] => teams::of_group(context, id),
        ["groups", rest @ ..] => groups::route(context, rest),
        ["teams", rest @ ..] => teams::route(context, rest),
        ["chats", rest @ ..] => teams::chats(context, rest),
        ["drives", id, rest @ ..] => drive::route(context, id, rest),
        ["sites", rest @ ..] => sites::route(context, rest),
        ["education", rest @ ..] => education::route(context, rest),
        ["subscriptions", rest @ ..] => subscriptions::route(context, rest),
        _ => Err(GraphError::no_route()),
    }
}

fn of_user(context: &mut Context<'_>, named: &str, path: &[&str]) -> Outcome {
    let id = context.world.user_id(named).ok_or_else(|| GraphError::no_resource(named))?;
    // A user's token opens the user's own mailbox and no other.
    if let Some(user) = context.user()
        && user != id
        && !matches!(path, [] | ["drive", ..])
    {
        let message = "Access is denied. Check credentials and try again.";
        return Err(GraphError::new(StatusCode::FORBIDDEN, "ErrorAccessDenied", message));
    }
    if let (Caller::User { id: user, scopes }, []) = (context.caller, path)
        && *user != id
        && !scopes.any(&["User.ReadBasic.All"])
    {
        return Err(GraphError::of_status(StatusCode::FORBIDDEN));
    }
    match path {
        [] => users::one(context, &id, named),
        ["drive", rest @ ..] => {
            let drive = drive::of_owner(context, &id)?;
            drive::route(context, &drive, rest)
        }
        ["sendMail" | "messages" | "mailFolders", ..] => mail::route(context, &id, path),
        ["events" | "calendar" | "calendars" | "calendarView", ..] => calendar::route(context, &id, path),
        ["onlineMeetings", rest @ ..] => teams::meetings(context, &id, named, rest),
        ["joinedTeams"] => teams::joined(context, &id),
        ["chats"] => teams::chats_of(context, &id),
        _ => Err(GraphError::no_route()),
    }
}
