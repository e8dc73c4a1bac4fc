//! Assignments and questions.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{
    WORK, WORK_READ, course, denied, listed, mask, masked, missing, states, submissions, taught_course, user_id,
};
use crate::google_workspace::call::{Call, Reply, Result, instant, text};
use crate::google_workspace::drive;
use crate::google_workspace::error::ApiError;

/// Fields that a caller may write when it is made.
const WRITABLE: &[&str] = &[
    "title",
    "description",
    "materials",
    "state",
    "dueDate",
    "dueTime",
    "scheduledTime",
    "maxPoints",
    "workType",
    "assigneeMode",
    "individualStudentsOptions",
    "submissionModificationMode",
    "topicId",
    "multipleChoiceQuestion",
    "assignment",
    "gradeCategory",
    "gradingPeriodId",
];
/// Fields that can be changed later.
const CHANGEABLE: &[&str] = &[
    "title",
    "description",
    "state",
    "dueDate",
    "dueTime",
    "maxPoints",
    "scheduledTime",
    "submissionModificationMode",
    "topicId",
    "gradingPeriodId",
];
const TYPES: &[&str] = &["ASSIGNMENT", "SHORT_ANSWER_QUESTION", "MULTIPLE_CHOICE_QUESTION"];

/// An assignment or a question.
#[derive(Debug, Clone)]
pub(in crate::google_workspace) struct Work {
    pub(super) id: String,
    pub(super) fields: Map<String, Value>,
    creator: String,
    /// Google's project whose client made it: no other may change it or grade it.
    pub(super) project: String,
}

impl Work {
    pub(super) fn summary(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("id".to_owned(), json!(self.id));
        Value::Object(fields)
    }

    pub(super) fn is_published(&self) -> bool {
        self.fields.get("state").and_then(Value::as_str) == Some("PUBLISHED")
    }

    pub(super) fn kind(&self) -> &str {
        self.fields.get("workType").and_then(Value::as_str).unwrap_or("ASSIGNMENT")
    }

    pub(super) fn max_points(&self) -> Option<f64> {
        self.fields.get("maxPoints").and_then(Value::as_f64)
    }

