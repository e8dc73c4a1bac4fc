//! Teachers and students of a course.

use hyper::Method;
use serde_json::{Value, json};

use super::{PROFILES, ROSTERS, course, denied, exists, listed, missing, open_course, profile, submissions, user_id};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::error::ApiError;

/// How many a course takes in.
const MOST_STUDENTS: usize = 1000;
const MOST_TEACHERS: usize = 20;

/// Answers behind `students` and `teachers`.
pub(super) fn answer(call: &mut Call<'_>, id: &str, kind: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::POST, []) => create(call, id, kind),
        (&Method::GET, []) => {
            call.needs(PROFILES)?;
            let course = course(call, id)?;
            let people = if kind == "students" { &course.students } else { &course.teachers };
            let all = people.iter().map(|email| shown(call, &course.id, email)).collect();
            listed(call, kind, all, 30)
        }
        (&Method::GET, [user]) => {
            call.needs(PROFILES)?;
            let (course, email) = member(call, id, kind, user)?;
            Ok(Reply::Json(shown(call, &course, &email)))
        }
        (&Method::DELETE, [user]) => remove(call, id, kind, user),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn shown(call: &Call<'_>, course: &str, email: &str) -> Value {
    json!({ "courseId": course, "userId": user_id(call.world, email), "profile": profile(call, email) })
}

/// The course's id and the address of a member.
fn member(call: &Call<'_>, id: &str, kind: &str, user: &str) -> Result<(String, String)> {
    let course = course(call, id)?;
    let people = if kind == "students" { &course.students } else { &course.teachers };
    let named = |email: &&String| call.person(user).as_ref() == Some(*email) || user_id(call.world, email) == user;
    let email = people.iter().find(named).ok_or_else(missing)?;
    Ok((course.id.clone(), email.clone()))
}

fn create(call: &mut Call<'_>, id: &str, kind: &str) -> Result {
    call.needs(ROSTERS)?;
    let body = call.body()?;
    let key = text(&body, "userId").ok_or_else(|| ApiError::invalid("userId: required"))?;
    let email = call.person(key).filter(|email| call.world.people.find(email).is_some()).ok_or_else(missing)?;
    let code = call.query.filled("enrollmentCode").map(str::to_owned);
    if kind == "students" && code.is_some() && email == call.user() {
        return enrol_oneself(call, id, &email, code.as_deref());
    }
    // Others are added by administrators alone; whoever teaches sends an invitation.
    if !call.is_admin() {
        return Err(denied());
    }
    join(call, id, kind, &email)
}

fn enrol_oneself(call: &mut Call<'_>, id: &str, email: &str, code: Option<&str>) -> Result {
    let named = |course: &&super::Course| course.id == id || course.aliases.iter().any(|alias| alias == id);
    let course = call.world.classroom.courses.iter().find(named).ok_or_else(missing)?;
    if course.fields.get("enrollmentCode").and_then(Value::as_str) != code {
        return Err(denied());
    }
    let id = course.id.clone();
    add(call, &id, "students", email)?;
    Ok(Reply::Json(shown(call, &id, email)))
}

fn join(call: &mut Call<'_>, id: &str, kind: &str, email: &str) -> Result {
    let id = open_course(call, id)?.id.clone();
    add(call, &id, kind, email)?;
    Ok(Reply::Json(shown(call, &id, email)))
}

/// Takes somebody into a course, whoever asks for it.
pub(super) fn add(call: &mut Call<'_>, id: &str, kind: &str, email: &str) -> Result<()> {
    let course = call.world.classroom.courses.iter_mut().find(|course| course.id == id).ok_or_else(missing)?;
    if course.is_member(email) {
        return Err(exists());
    }
    let (people, most, reached) = match kind {
        "students" => (&mut course.students, MOST_STUDENTS, "@CourseMemberLimitReached"),
        _ => (&mut course.teachers, MOST_TEACHERS, "@CourseTeacherLimitReached"),
    };
    if people.len() >= most {
        return Err(ApiError::precondition(format!("{reached} The course has as many members as it can have.")));
    }
    people.push(email.to_owned());
    call.world.classroom.invitations.retain(|(invited, one)| invited != email || one["courseId"] != id);
    if kind == "students" {
        submissions::hand_out(call, id);
    }
    Ok(())
}

fn remove(call: &mut Call<'_>, id: &str, kind: &str, user: &str) -> Result {
    call.needs(ROSTERS)?;
    let (id, email) = member(call, id, kind, user)?;
    let teaches = course(call, &id)?.is_teacher(call.user());
    if !call.is_admin() && !teaches && email != call.user() {
        return Err(denied());
    }
    let course = open_course(call, &id)?;
    if course.owner == email {
        return Err(ApiError::precondition("The owner of a course cannot be removed from it."));
    }
    course.students.retain(|student| *student != email);
    course.teachers.retain(|teacher| *teacher != email);
    Ok(Reply::Json(json!({})))
}
