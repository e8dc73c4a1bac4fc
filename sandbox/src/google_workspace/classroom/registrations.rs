//! Registrations for notifications about courses.

use hyper::Method;
use serde_json::{Value, json};

use super::{ROSTERS_READ, WORK_READ, course, denied, missing};
use crate::google_workspace::call::{Call, Reply, Result, moment};
use crate::google_workspace::error::ApiError;

const PUSH: &[&str] = &["classroom.push-notifications"];
/// How long a registration lasts, in milliseconds.
const LIFE_MS: i64 = 7 * 24 * 3_600_000;

/// Answers behind `registrations`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(PUSH)?;
    match (&method, path) {
        (&Method::POST, []) => create(call),
        (&Method::DELETE, [id]) => {
            let held = &mut call.world.classroom.registrations;
            let before = held.len();
            held.retain(|one| one["registrationId"] != **id);
            if held.len() == before { Err(missing()) } else { Ok(Reply::Json(json!({}))) }
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// The same feed for the same topic again goes on for longer.
fn create(call: &mut Call<'_>) -> Result {
    let body = call.body()?;
    let feed = body.get("feed").cloned().ok_or_else(|| ApiError::invalid("feed: required"))?;
    let topic = body.get("cloudPubsubTopic").cloned().unwrap_or(Value::Null);
    let name = topic["topicName"].as_str().unwrap_or("");
    if !(name.starts_with("projects/") && name.contains("/topics/")) {
        return Err(ApiError::invalid("cloudPubsubTopic.topicName must be projects/{project}/topics/{topic}."));
    }
    let info = match feed["feedType"].as_str() {
        Some("DOMAIN_ROSTER_CHANGES") if call.is_admin() => None,
        Some("DOMAIN_ROSTER_CHANGES") => return Err(denied()),
        Some("COURSE_ROSTER_CHANGES") => Some(("courseRosterChangesInfo", ROSTERS_READ)),
        Some("COURSE_WORK_CHANGES") => Some(("courseWorkChangesInfo", WORK_READ)),
        _ => return Err(ApiError::invalid("feed.feedType: required")),
    };
    if let Some((info, scopes)) = info {
        call.needs(scopes)?;
        let id =
            feed[info]["courseId"].as_str().ok_or_else(|| ApiError::invalid(format!("{info}.courseId: required")))?;
        course(call, id)?;
    }
    let expires = moment(call.at() + LIFE_MS);
    let held = call.world.classroom.registrations.iter_mut();
    let mut same = held.filter(|one| one["feed"] == feed && one["cloudPubsubTopic"] == topic);
    if let Some(one) = same.next() {
        one["expiryTime"] = json!(expires);
        return Ok(Reply::Json(one.clone()));
    }
    drop(same);
    let made = json!({
        "registrationId": call.world.ids.word(24),
        "feed": feed,
        "cloudPubsubTopic": topic,
        "expiryTime": expires,
    });
    call.world.classroom.registrations.push(made.clone());
    Ok(Reply::Json(made))
}
