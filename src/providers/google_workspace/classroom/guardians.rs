//! Guardians of students. <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles.guardians>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::define::{self, Done, operation},
    GUARDIANS, GUARDIANS_READ, at,
    objects::{GuardianInvitation, GuardianInvitations, Guardians},
};
use crate::{
    error::{Error, ErrorCode},
    transport::Repeat,
};

/// Whether a guardian's invitation is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum InvitationState {
    /// It is.
    Pending,
    /// It was accepted, turned down, taken back, or has lapsed.
    Complete,
}

operation! {
    /// Lists the guardians of a student, or of all (`-`, as an administrator).
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles.guardians/list>. Access `read`.
    /// Errors: `not_found`, `vendor`.
    ///
    /// Example: `{"studentId": "student@school.example"}`
    ListGuardians = "listGuardians", Read, Always -> Guardians,
    scopes GUARDIANS_READ,
    discloses { "studentId": Identity(Student), "invitedEmailAddress": Contact(Guardian) }
    path {
        /// The student: an id, an address, `me`, or `-` for all.
        student_id: String,
    }
    required {}
    optional {
        /// Only those who were invited by this address.
        invited_email_address: String,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["userProfiles", &this.student_id, "guardians"])?, &this.rest()?).await }
}

operation! {
    /// Asks a guardian to follow a student; Google writes to them, and they have 120 days to accept.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles.guardianInvitations/create>.
    /// Access `send`. Where the same address is invited already, that invitation is answered, and no second mail goes out.
    /// Errors: `not_found`, `conflict` for who is a guardian already, `vendor` at `invitedEmailAddress` above the most guardians
    /// of a student.
    ///
    /// Example: `{"studentId": "student@school.example", "invitedEmailAddress": "parent@example.com"}`
    InviteGuardian = "inviteGuardian", Send, WithKey -> GuardianInvitation,
    scopes GUARDIANS,
    discloses { "studentId": Identity(Student), "invitedEmailAddress": Contact(Guardian) }
    path {
        /// The student: an id or an address.
        student_id: String,
    }
    required {
        /// The guardian's address.
        invited_email_address: String,
    }
    optional {}
    check |this| { define::check_address("invitedEmailAddress", &this.invited_email_address)?; }
    run |this, call| {
        let invitations = at(call, &["userProfiles", &this.student_id, "guardianInvitations"])?;
        let request = call.post(invitations.clone()).json(&Value::Object(this.rest()?));
        let found = async {
            let query = Map::from_iter([
                ("invitedEmailAddress".to_owned(), json!(this.invited_email_address)),
                ("states".to_owned(), json!(["PENDING"])),
            ]);
            let page: GuardianInvitations = define::get(call, invitations, &query).await?;
            page.guardian_invitations.into_iter().next().ok_or_else(|| {
                Error::new(ErrorCode::Conflict, "this address is a guardian of the student already")
                    .with_field("invitedEmailAddress")
            })
        };
        define::made_or_found(call, request, Repeat::WithKey, found).await.map_err(|error| match error.vendor().cloned() {
            Some(vendor) if vendor.status == 429 && error.code() == ErrorCode::Vendor => {
                let why = "the student has, or has asked, as many guardians as one can have; remove one, or withdraw an \
                           invitation, first";
                Error::new(ErrorCode::Vendor, why).with_field("invitedEmailAddress").with_vendor(vendor)
            }
            _ => error,
        })
    }
}

operation! {
    /// Lists the invitations of a student's guardians, or of all (`-`, as an administrator).
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles.guardianInvitations/list>. Access
    /// `read`. Errors: `not_found`, `vendor`.
    ///
    /// Example: `{"studentId": "student@school.example", "states": ["PENDING"]}`
    ListGuardianInvitations = "listGuardianInvitations", Read, Always -> GuardianInvitations,
    scopes GUARDIANS_READ,
    discloses { "studentId": Identity(Student), "invitedEmailAddress": Contact(Guardian) }
    path {
        /// The student: an id, an address, or `-` for all.
        student_id: String,
    }
    required {}
    optional {
        /// Only those to this address.
        invited_email_address: String,
        /// Only those in these states; Google's default is `PENDING`.
        states: Vec<InvitationState>,
        /// How many on a page.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| {
        define::get(call, at(call, &["userProfiles", &this.student_id, "guardianInvitations"])?, &this.rest()?).await
    }
}

operation! {
    /// Takes a guardian's invitation back.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles.guardianInvitations/patch>. Access
    /// `manage`. Errors: `not_found`, `vendor` where it is not pending.
    ///
    /// Example: `{"studentId": "student@school.example", "invitationId": "gi-1"}`
    WithdrawGuardianInvitation = "withdrawGuardianInvitation", Manage, Always -> GuardianInvitation,
    scopes GUARDIANS,
    discloses { "studentId": Identity(Student) }
    path {
        /// The student: an id or an address.
        student_id: String,
        /// The invitation's id.
        invitation_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let invitation = at(call, &["userProfiles", &this.student_id, "guardianInvitations", &this.invitation_id])?;
        let complete = json!({ "state": InvitationState::Complete });
        let request = call.patch(invitation.clone()).query("updateMask", "state").json(&complete);
        match define::write(call, request.clone(), Repeat::Never).await {
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => {}
            first => return first,
        }
        match define::write(call, request, Repeat::Always).await {
            // The first try has withdrawn it: Google takes back none that is not pending.
            Err(error) if define::is_done_before(&error) => {
                let there: GuardianInvitation = define::read(call, invitation).await?;
                if there.state.as_deref() == Some("COMPLETE") { Ok(there) } else { Err(error) }
            }
            second => second,
        }
    }
}

operation! {
    /// Ends it that a guardian follows a student. They get no more summaries, and see nothing of the student any longer.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles.guardians/delete>. Access `manage`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"studentId": "student@school.example", "guardianId": "117500"}`
    RemoveGuardian = "removeGuardian", Manage, Always -> Done,
    scopes GUARDIANS,
    discloses { "studentId": Identity(Student) }
    path {
        /// The student: an id or an address.
        student_id: String,
        /// The guardian's id.
        guardian_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        define::remove(call, at(call, &["userProfiles", &this.student_id, "guardians", &this.guardian_id])?).await
    }
}
