//! From a path to the product that answers it.

use hyper::StatusCode;
use hyper::header::AUTHORIZATION;

use super::call::{Call, Reply, Result};
use super::error::{ApiError, Dialect};
use super::world::World;
use super::{
    batch, calendar, classroom, directory, docs, drive, fields, gmail, meet, oauth, push, subscriptions, upload,
};
use crate::exchange::{Answer, Request};

/// Answers any request but those of the control API.
pub(super) fn answer(world: &mut World, url: &str, request: &Request) -> Answer {
    if let Some(answer) = oauth::answer(world, url, request) {
        return answer;
    }
    if let Some(answer) = push::certs(request) {
        return answer;
    }
    if let Some(answer) = batch::answer(world, url, request) {
        return answer;
    }
    // A session's address is what it is opened with: no token is asked for.
    if let Some(answer) = upload::session(world, url, request) {
        return answer;
    }
    one(world, url, request)
}

/// Answers one request of a product, alone or out of a batch.
pub(super) fn one(world: &mut World, url: &str, request: &Request) -> Answer {
    let dialect = Dialect::of(request.path());
    let query = request.query();
    let token = bearer(request).or_else(|| query.filled("access_token"));
    let grant = token.and_then(|token| world.tokens.grant(token, request.at)).cloned();
    let Some(grant) = grant else { return ApiError::credentials().answer(dialect) };
    let mut call = Call { request, query, grant, world, url };
    let answered = route(&mut call).and_then(|reply| finish(&call, reply));
    answered.unwrap_or_else(|refused| refused.answer(dialect))
}

/// The token that a request brings.
pub(super) fn bearer(request: &Request) -> Option<&str> {
    request.header(&AUTHORIZATION)?.strip_prefix("Bearer ")
}

/// Cuts an answer down to what `fields` names.
pub(super) fn finish(call: &Call<'_>, reply: Reply) -> Result<Answer> {
    let selector = call.query.filled("fields");
    let value = match (reply, selector) {
        (Reply::Whole(answer), _) => return Ok(answer),
        (Reply::Empty, _) => return Ok(Answer::empty(StatusCode::NO_CONTENT)),
        (Reply::Json(value), None) => value,
        (Reply::Json(value), Some(selector)) => fields::select(value, selector)?,
        (Reply::Partial(value, _), Some(selector)) => {
            drive::check_fields(value["kind"].as_str().unwrap_or(""), &fields::paths(selector)?)?;
            fields::select(value, selector)?
        }
        (Reply::Partial(value, selector), None) => fields::select(value, selector)?,
    };
    Ok(Answer::json(StatusCode::OK, &value))
}

/// The product that a path belongs to, as a test switches it off.
fn product(path: &[&str]) -> Option<&'static str> {
    Some(match path {
        ["drive", "v3", ..] | ["upload", "drive", "v3", ..] => "drive",
        ["v1", "documents", ..] => "docs",
        ["calendar", "v3", ..] => "calendar",
        ["gmail", "v1", "users", ..] | ["upload", "gmail", "v1", "users", ..] => "gmail",
        ["v2", ..] => "meet",
        ["v1", "courses" | "invitations" | "registrations" | "userProfiles", ..] => "classroom",
        ["admin", "directory" | "directory_v1", ..] => "directory",
        ["v1", "subscriptions", ..] => "events",
        ["oauth2", ..] => "oauth2",
        _ => return None,
    })
}

fn route(call: &mut Call<'_>) -> Result {
    let request = call.request;
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let product = product(&path).ok_or_else(|| ApiError::not_found("Not Found"))?;
    if call.world.disabled.contains(product) {
        let why = format!("The {product} API has not been used in this project before or it is disabled.");
        return Err(ApiError::forbidden("accessNotConfigured", why));
    }
    if let Some(refused) = call.world.quotas.refuse(product, call.request.at) {
        return Err(refused);
    }
    match path.as_slice() {
        ["drive", "v3", rest @ ..] => drive::answer(call, rest),
        ["upload", "drive", "v3", rest @ ..] => drive::upload(call, rest),
        ["v1", "documents", rest @ ..] => docs::answer(call, rest),
        ["calendar", "v3", rest @ ..] => calendar::answer(call, rest),
        ["gmail", "v1", "users", rest @ ..] => gmail::answer(call, rest),
        ["upload", "gmail", "v1", "users", rest @ ..] => gmail::upload(call, rest),
        ["v2", rest @ ..] => meet::answer(call, rest),
        ["v1", "subscriptions", rest @ ..] => subscriptions::answer(call, rest),
        ["v1", rest @ ..] => classroom::answer(call, rest),
        ["admin", "directory", "v1", rest @ ..] => directory::answer(call, rest),
        ["admin", "directory_v1", "channels", "stop"] => directory::stop(call),
        ["oauth2", "v2", "userinfo"] => oauth::user_info(call),
        _ => Err(ApiError::not_found("Not Found")),
    }
}
