//! Courses and their aliases.

use std::collections::{BTreeSet, HashMap};

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{COURSES, COURSES_READ, Course, denied, exists, index, listed, mask, masked, missing, states, user_id};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::error::ApiError;

/// Fields that a caller may write.
const WRITABLE: &[&str] = &[
    "name",
    "section",
    "descriptionHeading",
    "description",
    "room",
    "courseState",
    "ownerId",
    "subject",
    "guardiansEnabled",
];
const STATES: &[&str] = &["ACTIVE", "ARCHIVED", "PROVISIONED", "DECLINED", "SUSPENDED"];

/// Answers behind `courses`, as far as the course itself is meant.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET { COURSES_READ } else { COURSES })?;
    match (&method, path) {
        (&Method::POST, []) => create(call),
        (&Method::GET, []) => list(call),
        (&Method::GET, [id]) => shown(call, index(call, id)?),
        (&Method::PATCH, [id]) => {
            let names = mask(call, WRITABLE)?;
            update(call, id, &names)
        }
        (&Method::PUT, [id]) => {
            let names: Vec<String> = WRITABLE.iter().map(|name| (*name).to_owned()).collect();
            update(call, id, &names)
        }
        (&Method::DELETE, [id]) => delete(call, id),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn shown(call: &Call<'_>, at: usize) -> Result {
    let course = call.world.classroom.courses.get(at).ok_or_else(missing)?;
    Ok(Reply::Json(render(call, course)))
}

fn render(call: &Call<'_>, course: &Course) -> Value {
    let mut fields = course.fields.clone();
    fields.insert("id".to_owned(), json!(course.id));
    fields.insert("ownerId".to_owned(), json!(user_id(call.world, &course.owner)));
    // Students do not learn how to let others in.
    if !call.is_admin() && !course.is_teacher(call.user()) {
        for secret in ["enrollmentCode", "teacherGroupEmail", "teacherFolder", "courseGroupEmail"] {
            fields.remove(secret);
        }
    }
    Value::Object(fields)
}

/// Whether an alias may be chosen: for the domain or the project.
fn alias(text: &str) -> Result<&str> {
    let known = text.starts_with("d:") || text.starts_with("p:");
    if known && (3..=256).contains(&text.len()) {
        Ok(text)
    } else {
        Err(ApiError::invalid(format!("Invalid course alias: {text}")))
    }
}

fn check(fields: &Map<String, Value>) -> Result<()> {
    if !text(fields, "name").is_some_and(|name| (1..=750).contains(&name.chars().count())) {
        return Err(ApiError::invalid("Course name must have 1 to 750 characters."));
    }
    match text(fields, "courseState") {
        Some(state) if !STATES.contains(&state) => Err(ApiError::invalid(format!("Invalid courseState: {state}"))),
        _ => Ok(()),
    }
}

/// The account that is to own a course.
fn owner(call: &Call<'_>, key: &str) -> Result<String> {
    let owner = call.person(key).and_then(|email| call.world.people.find(&email)).ok_or_else(missing)?;
    if owner.email != call.user() && !call.is_admin() {
        return Err(denied());
    }
    if owner.suspended() {
        return Err(ApiError::precondition("@UserCannotOwnCourse The user is not allowed to own a course."));
    }
    Ok(owner.email.clone())
}

fn create(call: &mut Call<'_>) -> Result {
    let body = call.body()?;
    check(&body)?;
    let owner = owner(call, text(&body, "ownerId").ok_or_else(|| ApiError::invalid("ownerId: required"))?)?;
    let aliases: Vec<String> = text(&body, "id").map(alias).transpose()?.map(str::to_owned).into_iter().collect();
    let taken = |alias: &String| call.world.classroom.courses.iter().any(|course| course.aliases.contains(alias));
    if aliases.iter().any(taken) {
        return Err(exists());
    }
    let id = call.world.ids.number(12);
    let now = call.now();
    let link = crate::google_workspace::ids::link_id(&id);
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in [
        ("courseState", json!("PROVISIONED")),
        ("creationTime", json!(now)),
        ("updateTime", json!(now)),
        ("enrollmentCode", json!(call.world.ids.event().get(..7))),
        ("alternateLink", json!(format!("https://classroom.google.com/c/{link}"))),
        ("teacherGroupEmail", json!(format!("class_teachers_{link}@yourschool.example"))),
        ("courseGroupEmail", json!(format!("class_{link}@yourschool.example"))),
        ("teacherFolder", json!({ "id": call.world.ids.file() })),
        ("guardiansEnabled", json!(false)),
        ("calendarId", json!(format!("c_classroom{id}@group.calendar.google.com"))),
    ] {
        fields.insert(name.to_owned(), value);
    }
    fields.extend(body.into_iter().filter(|(name, _)| WRITABLE.contains(&name.as_str())));
    fields.remove("ownerId");
    let course = Course {
        id,
        fields,
        teachers: vec![owner.clone()],
        owner,
        aliases,
        students: Vec::new(),
        work: Vec::new(),
        announcements: Vec::new(),
        announced: HashMap::new(),
        deleted: BTreeSet::new(),
        topics: Vec::new(),
    };
    let answer = render(call, &course);
    call.world.classroom.courses.push(course);
    Ok(Reply::Json(answer))
}

fn list(call: &mut Call<'_>) -> Result {
    let of = |name: &str| -> Result<Option<String>> {
        match call.query.filled(name) {
            None => Ok(None),
            Some(key) => call.person(key).map(Some).ok_or_else(missing),
        }
    };
    let (student, teacher) = (of("studentId")?, of("teacherId")?);
    let states = states(call, "courseStates");
    let shows = |course: &&Course| {
        (call.is_admin() || course.is_member(call.user()))
            && student.as_ref().is_none_or(|student| course.is_student(student))
            && teacher.as_ref().is_none_or(|teacher| course.is_teacher(teacher))
            && (states.is_empty() || states.contains(&course.state()))
    };
    // The newest comes first.
    let all = call.world.classroom.courses.iter().rev().filter(shows).map(|course| render(call, course)).collect();
    listed(call, "courses", all, 100)
}

fn update(call: &mut Call<'_>, id: &str, names: &[String]) -> Result {
    let body = call.body()?;
    let at = index(call, id)?;
    let course = call.world.classroom.courses.get(at).ok_or_else(missing)?;
    if !call.is_admin() && !course.is_teacher(call.user()) {
        return Err(denied());
    }
    // An archived course can be opened again, and nothing else.
    if course.state() == "ARCHIVED" && names.iter().any(|name| name != "courseState") {
        return Err(ApiError::precondition("@CourseNotModifiable The course is not in a modifiable state."));
    }
    let mut fields = course.fields.clone();
    let owner = match text(&body, "ownerId").filter(|_| names.iter().any(|name| name == "ownerId")) {
        Some(key) => {
            let owner = owner(call, key)?;
            if !course.is_teacher(&owner) {
                let why = "@IneligibleOwner The new owner must be a teacher of the course already.";
                return Err(ApiError::precondition(why));
            }
            owner
        }
        None => course.owner.clone(),
    };
    let names: Vec<String> = names.iter().filter(|name| *name != "ownerId").cloned().collect();
    masked(&mut fields, &body, &names);
    check(&fields)?;
    fields.entry("courseState").or_insert_with(|| json!("ACTIVE"));
    fields.insert("updateTime".to_owned(), json!(call.now()));
    if let Some(course) = call.world.classroom.courses.get_mut(at) {
        course.fields = fields;
        course.owner = owner;
    }
    shown(call, at)
}

fn delete(call: &mut Call<'_>, id: &str) -> Result {
    let at = index(call, id)?;
    let course = call.world.classroom.courses.get(at).ok_or_else(missing)?;
    if !call.is_admin() && course.owner != call.user() {
        return Err(denied());
    }
    if course.state() != "ARCHIVED" {
        return Err(ApiError::precondition("Precondition check failed."));
    }
    let gone = call.world.classroom.courses.remove(at);
    call.world.classroom.submissions.retain(|one| one.course != gone.id);
    call.world.classroom.invitations.retain(|(_, one)| one["courseId"] != gone.id);
    Ok(Reply::Json(json!({})))
}

/// Answers behind `aliases`.
pub(super) fn aliases(call: &mut Call<'_>, id: &str) -> Result {
    if call.request.method == Method::GET {
        call.needs(COURSES_READ)?;
        let aliases = super::course(call, id)?.aliases.iter().map(|alias| json!({ "alias": alias })).collect();
        return listed(call, "aliases", aliases, 100);
    }
    if call.request.method != Method::POST {
        return Err(ApiError::not_found("Not Found"));
    }
    call.needs(COURSES)?;
    let body = call.body()?;
    let alias = alias(text(&body, "alias").ok_or_else(|| ApiError::invalid("alias: required"))?)?.to_owned();
    if call.world.classroom.courses.iter().any(|course| course.aliases.contains(&alias)) {
        return Err(exists());
    }
    super::taught_course(call, id)?.aliases.push(alias.clone());
    Ok(Reply::Json(json!({ "alias": alias })))
}
