//! Invitations to join a course.

use hyper::Method;
use serde_json::{Value, json};

use super::{ROSTERS, ROSTERS_READ, course, denied, exists, listed, missing, roster, user_id};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::error::ApiError;

/// Answers behind `invitations`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET { ROSTERS_READ } else { ROSTERS })?;
    match (&method, path) {
        (&Method::POST, []) => create(call),
        (&Method::GET, []) => list(call),
        (&Method::GET, [id]) => find(call, id).map(|(_, one)| Reply::Json(one)),
        (&Method::DELETE, [id]) => {
            find(call, id)?;
            call.world.classroom.invitations.retain(|(_, one)| one["id"] != *id);
            Ok(Reply::Json(json!({})))
        }
        (&Method::POST, [name]) => match name.rsplit_once(':') {
            Some((id, "accept")) => accept(call, id),
            _ => Err(ApiError::not_found("Not Found")),
        },
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// An invitation that concerns the user: one's own, or one to a course that the user teaches.
fn find(call: &Call<'_>, id: &str) -> Result<(String, Value)> {
    let found = call.world.classroom.invitations.iter().find(|(_, one)| one["id"] == *id);
    let found = found.filter(|(email, one)| concerns(call, email, one));
    found.cloned().ok_or_else(missing)
}

fn concerns(call: &Call<'_>, email: &str, one: &Value) -> bool {
    let course = call.world.classroom.courses.iter().find(|course| one["courseId"] == course.id);
    email == call.user() || call.is_admin() || course.is_some_and(|course| course.is_teacher(call.user()))
}

fn create(call: &mut Call<'_>) -> Result {
    let body = call.body()?;
    let needed = |name: &str| text(&body, name).ok_or_else(|| ApiError::invalid(format!("{name}: required")));
    let (user, id, role) = (needed("userId")?, needed("courseId")?, needed("role")?);
    if !["STUDENT", "TEACHER", "OWNER"].contains(&role) {
        return Err(ApiError::invalid(format!("Invalid role: {role}")));
    }
    // An address outside the domain can be invited; a number that nobody has cannot.
    let email = call.person(user).or_else(|| user.contains('@').then(|| user.to_owned())).ok_or_else(missing)?;
    let held = super::taught_course(call, id)?;
    let (id, member, teaches) = (held.id.clone(), held.is_member(&email), held.is_teacher(&email));
    let owns = held.owner == email;
    let has = match role {
        "STUDENT" => member,
        "TEACHER" => teaches,
        _ => owns,
    };
    if has {
        return Err(ApiError::precondition("@UserAlreadyInCourse The user has this role in the course already."));
    }
    if role == "OWNER" && !teaches {
        return Err(ApiError::precondition("@IneligibleOwner The new owner must be a teacher of the course already."));
    }
    if call.world.classroom.invitations.iter().any(|(invited, one)| *invited == email && one["courseId"] == id) {
        return Err(exists());
    }
    let invitation = json!({
        "id": call.world.ids.word(20),
        "userId": user_id(call.world, &email),
        "courseId": id,
        "role": role,
    });
    call.world.classroom.invitations.push((email, invitation.clone()));
    Ok(Reply::Json(invitation))
}

fn list(call: &mut Call<'_>) -> Result {
    let user = call.query.filled("userId").map(|key| call.person(key).unwrap_or_else(|| key.to_owned()));
    let id = match call.query.filled("courseId") {
        None => None,
        Some(id) => Some(course(call, id)?.id.clone()),
    };
    if user.is_none() && id.is_none() {
        return Err(ApiError::invalid("One of userId and courseId must be given."));
    }
    let shows = |(email, one): &&(String, Value)| {
        concerns(call, email, one)
            && user.as_ref().is_none_or(|user| user == email)
            && id.as_ref().is_none_or(|id| one["courseId"] == *id)
    };
    let all = call.world.classroom.invitations.iter().filter(shows).map(|(_, one)| one.clone()).collect();
    listed(call, "invitations", all, 100)
}

fn accept(call: &mut Call<'_>, id: &str) -> Result {
    let (email, one) = find(call, id)?;
    if email != call.user() {
        return Err(denied());
    }
    let course = one["courseId"].as_str().unwrap_or("").to_owned();
    match one["role"].as_str() {
        Some("OWNER") => {
            let held = call.world.classroom.courses.iter_mut().find(|held| held.id == course).ok_or_else(missing)?;
            held.owner.clone_from(&email);
        }
        Some("TEACHER") => roster::add(call, &course, "teachers", &email)?,
        _ => roster::add(call, &course, "students", &email)?,
    }
    call.world.classroom.invitations.retain(|(_, one)| one["id"] != *id);
    Ok(Reply::Json(json!({})))
}
