//! Classroom v1.

mod courses;
mod coursework;
mod guardians;
mod invitations;
mod posts;
mod registrations;
mod roster;
mod submissions;

use std::collections::{BTreeSet, HashMap};

use hyper::Method;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result, with_next};
use super::error::ApiError;
use super::world::World;
pub(super) use coursework::Work;
pub(super) use guardians::{Guardians, accept as accept_guardian};
pub(super) use submissions::Submission;

const COURSES: &[&str] = &["classroom.courses"];
const COURSES_READ: &[&str] = &["classroom.courses", "classroom.courses.readonly"];
const ROSTERS: &[&str] = &["classroom.rosters"];
const ROSTERS_READ: &[&str] = &["classroom.rosters", "classroom.rosters.readonly"];
const PROFILES: &[&str] =
    &["classroom.rosters", "classroom.rosters.readonly", "classroom.profile.emails", "classroom.profile.photos"];
const WORK: &[&str] = &["classroom.coursework.students"];
const WORK_READ: &[&str] = &[
    "classroom.coursework.me",
    "classroom.coursework.me.readonly",
    "classroom.coursework.students",
    "classroom.coursework.students.readonly",
];

/// A course.
#[derive(Debug, Clone)]
struct Course {
    id: String,
    fields: Map<String, Value>,
    owner: String,
    aliases: Vec<String>,
    teachers: Vec<String>,
    students: Vec<String>,
    work: Vec<Work>,
    announcements: Vec<Value>,
    /// Google's project whose client made each announcement.
    announced: HashMap<String, String>,
    /// Ids of work and announcements that were deleted.
    deleted: BTreeSet<String>,
    topics: Vec<Value>,
}

/// Everything that Classroom keeps.
#[derive(Debug, Default)]
pub(super) struct Classroom {
    courses: Vec<Course>,
    submissions: Vec<Submission>,
    /// Invitations, each with the address that it is for.
    invitations: Vec<(String, Value)>,
    pub(super) guardians: Guardians,
    registrations: Vec<Value>,
}

impl Classroom {
    /// What Pub/Sub topics are told of.
    pub(super) fn registrations(&self) -> Vec<Value> {
        self.registrations.clone()
    }
}

