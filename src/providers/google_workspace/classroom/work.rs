//! Course work. <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::define::{self, Done, operation},
    WORK, WORK_READ, at,
    materials::{self, Material},
    objects::{CourseWork, CourseWorks},
};
use crate::{
    error::{Error, Result},
    model::Timestamp,
};

/// What kind of work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum WorkType {
    /// Something to hand in.
    Assignment,
    /// A question to be answered in a line.
    ShortAnswerQuestion,
    /// A question with choices.
    MultipleChoiceQuestion,
}

/// Whether students see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum WorkState {
    /// Not yet.
    Draft,
    /// Yes.
    Published,
    /// It is deleted.
    Deleted,
}

operation! {
    /// Lists the course work of a course, the last changed first.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork/list>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "orderBy": "dueDate asc"}`
    ListCourseWork = "listCourseWork", Read, Always -> CourseWorks,
    scopes WORK_READ,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {
        /// Only that in these states; Google's default is what is published.
        course_work_states: Vec<WorkState>,
        /// `updateTime` or `dueDate`, then `asc` or `desc`.
        order_by: String,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["courses", &this.course_id, "courseWork"])?, &this.rest()?).await }
}

operation! {
    /// Reads a piece of course work.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork/get>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765"}`
    GetCourseWork = "getCourseWork", Read, Always -> CourseWork,
    scopes WORK_READ,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        define::get(call, at(call, &["courses", &this.course_id, "courseWork", &this.course_work_id])?, &this.rest()?).await
    }
}

operation! {
    /// Makes a piece of course work. It is a `DRAFT` unless `state` says `PUBLISHED`, or `scheduledTime` a moment.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork/create>. Access `write`.
    /// Google has no key for this: after `outcome_unknown` look with `listCourseWork` before you repeat it. Only the client
    /// id that makes it can change it and mark it later. Errors: `not_found`, `invalid_argument`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "title": "Essay", "maxPoints": 20, "due": "2026-12-01T23:00:00Z", "state": "PUBLISHED"}`
    CreateCourseWork = "createCourseWork", Write, Never -> CourseWork,
    scopes WORK,
    discloses { "title": Content(Anyone), "description": Content(Anyone), "materials": Content(Anyone), "studentIds": Identity(Student) }
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {
        /// The title, 1 to 3000 characters.
        title: String,
    }
    optional {
        /// What is to be done, up to 30,000 characters.
        description: String,
        /// What kind of work it is; an assignment without this.
        work_type: WorkType,
        /// The choices, of a question with choices.
        choices: Vec<String>,
        /// Whether students see it.
        state: WorkState,
        /// The most that can be reached; a whole number. Without it the work is not marked.
        max_points: u32,
        /// The moment it is due.
        due: Timestamp,
        /// The day it is due, `YYYY-MM-DD`, where there is no moment: until 23:59 UTC of it, for Google wants a time.
        due_date: String,
        /// When to publish it, of a `DRAFT`.
        scheduled_time: Timestamp,
        /// The topic it stands under.
        topic_id: String,
        /// Only for these students: their ids. For all of the course without this.
        student_ids: Vec<String>,
        /// What goes with it, up to 20 things.
        materials: Vec<Material>,
    }
    check |this| {
        define::check_text("title", &this.title, 3000)?;
        check_description(this.description.as_deref())?;
        check_due(this.due, this.due_date.as_deref())?;
        check_state(this.state, this.scheduled_time)?;
        materials::check(this.materials.as_deref())?;
        for (at, student) in this.student_ids.iter().flatten().enumerate() {
            define::check_id(&format!("studentIds[{at}]"), student)?;
        }
        let asks = this.work_type == Some(WorkType::MultipleChoiceQuestion);
        if asks != this.choices.as_ref().is_some_and(|choices| !choices.is_empty()) {
            return Err(Error::invalid("choices", "must be there for a MULTIPLE_CHOICE_QUESTION, and for nothing else"));
        }
    }
    run |this, call| {
        let mut body = define::without(this, &["course_id", "as_user", "due", "due_date", "student_ids", "materials", "choices"])?;
        body.insert("workType".to_owned(), json!(this.work_type.unwrap_or(WorkType::Assignment)));
        put_due(&mut body, this.due, this.due_date.as_deref());
        materials::put(&mut body, this.materials.as_deref());
        if let Some(students) = &this.student_ids {
            body.insert("assigneeMode".to_owned(), json!("INDIVIDUAL_STUDENTS"));
            body.insert("individualStudentsOptions".to_owned(), json!({ "studentIds": students }));
        }
        if let Some(choices) = &this.choices {
            body.insert("multipleChoiceQuestion".to_owned(), json!({ "choices": choices }));
        }
        define::post(call, at(call, &["courses", &this.course_id, "courseWork"])?, body, Self::REPEAT).await
    }
}

