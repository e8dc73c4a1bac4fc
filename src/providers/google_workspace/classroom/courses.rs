//! Courses. <https://developers.google.com/workspace/classroom/reference/rest/v1/courses>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::define::{self, Done, operation},
    COURSES, COURSES_READ, at,
    objects::{Course, Courses},
    squeezed,
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::Repeat,
};

/// Where a course is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum CourseState {
    /// Made, and its teacher has still to accept it; students see nothing.
    Provisioned,
    /// In use.
    Active,
    /// Over: everybody can read it, nobody change it.
    Archived,
    /// Its teacher did not want it.
    Declined,
    /// Switched off by Google or an administrator.
    Suspended,
}

operation! {
    /// Lists the courses that the acting user may see, the newest first.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses/list>. Access `read`.
    ///
    /// Example: `{"courseStates": ["ACTIVE"], "pageSize": 50}`
    ListCourses = "listCourses", Read, Always -> Courses,
    scopes COURSES_READ,
    discloses { "studentId": Identity(Student), "teacherId": Identity(Staff) }
    path {}
    required {}
    optional {
        /// Only those with this student: an id, an address, or `me`.
        student_id: String,
        /// Only those with this teacher.
        teacher_id: String,
        /// Only those in these states.
        course_states: Vec<CourseState>,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["courses"])?, &this.rest()?).await }
}

operation! {
    /// Reads a course.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses/get>. Access `read`. Errors: `not_found`,
    /// also for a course that the acting user may not see.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    GetCourse = "getCourse", Read, Always -> Course,
    scopes COURSES_READ,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {}
    run |this, call| { define::get(call, at(call, &["courses", &this.course_id])?, &this.rest()?).await }
}

operation! {
    /// Makes a course. It is `PROVISIONED` until its teacher accepts it; an administrator may make it `ACTIVE` at once.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses/create>. Access `write`. Repeated with
    /// the same alias, or the same idempotency key, it makes one: the course that has the alias is answered as it is, with
    /// `existed`. Errors: `invalid_argument`, `conflict` where what an earlier try has made has another name by now, `vendor` where the user cannot own a course.
    ///
    /// Example: `{"name": "Biology 10", "ownerId": "teacher@school.example", "alias": "d:sis-sec-123"}`
    CreateCourse = "createCourse", Write, WithKey -> Course,
    scopes COURSES,
    discloses { "ownerId": Identity(Staff), "name": Enrolment(Anyone), "description": Content(Anyone) }
    path {}
    required {
        /// The name, 1 to 750 characters.
        name: String,
        /// The teacher who owns it: an id, an address, or `me`.
        owner_id: String,
    }
    optional {
        /// The school's own id for it: `d:` and a name for the whole domain, `p:` and a name for one's own project. Without
        /// one, this library makes a `p:` alias from the idempotency key.
        alias: String,
        /// The section, such as `Period 2`.
        section: String,
        /// The room.
        room: String,
        /// The subject.
        subject: String,
        /// What stands above the description.
        description_heading: String,
        /// What the course is about.
        description: String,
        /// `PROVISIONED` (the default) or `ACTIVE`.
        course_state: CourseState,
    }
    check |this| {
        define::check_text("name", &this.name, 750)?;
        define::check_id("ownerId", &this.owner_id)?;
        check_details(this.section.as_deref(), this.room.as_deref(), this.description_heading.as_deref(), this.description.as_deref())?;
        if let Some(alias) = &this.alias {
            check_alias(alias)?;
        }
        if !matches!(this.course_state, None | Some(CourseState::Provisioned | CourseState::Active)) {
            return Err(Error::invalid("courseState", "must be PROVISIONED or ACTIVE for a new course"));
        }
    }
    run |this, call| {
        let alias = this.alias.clone().unwrap_or_else(|| format!("p:sis-{}", call.vendor_key("")));
        let mut body = this.rest()?;
        body.remove("alias");
        body.insert("id".to_owned(), json!(alias));
        let request = call.post(at(call, &["courses"])?).json(&Value::Object(body));
        let found = async {
            let course: Course = define::read(call, at(call, &["courses", &alias])?).await?;
            // An alias of ours stands for what an earlier try of this call has made, and for nothing else.
            if this.alias.is_none() && course.name.as_deref().map(squeezed) != Some(squeezed(&this.name)) {
                let id = course.id.unwrap_or_default();
                let why = "an earlier try has made this course, and its name was changed since";
                let why = format!("{why} ({id}); another course needs another idempotency key");
                return Err(Error::new(ErrorCode::Conflict, why));
            }
            Ok(Course { existed: Some(this.alias.is_some()), ..course })
        };
        // All else that the request names is new.
        define::made_or_found(call, request, Repeat::WithKey, found).await.map_err(|error| match error.code() {
            ErrorCode::NotFound => error.with_field("ownerId"),
            _ => error,
        })
    }
}

