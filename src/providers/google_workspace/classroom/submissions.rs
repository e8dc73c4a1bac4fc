//! What students have done of course work.
//! <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, operation},
    },
    OWN_WORK, SUBMISSIONS_READ, WORK, at,
    objects::{Submission, Submissions},
};
use crate::{error::Result, providers::Call, transport::Repeat};

/// How far a student's work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum SubmissionState {
    /// Never opened.
    New,
    /// Begun.
    Created,
    /// Handed in.
    TurnedIn,
    /// Given back to the student.
    Returned,
    /// Taken back by the student after it was handed in.
    ReclaimedByStudent,
}

/// Whether a submission is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Late {
    /// Only what is late.
    LateOnly,
    /// Only what is not.
    NotLateOnly,
}

operation! {
    /// Lists what students have done of a piece of course work, or of all of a course (`-`).
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/list>.
    /// Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "states": ["TURNED_IN"]}`
    ListSubmissions = "listSubmissions", Read, Always -> Submissions,
    scopes SUBMISSIONS_READ,
    discloses { "userId": Identity(Student) }
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id, or `-` for all of the course.
        course_work_id: String,
    }
    required {}
    optional {
        /// Only of this student: an id, an address, or `me`.
        user_id: String,
        /// Only those in these states.
        states: Vec<SubmissionState>,
        /// Only what is late, or what is not.
        late: Late,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, submissions(call, &this.course_id, &this.course_work_id, &[])?, &this.rest()?).await }
}

operation! {
    /// Reads what a student has done of a piece of course work.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/get>.
    /// Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "submissionId": "Cg4I"}`
    GetSubmission = "getSubmission", Read, Always -> Submission,
    scopes SUBMISSIONS_READ,
    discloses {}
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
        /// The submission's id.
        submission_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let address = submissions(call, &this.course_id, &this.course_work_id, &[&this.submission_id])?;
        define::get(call, address, &this.rest()?).await
    }
}

/// What moves a submission from one state to another.
macro_rules! transition {
    ($(#[$about:meta])* $name:ident = $wire:literal, $scopes:ident, as $acting:ident, $verb:literal to $state:literal) => {
        operation! {
            $(#[$about])*
            $name = $wire, Write, WithKey -> Submission,
            scopes $scopes,
            acting $acting,
            discloses {}
            path {
                /// The course's id or alias.
                course_id: String,
                /// The course work's id.
                course_work_id: String,
                /// The submission's id.
                submission_id: String,
            }
            required {}
            optional {}
            run |this, call| {
                let which = [this.course_id.as_str(), &this.course_work_id, &this.submission_id];
                move_to(call, which, $verb, $state).await
            }
        }
    };
}

transition! {
    /// Gives a student's work back to them: they see the mark, and can work on it again. A mark that only teachers see
    /// (`draftGrade`) stays so.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/return>.
    /// Access `write`. Only with the client id that made the course work. Errors: `not_found`, `vendor`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "submissionId": "Cg4I"}`
    ReturnSubmission = "returnSubmission", WORK, as Staff, "return" to "RETURNED"
}

transition! {
    /// Hands a student's work in, as the student (`asUser`).
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/turnIn>.
    /// Access `write`. Only with the client id that made the course work. Errors: `not_found`, `vendor`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "submissionId": "Cg4I", "asUser": "student@school.example"}`
    TurnInSubmission = "turnInSubmission", OWN_WORK, as Student, "turnIn" to "TURNED_IN"
}

transition! {
    /// Takes a student's work back after it was handed in, as the student (`asUser`).
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/reclaim>.
    /// Access `write`. Only with the client id that made the course work. Errors: `not_found`, `vendor`, `vendor`
    /// where it was not handed in.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "submissionId": "Cg4I", "asUser": "student@school.example"}`
    ReclaimSubmission = "reclaimSubmission", OWN_WORK, as Student, "reclaim" to "RECLAIMED_BY_STUDENT"
}

/// The address of the submissions of some course work, or of one of them.
pub(super) fn submissions(
    call: &Call<'_, GoogleWorkspace>,
    course: &str,
    work: &str,
    which: &[&str],
) -> Result<url::Url> {
    at(call, &[&["courses", course, "courseWork", work, "studentSubmissions"], which].concat())
}

/// Moves a submission to another state. Google refuses what is in that state already, and so would it refuse the repetition
/// of a try whose answer was lost: in both cases it is where it should be.
pub(super) async fn move_to(
    call: &Call<'_, GoogleWorkspace>,
    [course, work, submission]: [&str; 3],
    verb: &str,
    state: &str,
) -> Result<Submission> {
    let acted = submissions(call, course, work, &[&format!("{submission}:{verb}")])?;
    let request = call.post(acted).json(&Value::Object(Map::new()));
    let response = call.exchange(request, Repeat::WithKey).await?;
    if !matches!(response.status, 200..=299 | 400 | 409) {
        return Err(call.refusal(&response));
    }
    let now: Submission = define::read(call, submissions(call, course, work, &[submission])?).await?;
    if (200..300).contains(&response.status) || now.state.as_deref() == Some(state) {
        Ok(now)
    } else {
        Err(call.refusal(&response))
    }
}