operation! {
    /// Changes a piece of course work that the same client id has made: what is named is set, the rest stays.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork/patch>. Access `write`. Errors:
    /// `not_found`, `vendor` where another client id has made it.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "due": "2026-12-08T23:00:00Z"}`
    UpdateCourseWork = "updateCourseWork", Write, Always -> CourseWork,
    scopes WORK,
    discloses { "title": Content(Anyone), "description": Content(Anyone) }
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
    }
    required {}
    optional {
        /// The title.
        title: String,
        /// What is to be done.
        description: String,
        /// Whether students see it. What was published cannot become a draft again.
        state: WorkState,
        /// The most that can be reached.
        max_points: u32,
        /// The moment it is due.
        due: Timestamp,
        /// The day it is due, `YYYY-MM-DD`: until 23:59 UTC of it.
        due_date: String,
        /// When to publish it, of a `DRAFT`.
        scheduled_time: Timestamp,
        /// The topic it stands under.
        topic_id: String,
    }
    check |this| {
        if this.rest()?.is_empty() {
            return Err(Error::invalid("title", "at least one thing to change must be named"));
        }
        if let Some(title) = &this.title {
            define::check_text("title", title, 3000)?;
        }
        check_description(this.description.as_deref())?;
        check_due(this.due, this.due_date.as_deref())?;
        check_state(this.state, this.scheduled_time)?;
    }
    run |this, call| {
        let mut body = this.rest()?;
        body.remove("due");
        body.remove("dueDate");
        put_due(&mut body, this.due, this.due_date.as_deref());
        define::patch(call, at(call, &["courses", &this.course_id, "courseWork", &this.course_work_id])?, body).await
    }
}

operation! {
    /// Deletes a piece of course work that the same client id has made.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork/delete>. Access `write`.
    /// Errors: `not_found`, `vendor` where another client id has made it.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765"}`
    DeleteCourseWork = "deleteCourseWork", Write, Always -> Done,
    scopes WORK,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        define::remove_once(call, at(call, &["courses", &this.course_id, "courseWork", &this.course_work_id])?).await
    }
}

fn check_description(description: Option<&str>) -> Result<()> {
    match description {
        Some(text) if text.chars().count() > 30_000 => {
            Err(Error::invalid("description", "must have at most 30000 characters"))
        }
        _ => Ok(()),
    }
}

fn check_due(due: Option<Timestamp>, date: Option<&str>) -> Result<()> {
    match (due, date) {
        (Some(_), Some(_)) => Err(Error::invalid("dueDate", "cannot stand beside due")),
        (None, Some(date)) if date.parse::<jiff::civil::Date>().is_err() => {
            Err(Error::invalid("dueDate", "must be a day such as 2026-12-01"))
        }
        _ => Ok(()),
    }
}

/// Also of announcements.
pub(super) fn check_state(state: Option<WorkState>, scheduled: Option<Timestamp>) -> Result<()> {
    match (state, scheduled) {
        (Some(WorkState::Deleted), _) => {
            Err(Error::invalid("state", "must be DRAFT or PUBLISHED; there is a call to delete"))
        }
        (Some(WorkState::Published), Some(_)) => {
            Err(Error::invalid("scheduledTime", "is for a DRAFT; what is published now cannot be scheduled"))
        }
        _ => Ok(()),
    }
}

/// Google takes the day and the time apart, both in UTC, and refuses a day alone.
fn put_due(body: &mut Map<String, Value>, due: Option<Timestamp>, date: Option<&str>) {
    let moment = due
        .and_then(|due| jiff::Timestamp::from_microsecond(due.as_micros()).ok())
        .map(|due| jiff::tz::Offset::UTC.to_datetime(due));
    let last = || date?.parse::<jiff::civil::Date>().ok().map(|day| day.at(23, 59, 0, 0));
    let Some(moment) = moment.or_else(last) else { return };
    let day = json!({ "year": moment.year(), "month": moment.month(), "day": moment.day() });
    body.insert("dueDate".to_owned(), day);
    let time = json!({ "hours": moment.hour(), "minutes": moment.minute(), "seconds": moment.second() });
    body.insert("dueTime".to_owned(), time);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn a_moment_is_a_day_and_a_time_in_utc() {
        let mut body = Map::new();
        put_due(&mut body, Some("2026-12-01T23:30:05-05:00".parse().unwrap()), None);
        let expected = json!({
            "dueDate": { "year": 2026, "month": 12, "day": 2 },
            "dueTime": { "hours": 4, "minutes": 30, "seconds": 5 },
        });
        assert_eq!(Value::Object(body), expected);
        let mut body = Map::new();
        put_due(&mut body, None, Some("2026-12-01"));
        let expected = json!({
            "dueDate": { "year": 2026, "month": 12, "day": 1 },
            "dueTime": { "hours": 23, "minutes": 59, "seconds": 0 },
        });
        assert_eq!(Value::Object(body), expected);
    }

    #[test]
    fn what_cannot_be_course_work_is_named() {
        let good = || CreateCourseWork::new("c", "Essay");
        let moment = Timestamp::from_micros(0);
        good().validate().unwrap();
        for (work, field) in [
            (CreateCourseWork::new("c", " "), "title"),
            (good().due_date("1 December"), "dueDate"),
            (good().due(moment).due_date("2026-12-01"), "dueDate"),
            (good().state(WorkState::Published).scheduled_time(moment), "scheduledTime"),
            (good().state(WorkState::Deleted), "state"),
            (good().work_type(WorkType::MultipleChoiceQuestion), "choices"),
            (good().choices(vec!["a".to_owned()]), "choices"),
            (good().student_ids(vec!["1".to_owned(), String::new()]), "studentIds[1]"),
        ] {
            assert_eq!(work.validate().unwrap_err().field(), Some(field));
        }
    }
}
