//! What students hand in, and the grades for it.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{Work, course, denied, listed, mask, missing, states, user_id};
use crate::google_workspace::call::{Call, Reply, Result};
use crate::google_workspace::error::ApiError;

const READ: &[&str] = &[
    "classroom.coursework.me",
    "classroom.coursework.me.readonly",
    "classroom.coursework.students",
    "classroom.coursework.students.readonly",
    "classroom.student-submissions.me.readonly",
    "classroom.student-submissions.students.readonly",
];
const WRITE: &[&str] = &["classroom.coursework.me", "classroom.coursework.students"];
const GRADES: &[&str] = &["assignedGrade", "draftGrade"];

/// One student's part of an assignment.
#[derive(Debug, Clone)]
pub(in crate::google_workspace) struct Submission {
    id: String,
    pub(super) course: String,
    pub(super) work: String,
    student: String,
    state: String,
    /// Grades, and when it was made and changed.
    fields: Map<String, Value>,
    /// When it was last turned in, in milliseconds.
    turned_in: Option<i64>,
}

impl Submission {
    pub(super) fn summary(&self) -> Value {
        let mut fields = self.fields.clone();
        for (name, value) in
            [("id", &self.id), ("courseWorkId", &self.work), ("student", &self.student), ("state", &self.state)]
        {
            fields.insert(name.to_owned(), json!(value));
        }
        Value::Object(fields)
    }
}

/// Sees to it that every student has a submission for all published work that is meant for the student.
pub(super) fn hand_out(call: &mut Call<'_>, course: &str) {
    let now = call.now();
    let world = &mut *call.world;
    let Some(held) = world.classroom.courses.iter().find(|held| held.id == course).cloned() else { return };
    for work in held.work.iter().filter(|work| work.is_published()) {
        for student in &held.students {
            let submissions = &world.classroom.submissions;
            let known = submissions.iter().any(|one| one.work == work.id && one.student == *student);
            if known || !work.is_for(&user_id(world, student)) {
                continue;
            }
            let mut fields = Map::new();
            fields.insert("creationTime".to_owned(), json!(now));
            fields.insert("updateTime".to_owned(), json!(now));
            let id = world.ids.word(22);
            world.classroom.submissions.push(Submission {
                id,
                course: held.id.clone(),
                work: work.id.clone(),
                student: student.clone(),
                state: "CREATED".to_owned(),
                fields,
                turned_in: None,
            });
        }
    }
}

