//! Classroom: courses and who is in them, course work and marks, announcements, topics, guardians.
//! <https://developers.google.com/workspace/classroom/reference/rest>
//!
//! A course is named by its id or by an alias (`d:…` in the domain, `p:…` in the Google Cloud project), a person by id, by
//! address, or by `me`. Course work and marks can only be changed with the client id of the Google Cloud project that made
//! the course work.

mod courses;
mod enrol;
mod grade;
mod guardians;
mod invitations;
mod materials;
mod objects;
mod people;
mod posts;
pub(super) mod refusals;
mod submissions;
mod work;

pub use courses::{ArchiveCourse, CourseState, CreateCourse, DeleteCourse, GetCourse, ListCourses, UpdateCourse};
pub use enrol::AddStudents;
pub use grade::{Grade, GradeSubmission, GradeSubmissions};
pub use guardians::{
    InvitationState, InviteGuardian, ListGuardianInvitations, ListGuardians, RemoveGuardian, WithdrawGuardianInvitation,
};
pub use invitations::{AcceptInvitation, CourseRole, DeleteInvitation, InviteToCourse, ListInvitations};
pub use materials::{DriveMaterial, Material, ShareMode};
pub use objects::{
    Announcement, Announcements, Course, CourseWork, CourseWorks, Courses, Guardian, GuardianInvitation,
    GuardianInvitations, Guardians, Invitation, Invitations, Student, Students, Submission, Submissions, Teacher,
    Teachers, Topic, Topics, UserProfile,
};
pub use people::{AddStudent, AddTeacher, GetUserProfile, ListStudents, ListTeachers, RemoveStudent, RemoveTeacher};
pub use posts::{CreateAnnouncement, CreateTopic, DeleteAnnouncement, ListAnnouncements, ListTopics};
pub use submissions::{
    GetSubmission, Late, ListSubmissions, ReclaimSubmission, ReturnSubmission, SubmissionState, TurnInSubmission,
};
pub use work::{
    CreateCourseWork, DeleteCourseWork, GetCourseWork, ListCourseWork, UpdateCourseWork, WorkState, WorkType,
};

use url::Url;

use super::{GoogleWorkspace, batch::Endpoint, define::scope, wire::host};
use crate::{
    error::Result,
    operations,
    providers::{Call, OperationSpec},
    transport::oauth::Scopes,
};

/// Classroom takes 50 requests in one.
const BATCH: Endpoint = Endpoint { host: host::CLASSROOM, path: &["batch"], most: 50 };

const COURSES: Scopes = &[&[scope!("classroom.courses")]];
const COURSES_READ: Scopes = &[&[scope!("classroom.courses.readonly"), scope!("classroom.courses")]];
const ROSTERS: Scopes = &[&[scope!("classroom.rosters")]];
const ROSTERS_READ: Scopes = &[&[scope!("classroom.rosters.readonly"), scope!("classroom.rosters")]];
const WORK: Scopes = &[&[scope!("classroom.coursework.students")]];
const WORK_READ: Scopes = &[&[
    scope!("classroom.coursework.students.readonly"),
    scope!("classroom.coursework.students"),
    scope!("classroom.coursework.me.readonly"),
    scope!("classroom.coursework.me"),
]];
const SUBMISSIONS_READ: Scopes = &[&[
    scope!("classroom.student-submissions.students.readonly"),
    scope!("classroom.coursework.students.readonly"),
    scope!("classroom.coursework.students"),
    scope!("classroom.student-submissions.me.readonly"),
    scope!("classroom.coursework.me.readonly"),
    scope!("classroom.coursework.me"),
]];
const OWN_WORK: Scopes = &[&[scope!("classroom.coursework.me")]];
const ANNOUNCEMENTS: Scopes = &[&[scope!("classroom.announcements")]];
const ANNOUNCEMENTS_READ: Scopes = &[&[scope!("classroom.announcements.readonly"), scope!("classroom.announcements")]];
const TOPICS: Scopes = &[&[scope!("classroom.topics")]];
const TOPICS_READ: Scopes = &[&[scope!("classroom.topics.readonly"), scope!("classroom.topics")]];
const GUARDIANS: Scopes = &[&[scope!("classroom.guardianlinks.students")]];
const GUARDIANS_READ: Scopes =
    &[&[scope!("classroom.guardianlinks.students.readonly"), scope!("classroom.guardianlinks.students")]];

/// The address of something in Classroom.
fn at(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::CLASSROOM, &[&["v1"], path].concat())
}

/// A name as Google keeps it: with single spaces.
fn squeezed(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What can be done in Classroom.
pub(super) fn operations() -> Vec<OperationSpec> {
    operations![
        ListCourses,
        GetCourse,
        CreateCourse,
        UpdateCourse,
        ArchiveCourse,
        DeleteCourse,
        ListStudents,
        ListTeachers,
        AddStudent,
        AddStudents,
        AddTeacher,
        RemoveStudent,
        RemoveTeacher,
        GetUserProfile,
        InviteToCourse,
        ListInvitations,
        DeleteInvitation,
        AcceptInvitation,
        ListCourseWork,
        GetCourseWork,
        CreateCourseWork,
        UpdateCourseWork,
        DeleteCourseWork,
        ListSubmissions,
        GetSubmission,
        GradeSubmission,
        GradeSubmissions,
        ReturnSubmission,
        TurnInSubmission,
        ReclaimSubmission,
        CreateAnnouncement,
        ListAnnouncements,
        DeleteAnnouncement,
        ListTopics,
        CreateTopic,
        ListGuardians,
        InviteGuardian,
        ListGuardianInvitations,
        WithdrawGuardianInvitation,
        RemoveGuardian,
    ]
}
