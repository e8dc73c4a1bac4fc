//! Announcements and topics.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::coursework::check_post;
use super::{Course, course, exists, listed, mask, masked, missing, states, taught_course, user_id};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::error::ApiError;

const ANNOUNCE: &[&str] = &["classroom.announcements"];
const ANNOUNCE_READ: &[&str] = &["classroom.announcements", "classroom.announcements.readonly"];
const TOPICS: &[&str] = &["classroom.topics"];
const TOPICS_READ: &[&str] = &["classroom.topics", "classroom.topics.readonly"];
const WRITABLE: &[&str] = &["text", "materials", "state", "scheduledTime", "assigneeMode", "individualStudentsOptions"];

/// Answers behind `announcements`.
pub(super) fn announcements(call: &mut Call<'_>, id: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET { ANNOUNCE_READ } else { ANNOUNCE })?;
    match (&method, path) {
        (&Method::POST, []) => announce(call, id),
        (&Method::GET, []) => {
            let course = course(call, id)?;
            let mut states = states(call, "announcementStates");
            if states.is_empty() {
                states.push("PUBLISHED");
            }
            let shows = |one: &&Value| states.contains(&one["state"].as_str().unwrap_or(""));
            let all = course.announcements.iter().rev().filter(shows).cloned().collect();
            listed(call, "announcements", all, 20)
        }
        (&Method::GET, [one]) => {
            let found = course(call, id)?.announcements.iter().find(|held| held["id"] == **one);
            found.cloned().map(Reply::Json).ok_or_else(missing)
        }
        (&Method::PATCH, [one]) => {
            let (names, body) = (mask(call, &["text", "state", "scheduledTime"])?, call.body()?);
            let now = call.now();
            let course = own_course(call, id, one)?;
            let held = course.announcements.iter_mut().find(|held| held["id"] == **one).ok_or_else(missing)?;
            let fields = held.as_object_mut().ok_or_else(missing)?;
            masked(fields, &body, &names);
            fields.insert("updateTime".to_owned(), json!(now));
            Ok(Reply::Json(held.clone()))
        }
        (&Method::DELETE, [one]) => {
            let course = own_course(call, id, one)?;
            if course.deleted.contains(*one) {
                return Err(ApiError::precondition("Precondition check failed."));
            }
            let before = course.announcements.len();
            course.announcements.retain(|held| held["id"] != **one);
            if course.announcements.len() == before {
                return Err(missing());
            }
            course.deleted.insert((*one).to_owned());
            Ok(Reply::Json(json!({})))
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// The course whose announcement the call's project has made, or nobody's.
fn own_course<'w>(call: &'w mut Call<'_>, id: &str, announcement: &str) -> Result<&'w mut Course> {
    let project = call.grant.project().to_owned();
    let course = taught_course(call, id)?;
    if course.announced.get(announcement).is_some_and(|maker| *maker != project) {
        let why = "@ProjectPermissionDenied The Developer Console project is not permitted to make this request.";
        return Err(ApiError::forbidden("forbidden", why));
    }
    Ok(course)
}

fn announce(call: &mut Call<'_>, id: &str) -> Result {
    let mut fields: Map<String, Value> = call.body()?;
    fields.retain(|name, _| WRITABLE.contains(&name.as_str()));
    check_post(call, &fields)?;
    if text(&fields, "text").is_none() {
        return Err(ApiError::invalid("text: required"));
    }
    let (number, now, creator) = (call.world.ids.number(12), call.now(), user_id(call.world, call.user()));
    let project = call.grant.project().to_owned();
    let course = taught_course(call, id)?;
    course.announced.insert(number.clone(), project);
    for (name, value) in [
        ("courseId", json!(course.id)),
        ("id", json!(number)),
        ("creatorUserId", json!(creator)),
        ("creationTime", json!(now)),
        ("updateTime", json!(now)),
        ("alternateLink", json!(format!("https://classroom.google.com/c/{}/p/{number}", course.id))),
    ] {
        fields.insert(name.to_owned(), value);
    }
    fields.entry("state").or_insert_with(|| json!("DRAFT"));
    fields.entry("assigneeMode").or_insert_with(|| json!("ALL_STUDENTS"));
    let made = Value::Object(fields);
    course.announcements.push(made.clone());
    Ok(Reply::Json(made))
}

/// Answers behind `topics`.
pub(super) fn topics(call: &mut Call<'_>, id: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET { TOPICS_READ } else { TOPICS })?;
    match (&method, path) {
        (&Method::GET, []) => {
            let all = course(call, id)?.topics.clone();
            listed(call, "topic", all, 100)
        }
        (&Method::POST, []) => {
            let body = call.body()?;
            let name = text(&body, "name").filter(|name| name.chars().count() <= 100);
            let name = name.ok_or_else(|| ApiError::invalid("name: required, with at most 100 characters"))?;
            let (number, now) = (call.world.ids.number(12), call.now());
            let course = taught_course(call, id)?;
            if course.topics.iter().any(|topic| topic["name"] == *name) {
                return Err(exists());
            }
            let topic = json!({ "courseId": course.id, "topicId": number, "name": name, "updateTime": now });
            course.topics.push(topic.clone());
            Ok(Reply::Json(topic))
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}