    /// When it is due, in milliseconds.
    pub(super) fn due(&self) -> Option<i64> {
        let number = |of: &str, name: &str| {
            self.fields.get(of).and_then(|part| part.get(name)).and_then(Value::as_i64).unwrap_or(0)
        };
        self.fields.get("dueDate")?;
        let (year, month, day) = (number("dueDate", "year"), number("dueDate", "month"), number("dueDate", "day"));
        let (hours, minutes) = (number("dueTime", "hours"), number("dueTime", "minutes"));
        instant(&format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:00Z"))
    }

    /// Whether it is meant for a student.
    pub(super) fn is_for(&self, student: &str) -> bool {
        let chosen = self.fields.get("individualStudentsOptions").and_then(|options| options["studentIds"].as_array());
        self.fields.get("assigneeMode").and_then(Value::as_str) != Some("INDIVIDUAL_STUDENTS")
            || chosen.is_some_and(|ids| ids.iter().any(|id| *id == *student))
    }
}

/// Answers behind `courseWork`.
pub(super) fn answer(call: &mut Call<'_>, id: &str, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET { WORK_READ } else { WORK })?;
    match (&method, path) {
        (&Method::POST, []) => create(call, id),
        (&Method::GET, []) => list(call, id),
        (&Method::GET, [work]) => {
            let course = course(call, id)?;
            let found = course.work.iter().find(|held| held.id == *work);
            let found = found.filter(|held| course.is_teacher(call.user()) || call.is_admin() || held.is_published());
            Ok(Reply::Json(render(call, &course.id, found.ok_or_else(missing)?)))
        }
        (&Method::PATCH, [work]) => update(call, id, work),
        (&Method::DELETE, [work]) => {
            let (at, _) = own(call, id, work)?;
            let course = taught_course(call, id)?;
            let gone = course.work.remove(at);
            course.deleted.insert(gone.id.clone());
            call.world.classroom.submissions.retain(|one| one.work != gone.id);
            Ok(Reply::Json(json!({})))
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn render(call: &Call<'_>, course: &str, work: &Work) -> Value {
    let mut fields = work.fields.clone();
    for (name, value) in [
        ("courseId", json!(course)),
        ("id", json!(work.id)),
        ("creatorUserId", json!(user_id(call.world, &work.creator))),
        ("associatedWithDeveloper", json!(work.project == call.grant.project())),
    ] {
        fields.insert(name.to_owned(), value);
    }
    Value::Object(fields)
}

/// Checks what both assignments and announcements can have: a state, a time, and materials that the user may see.
pub(super) fn check_post(call: &Call<'_>, fields: &Map<String, Value>) -> Result<()> {
    let state = text(fields, "state").unwrap_or("DRAFT");
    if !["PUBLISHED", "DRAFT"].contains(&state) {
        return Err(ApiError::invalid(format!("Invalid state: {state}")));
    }
    if let Some(time) = text(fields, "scheduledTime")
        && (state != "DRAFT" || instant(time).is_none_or(|time| time <= call.at()))
    {
        return Err(ApiError::invalid("scheduledTime must be in the future, and the state DRAFT."));
    }
    for material in fields.get("materials").and_then(Value::as_array).into_iter().flatten() {
        let file = material["driveFile"]["driveFile"]["id"].as_str();
        if file.is_some_and(|file| !drive::is_visible(call, file)) {
            let why = "@AttachmentNotVisible At least one of the attachments is not visible to the caller.";
            return Err(ApiError::invalid(why));
        }
    }
    Ok(())
}

fn check(call: &Call<'_>, fields: &Map<String, Value>) -> Result<()> {
    check_post(call, fields)?;
    if text(fields, "title").is_none_or(|title| title.chars().count() > 3000) {
        return Err(ApiError::invalid("title: required, with at most 3000 characters"));
    }
    if !text(fields, "workType").is_some_and(|kind| TYPES.contains(&kind)) {
        return Err(ApiError::invalid("workType: required"));
    }
    if let Some(points) = fields.get("maxPoints")
        && !points.as_f64().is_some_and(|points| points >= 0.0 && points.fract() == 0.0)
    {
        return Err(ApiError::invalid("maxPoints must be a non-negative integer."));
    }
    if fields.contains_key("dueDate") != fields.contains_key("dueTime") {
        return Err(ApiError::invalid("dueDate and dueTime must be given together."));
    }
    Ok(())
}

fn create(call: &mut Call<'_>, id: &str) -> Result {
    let mut fields = call.body()?;
    fields.retain(|name, _| WRITABLE.contains(&name.as_str()));
    fields.entry("state").or_insert_with(|| json!("DRAFT"));
    check(call, &fields)?;
    let (now, creator) = (call.now(), call.grant.user.clone());
    let work = call.world.ids.number(12);
    for (name, value) in [
        ("creationTime", json!(now)),
        ("updateTime", json!(now)),
        ("alternateLink", json!(format!("https://classroom.google.com/c/{id}/a/{work}/details"))),
        ("assigneeMode", json!("ALL_STUDENTS")),
        ("submissionModificationMode", json!("MODIFIABLE_UNTIL_TURNED_IN")),
    ] {
        fields.entry(name).or_insert(value);
    }
    let work = Work { id: work, fields, creator, project: call.grant.project().to_owned() };
    let course = taught_course(call, id)?;
    if let Some(topic) = work.fields.get("topicId")
        && !course.topics.iter().any(|held| held["topicId"] == *topic)
    {
        return Err(missing());
    }
    course.work.push(work.clone());
    let id = course.id.clone();
    submissions::hand_out(call, &id);
    Ok(Reply::Json(render(call, &id, &work)))
}

fn list(call: &mut Call<'_>, id: &str) -> Result {
    let course = course(call, id)?;
    let mut states = states(call, "courseWorkStates");
    if states.is_empty() {
        states.push("PUBLISHED");
    }
    let teaches = course.is_teacher(call.user()) || call.is_admin();
    let shows = |work: &&Work| {
        let state = work.fields.get("state").and_then(Value::as_str).unwrap_or("");
        states.contains(&state) && (teaches || work.is_published())
    };
    let all = course.work.iter().rev().filter(shows).map(|work| render(call, &course.id, work)).collect();
    listed(call, "courseWork", all, 20)
}

/// Where work stands that the user teaches and the client's project has made.
fn own(call: &mut Call<'_>, id: &str, work: &str) -> Result<(usize, Work)> {
    let project = call.grant.project().to_owned();
    let is_deletion = call.request.method == Method::DELETE;
    let course = taught_course(call, id)?;
    if course.deleted.contains(work) && is_deletion {
        return Err(ApiError::precondition("Precondition check failed."));
    }
    let at = course.work.iter().position(|held| held.id == work).ok_or_else(missing)?;
    let held = course.work.get(at).cloned().ok_or_else(missing)?;
    if held.project != project {
        let why = "@ProjectPermissionDenied The Developer Console project is not permitted to make this request.";
        return Err(ApiError::forbidden("forbidden", why));
    }
    Ok((at, held))
}

fn update(call: &mut Call<'_>, id: &str, work: &str) -> Result {
    let (names, body) = (mask(call, CHANGEABLE)?, call.body()?);
    let (at, mut held) = own(call, id, work)?;
    let was_published = held.is_published();
    masked(&mut held.fields, &body, &names);
    check(call, &held.fields)?;
    if was_published && !held.is_published() {
        return Err(ApiError::precondition("Published work cannot become a draft again."));
    }
    held.fields.insert("updateTime".to_owned(), json!(call.now()));
    let course = taught_course(call, id)?;
    let id = course.id.clone();
    *course.work.get_mut(at).ok_or_else(denied)? = held.clone();
    submissions::hand_out(call, &id);
    Ok(Reply::Json(render(call, &id, &held)))
}
