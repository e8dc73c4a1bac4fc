//! Why Classroom refuses: its messages begin with a name, such as `@CourseNotModifiable`.
//! <https://developers.google.com/workspace/classroom/reference/Access.Errors>

use crate::error::ErrorCode;

/// A refusal of Classroom's that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Named {
    /// The name, without `@`.
    pub(in super::super) name: &'static str,
    /// Our code for it.
    pub(in super::super) code: ErrorCode,
    /// What it means, and how to mend it.
    pub(in super::super) words: &'static str,
    /// The argument at fault, where there is one.
    pub(in super::super) field: Option<&'static str>,
}

const fn named(name: &'static str, code: ErrorCode, words: &'static str, field: Option<&'static str>) -> Named {
    Named { name, code, words, field }
}

use ErrorCode::{Conflict, InvalidArgument, NotConfigured, Vendor};

const ALL: &[Named] = &[
    named(
        "AttachmentNotVisible",
        InvalidArgument,
        "a file among the materials is not there, or the acting user may not see it; share it with them first",
        Some("materials"),
    ),
    named(
        "CannotDirectAddUser",
        InvalidArgument,
        "only somebody of the school's own domain can be put into a course; ask others with inviteToCourse",
        Some("userId"),
    ),
    named(
        "CannotRemoveCourseFolderOwner",
        Vendor,
        "the teacher owns the course's folder in Drive; give the folder another owner first",
        None,
    ),
    named(
        "CannotRemoveCourseOwner",
        Vendor,
        "the teacher owns the course; give the course another owner first, with inviteToCourse as OWNER",
        None,
    ),
    named(
        "ClassroomApiDisabled",
        NotConfigured,
        "an administrator has switched Classroom's API off for the acting user; the Google Admin console switches it on",
        None,
    ),
    named("ClassroomDisabled", NotConfigured, "the acting user has no access to Classroom", None),
    named(
        "CourseMemberLimitReached",
        Vendor,
        "the course has as many members as a course can have; take somebody out first",
        None,
    ),
    named(
        "CourseNotModifiable",
        Conflict,
        "the course cannot be changed in the state it is in; make it ACTIVE with updateCourse first",
        None,
    ),
    named(
        "CourseTeacherLimitReached",
        Vendor,
        "the course has as many teachers as a course can have; take somebody out first",
        None,
    ),
    named("CourseTitleCannotContainUrl", InvalidArgument, "must not have an address of a page in it", Some("name")),
    named("CourseTopicLimitReached", Vendor, "the course has as many topics as a course can have", None),
    named(
        "InactiveCourseOwner",
        Vendor,
        "the owner of the course can no longer sign in; give the course another owner first",
        None,
    ),
    named("IneligibleOwner", InvalidArgument, "must be a teacher of the course already", Some("ownerId")),
    named(
        "PendingInvitationExists",
        Conflict,
        "somebody is asked to own the course already; delete that invitation first",
        None,
    ),
    named(
        "ProjectPermissionDenied",
        Vendor,
        "it was made with the client id of another Google Cloud project, or by hand, and only that can change it",
        None,
    ),
    named(
        "UserCannotOwnCourse",
        InvalidArgument,
        "may not own a course; the administrator must make them a teacher (the group Classroom Teachers)",
        Some("ownerId"),
    ),
    named(
        "UserGroupsMembershipLimitReached",
        Vendor,
        "the person is in as many courses and groups as one can be in; take them out of some first",
        Some("userId"),
    ),
];

/// The refusal that a message names.
pub(in super::super) fn of(message: &str) -> Option<&'static Named> {
    let name = message.strip_prefix('@')?;
    let end = name.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(name.len());
    let name = name.get(..end)?;
    ALL.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_reason() {
        assert_eq!(of("@CourseNotModifiable The course is archived.").unwrap().code, Conflict);
        assert_eq!(of("@UserCannotOwnCourse").unwrap().field, Some("ownerId"));
        for other in ["", "@", "CourseNotModifiable", "@SomethingNew x", "@Ünal"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