/// Answers behind `/v1/` for courses, invitations, profiles and registrations.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    match path {
        ["courses", rest @ ..] => in_courses(call, rest),
        ["invitations", rest @ ..] => invitations::answer(call, rest),
        ["registrations", rest @ ..] => registrations::answer(call, rest),
        ["userProfiles", user] if call.request.method == Method::GET => {
            call.needs(PROFILES)?;
            let person = call.person(user).filter(|email| call.world.people.find(email).is_some());
            let email = person.ok_or_else(missing)?;
            Ok(Reply::Json(profile(call, &email)))
        }
        ["userProfiles", student, rest @ ..] => guardians::answer(call, student, rest),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn in_courses(call: &mut Call<'_>, path: &[&str]) -> Result {
    match path {
        [] | [_] => courses::answer(call, path),
        [course, "aliases"] => courses::aliases(call, course),
        [course, kind @ ("students" | "teachers"), rest @ ..] => roster::answer(call, course, kind, rest),
        [course, "courseWork", work, "studentSubmissions", rest @ ..] => submissions::answer(call, course, work, rest),
        [course, "courseWork", rest @ ..] => coursework::answer(call, course, rest),
        [course, "announcements", rest @ ..] => posts::announcements(call, course, rest),
        [course, "topics", rest @ ..] => posts::topics(call, course, rest),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn missing() -> ApiError {
    ApiError::not_found("Requested entity was not found.")
}

fn denied() -> ApiError {
    ApiError::forbidden("forbidden", "The caller does not have permission")
}

fn exists() -> ApiError {
    ApiError::duplicate("Requested entity already exists")
}

/// Where a course stands that the user may see, by its id or an alias.
fn index(call: &Call<'_>, id: &str) -> Result<usize> {
    let named = |course: &Course| course.id == id || course.aliases.iter().any(|alias| alias == id);
    let at = call.world.classroom.courses.iter().position(named).ok_or_else(missing)?;
    let course = call.world.classroom.courses.get(at).ok_or_else(missing)?;
    if call.is_admin() || course.is_member(call.user()) { Ok(at) } else { Err(denied()) }
}

/// A course that the user may see.
fn course<'w>(call: &'w Call<'_>, id: &str) -> Result<&'w Course> {
    call.world.classroom.courses.get(index(call, id)?).ok_or_else(missing)
}

/// A course that the user may see, to be changed. An archived one is closed.
fn open_course<'w>(call: &'w mut Call<'_>, id: &str) -> Result<&'w mut Course> {
    let at = index(call, id)?;
    let course = call.world.classroom.courses.get_mut(at).ok_or_else(missing)?;
    if course.state() == "ARCHIVED" {
        return Err(ApiError::precondition("@CourseNotModifiable The course is not in a modifiable state."));
    }
    Ok(course)
}

/// The same, for those who teach it or administer the domain.
fn taught_course<'w>(call: &'w mut Call<'_>, id: &str) -> Result<&'w mut Course> {
    let (user, admin) = (call.grant.user.clone(), call.is_admin());
    let course = open_course(call, id)?;
    if admin || course.is_teacher(&user) { Ok(course) } else { Err(denied()) }
}

impl Course {
    fn state(&self) -> &str {
        self.fields.get("courseState").and_then(Value::as_str).unwrap_or("")
    }

    fn is_teacher(&self, email: &str) -> bool {
        self.teachers.iter().any(|teacher| teacher == email)
    }

    fn is_student(&self, email: &str) -> bool {
        self.students.iter().any(|student| student == email)
    }

    fn is_member(&self, email: &str) -> bool {
        self.is_teacher(email) || self.is_student(email)
    }
}

/// The number of an account; of an address outside the domain, a number that is always the same.
fn user_id(world: &World, email: &str) -> String {
    world.people.find(email).map_or_else(|| super::drive::number(email), |person| person.id.clone())
}

/// A user as Classroom shows one. The address is shown only to those who may see addresses.
fn profile(call: &Call<'_>, email: &str) -> Value {
    let id = user_id(call.world, email);
    let Some(person) = call.world.people.find(email) else { return json!({ "id": id, "emailAddress": email }) };
    let mut shown = json!({
        "id": id,
        "name": { "givenName": person.given, "familyName": person.family, "fullName": person.name() },
        "verifiedTeacher": person.admin,
    });
    if call.grant.allows(&["classroom.profile.emails"]) {
        shown["emailAddress"] = json!(person.email);
    }
    shown
}

/// The names in `updateMask`, which has to be there and may name no others than these.
fn mask(call: &Call<'_>, allowed: &[&str]) -> Result<Vec<String>> {
    let mask = call.query.filled("updateMask").ok_or_else(|| ApiError::invalid("updateMask: required"))?;
    let names: Vec<String> = mask.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| !allowed.contains(&name.as_str())) {
        Some(wrong) => Err(ApiError::invalid(format!("Invalid updateMask: {wrong}"))),
        None => Ok(names),
    }
}

/// Lays the masked fields of a body over what is there. A field that the body does not give is cleared.
fn masked(held: &mut Map<String, Value>, body: &Map<String, Value>, names: &[String]) {
    for name in names {
        match body.get(name) {
            Some(value) if !value.is_null() => drop(held.insert(name.clone(), value.clone())),
            _ => drop(held.remove(name)),
        }
    }
}

/// A page of a list under its key; an empty list is left out.
fn listed(call: &Call<'_>, key: &str, all: Vec<Value>, default: usize) -> Result {
    let size = call.size("pageSize", default, 1000)?;
    let (page, next) = call.page(all, size)?;
    let list = if page.is_empty() { json!({}) } else { json!({ key: page }) };
    Ok(Reply::Json(with_next(list, next)))
}

/// The course states and the like that a list is narrowed down to.
fn states<'q>(call: &'q Call<'_>, name: &'q str) -> Vec<&'q str> {
    call.query.all(name).flat_map(|value| value.split(',')).collect()
}

/// Courses as tests see them: fields, `aliases`, `teachers`, `students`, `courseWork` and `submissions`.
pub(super) fn all(world: &World) -> Vec<Value> {
    let whole = |course: &Course| {
        let mut shown = course.fields.clone();
        let submissions = world.classroom.submissions.iter().filter(|one| one.course == course.id);
        for (name, value) in [
            ("id", json!(course.id)),
            ("owner", json!(course.owner)),
            ("aliases", json!(course.aliases)),
            ("teachers", json!(course.teachers)),
            ("students", json!(course.students)),
            ("topics", json!(course.topics)),
            ("announcements", json!(course.announcements)),
            ("courseWork", course.work.iter().map(Work::summary).collect()),
            ("submissions", submissions.map(Submission::summary).collect()),
        ] {
            shown.insert(name.to_owned(), value);
        }
        Value::Object(shown)
    };
    world.classroom.courses.iter().map(whole).collect()
}
