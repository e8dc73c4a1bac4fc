//! Invitations to courses. <https://developers.google.com/workspace/classroom/reference/rest/v1/invitations>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, Done, operation},
    },
    ROSTERS, ROSTERS_READ, at,
    objects::{Invitation, Invitations},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Repeat,
};

/// As what somebody is asked to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum CourseRole {
    /// A student.
    Student,
    /// A teacher.
    Teacher,
    /// The owner in place of who is: only a teacher of the course.
    Owner,
}

operation! {
    /// Asks somebody to join a course; Google writes to them.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/invitations/create>. Access `send`. There is but
    /// one invitation of a person to a course: where there is one already, it is answered. Errors: `not_found`, `conflict`
    /// for who is in the course already.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "userId": "student@school.example", "role": "STUDENT"}`
    InviteToCourse = "inviteToCourse", Send, WithKey -> Invitation,
    scopes ROSTERS,
    discloses { "userId": Identity(Anyone) }
    path {}
    required {
        /// The course's id or alias.
        course_id: String,
        /// Who: an id or an address.
        user_id: String,
        /// As what.
        role: CourseRole,
    }
    optional {}
    check |this| {
        define::check_id("courseId", &this.course_id)?;
        define::check_id("userId", &this.user_id)?;
    }
    run |this, call| {
        let invitations = at(call, &["invitations"])?;
        let request = call.post(invitations.clone()).json(&Value::Object(this.rest()?));
        let found = async {
            let whose = json!({ "courseId": this.course_id, "userId": this.user_id });
            let whose = whose.as_object().cloned().unwrap_or_default();
            let page: Invitations = define::get(call, invitations, &whose).await?;
            let role = json!(this.role);
            page.invitations.into_iter().find(|invitation| invitation.role.as_deref() == role.as_str()).ok_or_else(|| {
                Error::new(ErrorCode::Conflict, "the person is in the course already, or is asked to join as something else")
                    .with_field("userId")
            })
        };
        match define::made_or_found(call, request, Repeat::WithKey, found).await {
            // Of one who is in the course Classroom says no more than that it cannot be.
            Err(error) if define::is_done_before(&error) && is_member(call, &this.course_id, &this.user_id).await => {
                let why = "the person is in the course already; another role needs removing them first";
                let known = Error::new(ErrorCode::Conflict, why).with_field("userId");
                Err(error.vendor().cloned().map_or(known.clone(), |vendor| known.with_vendor(vendor)))
            }
            outcome => outcome,
        }
    }
}

async fn is_member(call: &Call<'_, GoogleWorkspace>, course: &str, user: &str) -> bool {
    for role in ["students", "teachers"] {
        let Ok(url) = at(call, &["courses", course, role, user]) else { continue };
        if define::read::<Value>(call, url).await.is_ok() {
            return true;
        }
    }
    false
}

operation! {
    /// Lists the invitations of a course, or of a person: one of the two must be named.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/invitations/list>. Access `read`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    ListInvitations = "listInvitations", Read, Always -> Invitations,
    scopes ROSTERS_READ,
    discloses { "userId": Identity(Anyone) }
    path {}
    required {}
    optional {
        /// The course's id or alias.
        course_id: String,
        /// Who: an id, an address, or `me`.
        user_id: String,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| {
        check_one_of(this.course_id.as_deref(), this.user_id.as_deref())?;
        define::check_page("pageSize", this.page_size, 500)?;
    }
    run |this, call| { define::get(call, at(call, &["invitations"])?, &this.rest()?).await }
}

operation! {
    /// Takes an invitation back.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/invitations/delete>. Access `write`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"invitationId": "NjQyNTI1"}`
    DeleteInvitation = "deleteInvitation", Write, Always -> Done,
    scopes ROSTERS,
    discloses {}
    path {
        /// The invitation's id.
        invitation_id: String,
    }
    required {}
    optional {}
    run |this, call| { define::remove(call, at(call, &["invitations", &this.invitation_id])?).await }
}

operation! {
    /// Accepts an invitation, as the person who was asked (`asUser`).
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/invitations/accept>. Access `write`. An
    /// invitation is used up by this: a repetition answers `not_found`. Errors: `not_found`, `vendor` where the course is
    /// full or cannot be changed.
    ///
    /// Example: `{"invitationId": "NjQyNTI1", "asUser": "student@school.example"}`
    AcceptInvitation = "acceptInvitation", Write, Never -> Done,
    scopes ROSTERS,
    acting Student,
    discloses {}
    path {
        /// The invitation's id.
        invitation_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let verb = format!("{}:accept", this.invitation_id);
        let request = call.post(at(call, &["invitations", &verb])?);
        match call.send_as(request.clone(), Repeat::Never).await {
            // The first try has used the invitation up, or the second does.
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                let response = call.exchange(request, Repeat::Always).await?;
                match response.status {
                    200..=299 | 404 => Ok(Done { done: true }),
                    _ => Err(call.refusal(&response)),
                }
            }
            result => result.map(|_| Done { done: true }),
        }
    }
}

fn check_one_of(course: Option<&str>, user: Option<&str>) -> Result<()> {
    match (course, user) {
        (None, None) => Err(Error::invalid("courseId", "is required where there is no userId")),
        (course, user) => {
            course.map_or(Ok(()), |course| define::check_id("courseId", course))?;
            user.map_or(Ok(()), |user| define::check_id("userId", user))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn a_list_is_of_a_course_or_of_a_person() {
        assert_eq!(ListInvitations::new().validate().unwrap_err().field(), Some("courseId"));
        assert_eq!(ListInvitations::new().user_id("").validate().unwrap_err().field(), Some("userId"));
        ListInvitations::new().user_id("me").validate().unwrap();
    }
}