operation! {
    /// Changes a course: what is named is set, the rest stays.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses/patch>. Access `write`. Errors:
    /// `not_found`, `vendor` where the course cannot be changed in the state it is in.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "room": "301"}`
    UpdateCourse = "updateCourse", Write, Always -> Course,
    scopes COURSES,
    discloses { "ownerId": Identity(Staff), "name": Enrolment(Anyone), "description": Content(Anyone) }
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {
        /// The name.
        name: String,
        /// The section.
        section: String,
        /// The room.
        room: String,
        /// The subject.
        subject: String,
        /// What stands above the description.
        description_heading: String,
        /// What the course is about.
        description: String,
        /// Another owner, who must be a teacher of the course already.
        owner_id: String,
        /// Another state. Students can be told of nothing but an `ACTIVE` one.
        course_state: CourseState,
    }
    check |this| {
        if this.rest()?.is_empty() {
            return Err(Error::invalid("name", "at least one thing to change must be named"));
        }
        if let Some(name) = &this.name {
            define::check_text("name", name, 750)?;
        }
        check_details(this.section.as_deref(), this.room.as_deref(), this.description_heading.as_deref(), this.description.as_deref())?;
    }
    run |this, call| { define::patch(call, at(call, &["courses", &this.course_id])?, this.rest()?).await }
}

operation! {
    /// Archives a course: everybody can read it, nobody change it. `updateCourse` with `ACTIVE` brings it back.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses/patch>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    ArchiveCourse = "archiveCourse", Write, Always -> Course,
    scopes COURSES,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let archived = Map::from_iter([("courseState".to_owned(), json!(CourseState::Archived))]);
        define::patch(call, at(call, &["courses", &this.course_id])?, archived).await
    }
}

operation! {
    /// Deletes a course for good. Google wants it archived before.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses/delete>. Access `manage`. Errors:
    /// `not_found`, `vendor` where it is not archived.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    DeleteCourse = "deleteCourse", Manage, Always -> Done,
    scopes COURSES,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
    }
    required {}
    optional {}
    run |this, call| { define::remove(call, at(call, &["courses", &this.course_id])?).await }
}

fn check_alias(alias: &str) -> Result<()> {
    let good = matches!(alias.split_once(':'), Some(("d" | "p", name)) if !name.is_empty())
        && alias.chars().count() <= 256
        && !alias.contains(char::is_control);
    if good {
        Ok(())
    } else {
        Err(Error::invalid("alias", "must begin with d: or p:, and have at most 256 characters"))
    }
}

/// Google's lengths; an empty text takes what was there away.
fn check_details(
    section: Option<&str>,
    room: Option<&str>,
    heading: Option<&str>,
    description: Option<&str>,
) -> Result<()> {
    for (field, text, most) in [
        ("section", section, 2800),
        ("room", room, 650),
        ("descriptionHeading", heading, 3600),
        ("description", description, 30_000),
    ] {
        if text.is_some_and(|text| text.chars().count() > most) {
            return Err(Error::invalid(field, format!("must have at most {most} characters")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn what_cannot_be_a_course_is_named() {
        let good = || CreateCourse::new("Biology 10", "teacher@school.example");
        good().alias("d:sis-sec-123").validate().unwrap();
        for (course, field) in [
            (CreateCourse::new("", "me"), "name"),
            (CreateCourse::new("x".repeat(751), "me"), "name"),
            (CreateCourse::new("Biology", ""), "ownerId"),
            (good().alias("sis-sec-123"), "alias"),
            (good().alias("d:"), "alias"),
            (good().room("x".repeat(651)), "room"),
            (good().course_state(CourseState::Archived), "courseState"),
            (good().as_user("nobody"), "asUser"),
        ] {
            assert_eq!(course.validate().unwrap_err().field(), Some(field));
        }
        assert_eq!(GetCourse::new("..").validate().unwrap_err().field(), Some("courseId"));
        assert_eq!(UpdateCourse::new("1").validate().unwrap_err().field(), Some("name"));
    }
}