/// Answers behind `studentSubmissions`.
pub(super) fn answer(call: &mut Call<'_>, id: &str, work: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::GET, []) => list(call, id, work),
        (&Method::GET, [submission]) => {
            call.needs(READ)?;
            let at = find(call, id, work, submission)?;
            shown(call, at)
        }
        (&Method::PATCH, [submission]) => grade(call, id, work, submission),
        (&Method::POST, [name]) => match name.rsplit_once(':') {
            Some((submission, step @ ("turnIn" | "reclaim"))) => {
                call.needs(&["classroom.coursework.me"])?;
                step_of_student(call, id, work, submission, step)
            }
            Some((submission, "return")) => {
                call.needs(super::WORK)?;
                give_back(call, id, work, submission)
            }
            _ => Err(ApiError::not_found("Not Found")),
        },
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn teaches(call: &Call<'_>, id: &str) -> Result<bool> {
    Ok(call.is_admin() || course(call, id)?.is_teacher(call.user()))
}

/// Where a submission stands that the user may see.
fn find(call: &Call<'_>, id: &str, work: &str, submission: &str) -> Result<usize> {
    let teaches = teaches(call, id)?;
    let course = course(call, id)?.id.clone();
    let named = |one: &Submission| one.id == submission && one.work == work && one.course == course;
    let at = call.world.classroom.submissions.iter().position(named).ok_or_else(missing)?;
    let own = call.world.classroom.submissions.get(at).is_some_and(|one| one.student == call.user());
    if teaches || own { Ok(at) } else { Err(denied()) }
}

fn work_of<'w>(call: &'w Call<'_>, one: &Submission) -> Option<&'w Work> {
    let course = call.world.classroom.courses.iter().find(|course| course.id == one.course)?;
    course.work.iter().find(|work| work.id == one.work)
}

/// Whether it came, or has not come, after it was due.
fn is_late(call: &Call<'_>, one: &Submission) -> bool {
    let due = work_of(call, one).and_then(Work::due);
    due.is_some_and(|due| one.turned_in.unwrap_or(call.at()) > due)
}

fn render(call: &Call<'_>, one: &Submission) -> Value {
    let mut fields = one.fields.clone();
    let work = work_of(call, one);
    for (name, value) in [
        ("courseId", json!(one.course)),
        ("courseWorkId", json!(one.work)),
        ("id", json!(one.id)),
        ("userId", json!(user_id(call.world, &one.student))),
        ("state", json!(one.state)),
        ("courseWorkType", json!(work.map_or("ASSIGNMENT", Work::kind))),
        ("associatedWithDeveloper", json!(work.is_some_and(|work| work.project == call.grant.project()))),
        (
            "alternateLink",
            json!(format!(
                "https://classroom.google.com/c/{}/a/{}/submissions/student/{}",
                one.course, one.work, one.id
            )),
        ),
    ] {
        fields.insert(name.to_owned(), value);
    }
    if work.is_none_or(|work| work.kind() == "ASSIGNMENT") {
        fields.insert("assignmentSubmission".to_owned(), json!({}));
    }
    if is_late(call, one) {
        fields.insert("late".to_owned(), json!(true));
    }
    // A student sees a grade once it has been given, and not before.
    if one.student == call.user() {
        fields.remove("draftGrade");
        if one.state != "RETURNED" {
            fields.remove("assignedGrade");
        }
    }
    Value::Object(fields)
}

fn shown(call: &Call<'_>, at: usize) -> Result {
    let one = call.world.classroom.submissions.get(at).ok_or_else(missing)?;
    Ok(Reply::Json(render(call, one)))
}

fn list(call: &mut Call<'_>, id: &str, work: &str) -> Result {
    call.needs(READ)?;
    let teaches = teaches(call, id)?;
    let course = course(call, id)?;
    if work != "-" && !course.work.iter().any(|held| held.id == work) {
        return Err(missing());
    }
    let student = match call.query.filled("userId") {
        None => None,
        Some(key) => Some(call.person(key).ok_or_else(missing)?),
    };
    let states = states(call, "states");
    let late = call.query.filled("late");
    let shows = |one: &&Submission| {
        one.course == course.id
            && (work == "-" || one.work == work)
            && (teaches || one.student == call.user())
            && student.as_ref().is_none_or(|student| one.student == *student)
            && (states.is_empty() || states.contains(&one.state.as_str()))
            && match late {
                Some("LATE_ONLY") => is_late(call, one),
                Some("NOT_LATE_ONLY") => !is_late(call, one),
                _ => true,
            }
    };
    let all = call.world.classroom.submissions.iter().filter(shows).map(|one| render(call, one)).collect();
    listed(call, "studentSubmissions", all, 100)
}

/// Refuses unless the client's project has made the work.
fn of_project(call: &Call<'_>, one: &Submission) -> Result<()> {
    if work_of(call, one).is_some_and(|work| work.project == call.grant.project()) {
        return Ok(());
    }
    let why = "@ProjectPermissionDenied The Developer Console project is not permitted to make this request.";
    Err(ApiError::forbidden("forbidden", why))
}

fn grade(call: &mut Call<'_>, id: &str, work: &str, submission: &str) -> Result {
    call.needs(WRITE)?;
    let (names, body) = (mask(call, GRADES)?, call.body()?);
    let at = find(call, id, work, submission)?;
    let one = call.world.classroom.submissions.get(at).cloned().ok_or_else(missing)?;
    if !teaches(call, id)? {
        return Err(denied());
    }
    of_project(call, &one)?;
    let most = work_of(call, &one).and_then(Work::max_points);
    for grade in names.iter().filter_map(|name| body.get(name)).filter(|grade| !grade.is_null()) {
        let points = grade.as_f64().filter(|points| *points >= 0.0);
        let points = points.ok_or_else(|| ApiError::invalid("Grades must be non-negative numbers."))?;
        if most.is_none_or(|most| points > most) {
            return Err(ApiError::invalid("A grade must not be above the maxPoints of the course work."));
        }
    }
    let now = call.now();
    let held = call.world.classroom.submissions.get_mut(at).ok_or_else(missing)?;
    super::masked(&mut held.fields, &body, &names);
    held.fields.insert("updateTime".to_owned(), json!(now));
    shown(call, at)
}

fn step_of_student(call: &mut Call<'_>, id: &str, work: &str, submission: &str, step: &str) -> Result {
    let at = find(call, id, work, submission)?;
    let one = call.world.classroom.submissions.get(at).cloned().ok_or_else(missing)?;
    if one.student != call.user() {
        return Err(denied());
    }
    of_project(call, &one)?;
    let turned_in = one.state == "TURNED_IN";
    if turned_in == (step == "turnIn") {
        return Err(ApiError::precondition("Precondition check failed."));
    }
    let at_time = call.at();
    let (state, time) = if step == "turnIn" { ("TURNED_IN", Some(at_time)) } else { ("RECLAIMED_BY_STUDENT", None) };
    moved(call, at, state, time)
}

/// Gives it back to the student. A draft of a grade does not become the grade by that.
fn give_back(call: &mut Call<'_>, id: &str, work: &str, submission: &str) -> Result {
    let at = find(call, id, work, submission)?;
    let one = call.world.classroom.submissions.get(at).cloned().ok_or_else(missing)?;
    if !teaches(call, id)? {
        return Err(denied());
    }
    of_project(call, &one)?;
    if one.state == "RETURNED" {
        return Err(ApiError::precondition("Precondition check failed."));
    }
    moved(call, at, "RETURNED", one.turned_in)
}

fn moved(call: &mut Call<'_>, at: usize, state: &str, turned_in: Option<i64>) -> Result {
    let now = call.now();
    let one = call.world.classroom.submissions.get_mut(at).ok_or_else(missing)?;
    state.clone_into(&mut one.state);
    one.turned_in = turned_in;
    one.fields.insert("updateTime".to_owned(), json!(now));
    Ok(Reply::Json(json!({})))
}
