//! Guardians of students, and invitations to become one.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{denied, exists, listed, mask, missing, states, user_id};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::error::ApiError;
use crate::google_workspace::world::World;

const WRITE: &[&str] = &["classroom.guardianlinks.students"];
const READ: &[&str] = &["classroom.guardianlinks.students", "classroom.guardianlinks.students.readonly"];
const READ_OWN: &[&str] = &[
    "classroom.guardianlinks.me.readonly",
    "classroom.guardianlinks.students",
    "classroom.guardianlinks.students.readonly",
];

/// How many guardians and invitations a student can have. The vendor names no number for all schools.
const MOST: usize = 20;

/// Guardians and invitations, each as it is shown with the address of the student.
#[derive(Debug, Default)]
pub(in crate::google_workspace) struct Guardians {
    linked: Vec<(String, Value)>,
    invitations: Vec<(String, Value)>,
    /// Addresses that were sent a mail with an invitation.
    pub(in crate::google_workspace) notices: Vec<String>,
}

/// Lets a guardian accept an invitation; says whether there was one that waited.
pub(in crate::google_workspace) fn accept(world: &mut World, invitation: &str) -> bool {
    let guardians = &mut world.classroom.guardians;
    let waits = |one: &Value| one["invitationId"] == *invitation && one["state"] == "PENDING";
    let Some((student, held)) = guardians.invitations.iter_mut().find(|(_, one)| waits(one)) else { return false };
    held["state"] = json!("COMPLETE");
    let email = held["invitedEmailAddress"].as_str().unwrap_or("").to_owned();
    let (student, id) = (student.clone(), held["studentId"].clone());
    let guardian = user_id(world, &email);
    let linked = json!({
        "studentId": id,
        "guardianId": guardian,
        "invitedEmailAddress": email,
        "guardianProfile": {
            "id": guardian,
            "name": { "fullName": email.split('@').next().unwrap_or("") },
            "emailAddress": email,
        },
    });
    world.classroom.guardians.linked.push((student, linked));
    true
}

/// Answers behind `userProfiles/STUDENT/`.
pub(super) fn answer(call: &mut Call<'_>, student: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    let reads = method == Method::GET;
    match path {
        ["guardians", ..] if reads => call.needs(READ_OWN)?,
        _ if reads => call.needs(READ)?,
        _ => call.needs(WRITE)?,
    }
    let student = whose(call, student)?;
    match (&method, path) {
        (&Method::POST, ["guardianInvitations"]) => invite(call, student.as_deref()),
        (&Method::GET, ["guardianInvitations"]) => {
            let mut states = states(call, "states");
            if states.is_empty() {
                states.push("PENDING");
            }
            let all = of(call, &call.world.classroom.guardians.invitations, student.as_deref());
            let all = all.into_iter().filter(|one| states.contains(&one["state"].as_str().unwrap_or(""))).collect();
            listed(call, "guardianInvitations", all, 100)
        }
        (&Method::GET, ["guardianInvitations", id]) => {
            let all = of(call, &call.world.classroom.guardians.invitations, student.as_deref());
            all.into_iter().find(|one| one["invitationId"] == **id).map(Reply::Json).ok_or_else(missing)
        }
        (&Method::PATCH, ["guardianInvitations", id]) => cancel(call, student.as_deref(), id),
        (&Method::GET, ["guardians"]) => {
            let all = of(call, &call.world.classroom.guardians.linked, student.as_deref());
            listed(call, "guardians", all, 100)
        }
        (&Method::GET, ["guardians", id]) => {
            let all = of(call, &call.world.classroom.guardians.linked, student.as_deref());
            all.into_iter().find(|one| one["guardianId"] == **id).map(Reply::Json).ok_or_else(missing)
        }
        (&Method::DELETE, ["guardians", id]) => {
            let held = &mut call.world.classroom.guardians.linked;
            let before = held.len();
            held.retain(|(of, one)| Some(of) != student.as_ref() || one["guardianId"] != **id);
            if held.len() == before { Err(missing()) } else { Ok(Reply::Json(json!({}))) }
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// The student whose guardians are meant; none for all of them, which administrators alone may ask for.
fn whose(call: &Call<'_>, key: &str) -> Result<Option<String>> {
    if key == "-" {
        return if call.is_admin() { Ok(None) } else { Err(denied()) };
    }
    let student = call.person(key).filter(|email| call.world.people.find(email).is_some()).ok_or_else(missing)?;
    let classroom = &call.world.classroom;
    let taught = classroom.courses.iter().any(|course| course.is_student(&student) && course.is_teacher(call.user()));
    let reads = call.request.method == Method::GET;
    if call.is_admin() || (reads && (taught || student == call.user())) { Ok(Some(student)) } else { Err(denied()) }
}

/// Those of a student, narrowed down to an invited address where one is asked for.
fn of(call: &Call<'_>, all: &[(String, Value)], student: Option<&str>) -> Vec<Value> {
    let email = call.query.filled("invitedEmailAddress");
    let shows = |(of, one): &&(String, Value)| {
        student.is_none_or(|student| of == student) && email.is_none_or(|email| one["invitedEmailAddress"] == *email)
    };
    all.iter().filter(shows).map(|(_, one)| one.clone()).collect()
}

fn invite(call: &mut Call<'_>, student: Option<&str>) -> Result {
    let body = call.body()?;
    let student = student.ok_or_else(missing)?.to_owned();
    if let Some(wrong) = body.keys().find(|name| !["studentId", "invitedEmailAddress"].contains(&name.as_str())) {
        return Err(ApiError::invalid(format!("Only studentId and invitedEmailAddress may be set, not {wrong}.")));
    }
    let email = text(&body, "invitedEmailAddress").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| ApiError::invalid("invitedEmailAddress is malformed."))?.to_owned();
    let guardians = &call.world.classroom.guardians;
    let same = |of: &str, one: &Value| of == student && one["invitedEmailAddress"] == email;
    let waits = guardians.invitations.iter().any(|(of, one)| same(of, one) && one["state"] == "PENDING");
    if waits || guardians.linked.iter().any(|(of, one)| same(of, one)) {
        return Err(exists());
    }
    let invited = guardians.invitations.iter().filter(|(of, one)| *of == student && one["state"] == "PENDING").count();
    if invited + guardians.linked.iter().filter(|(of, _)| *of == student).count() >= MOST {
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "resourceExhausted", "Too many guardians."));
    }
    let made = json!({
        "studentId": user_id(call.world, &student),
        "invitationId": call.world.ids.word(20),
        "invitedEmailAddress": email,
        "state": "PENDING",
        "creationTime": call.now(),
    });
    let guardians = &mut call.world.classroom.guardians;
    guardians.notices.push(email);
    guardians.invitations.push((student, made.clone()));
    Ok(Reply::Json(made))
}

/// An invitation can be changed in one way: it is taken back.
fn cancel(call: &mut Call<'_>, student: Option<&str>, id: &str) -> Result {
    mask(call, &["state"])?;
    if text(&call.body()?, "state") != Some("COMPLETE") {
        return Err(ApiError::invalid("state can only become COMPLETE."));
    }
    let held = call.world.classroom.guardians.invitations.iter_mut();
    let mut held = held.filter(|(of, _)| Some(of.as_str()) == student).map(|(_, one)| one);
    let one = held.find(|one| one["invitationId"] == *id).ok_or_else(missing)?;
    if one["state"] != "PENDING" {
        return Err(ApiError::precondition("Precondition check failed."));
    }
    one["state"] = json!("COMPLETE");
    Ok(Reply::Json(one.clone()))
}
