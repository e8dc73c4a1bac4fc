//! What Classroom answers with. Values are Google's; what is not named here is in `more`.

use serde_json::Value;

use super::{
    super::define::{object, page},
    courses::ListCourses,
    guardians::{ListGuardianInvitations, ListGuardians},
    invitations::ListInvitations,
    people::{ListStudents, ListTeachers},
    posts::{ListAnnouncements, ListTopics},
    submissions::ListSubmissions,
    work::ListCourseWork,
};

object! {
    /// A course: one class with its teachers and students.
    Course {
        /// Google's id.
        id: String,
        /// The name, such as `Biology 10`.
        name: String,
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
        /// The id of the teacher who owns it.
        owner_id: String,
        /// `PROVISIONED`, `ACTIVE`, `ARCHIVED`, `DECLINED` or `SUSPENDED`.
        course_state: String,
        /// With this students can join by themselves.
        enrollment_code: String,
        /// Where the course is in the browser.
        alternate_link: String,
        /// The group of all teachers, for permissions on files.
        teacher_group_email: String,
        /// The group of all members, for permissions on files.
        course_group_email: String,
        /// The folder in Drive that the teachers share; made some time after the course.
        teacher_folder: Value,
        /// The course's calendar; made some time after the course.
        calendar_id: String,
        /// Whether guardians get summaries.
        guardians_enabled: bool,
        /// When it was made.
        creation_time: String,
        /// When it was last changed.
        update_time: String,
        /// Of `createCourse`: whether a course with this alias was there already, and is answered as it is.
        existed: bool,
    }

    /// A person, as Classroom shows them.
    UserProfile {
        /// Google's id.
        id: String,
        /// `givenName`, `familyName`, `fullName`.
        name: Value,
        /// The address; only with the scope `classroom.profile.emails`.
        email_address: String,
        /// Where their picture is; only with the scope `classroom.profile.photos`.
        photo_url: String,
        /// Whether the domain's administrator has said that this is a teacher.
        verified_teacher: bool,
    }

    /// A student of a course.
    Student {
        /// The course's id.
        course_id: String,
        /// The student's id.
        user_id: String,
        /// Who it is.
        profile: UserProfile,
    }

    /// A teacher of a course.
    Teacher {
        /// The course's id.
        course_id: String,
        /// The teacher's id.
        user_id: String,
        /// Who it is.
        profile: UserProfile,
    }

    /// Somebody is asked to join a course.
    Invitation {
        /// Google's id.
        id: String,
        /// The course's id.
        course_id: String,
        /// Who is asked: an id.
        user_id: String,
        /// `STUDENT`, `TEACHER` or `OWNER`.
        role: String,
    }

    /// A piece of work that students are given.
    CourseWork {
        /// Google's id.
        id: String,
        /// The course's id.
        course_id: String,
        /// The title.
        title: String,
        /// What is to be done.
        description: String,
        /// What goes with it.
        materials: Vec<Value>,
        /// `DRAFT`, `PUBLISHED` or `DELETED`.
        state: String,
        /// Where it is in the browser.
        alternate_link: String,
        /// The day it is due, `year`, `month`, `day`, in UTC.
        due_date: Value,
        /// The time of that day, `hours` and `minutes`, in UTC.
        due_time: Value,
        /// When it is to be published.
        scheduled_time: String,
        /// The most that can be reached; none where it is not marked.
        max_points: f64,
        /// `ASSIGNMENT`, `SHORT_ANSWER_QUESTION` or `MULTIPLE_CHOICE_QUESTION`.
        work_type: String,
        /// The topic it stands under.
        topic_id: String,
        /// `ALL_STUDENTS` or `INDIVIDUAL_STUDENTS`.
        assignee_mode: String,
        /// Whether the client id in use may change it and mark it: only that of the project that made it may.
        associated_with_developer: bool,
        /// Who made it.
        creator_user_id: String,
        /// When it was made.
        creation_time: String,
        /// When it was last changed.
        update_time: String,
    }

    /// What one student has done of a piece of course work.
    Submission {
        /// Google's id.
        id: String,
        /// The course's id.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
        /// The student's id.
        user_id: String,
        /// `NEW`, `CREATED`, `TURNED_IN`, `RETURNED` or `RECLAIMED_BY_STUDENT`.
        state: String,
        /// Whether it is late.
        late: bool,
        /// The mark; the student sees it once the work is returned.
        assigned_grade: f64,
        /// A mark that only teachers see.
        draft_grade: f64,
        /// Where it is in the browser.
        alternate_link: String,
        /// What was handed in.
        assignment_submission: Value,
        /// What happened to it.
        submission_history: Vec<Value>,
        /// Whether the client id in use may mark it.
        associated_with_developer: bool,
        /// When it was made.
        creation_time: String,
        /// When it was last changed.
        update_time: String,
    }

    /// A notice to a course.
    Announcement {
        /// Google's id.
        id: String,
        /// The course's id.
        course_id: String,
        /// The text.
        text: String,
        /// `DRAFT`, `PUBLISHED` or `DELETED`.
        state: String,
        /// Where it is in the browser.
        alternate_link: String,
        /// When it is to be published.
        scheduled_time: String,
        /// Who made it.
        creator_user_id: String,
        /// When it was made.
        creation_time: String,
        /// When it was last changed.
        update_time: String,
    }

    /// A heading that course work stands under.
    Topic {
        /// Google's id.
        topic_id: String,
        /// The course's id.
        course_id: String,
        /// The name.
        name: String,
        /// When it was last changed.
        update_time: String,
    }

    /// A guardian of a student, who has accepted.
    Guardian {
        /// The student's id.
        student_id: String,
        /// The guardian's id.
        guardian_id: String,
        /// Who it is.
        guardian_profile: UserProfile,
        /// The address that was invited.
        invited_email_address: String,
    }

    /// A guardian is asked to follow a student.
    GuardianInvitation {
        /// Google's id.
        invitation_id: String,
        /// The student's id.
        student_id: String,
        /// The address that was invited.
        invited_email_address: String,
        /// `PENDING` or `COMPLETE`.
        state: String,
        /// When it was sent.
        creation_time: String,
    }
}

page! {
    /// A page of courses.
    Courses { courses: Course } for ListCourses
}
page! {
    /// A page of students.
    Students { students: Student } for ListStudents
}
page! {
    /// A page of teachers.
    Teachers { teachers: Teacher } for ListTeachers
}
page! {
    /// A page of invitations.
    Invitations { invitations: Invitation } for ListInvitations
}
page! {
    /// A page of course work.
    CourseWorks { course_work: CourseWork } for ListCourseWork
}
page! {
    /// A page of submissions.
    Submissions { student_submissions: Submission } for ListSubmissions
}
page! {
    /// A page of announcements.
    Announcements { announcements: Announcement } for ListAnnouncements
}
page! {
    /// A page of topics.
    Topics { topic: Topic } for ListTopics
}
page! {
    /// A page of guardians.
    Guardians { guardians: Guardian } for ListGuardians
}
page! {
    /// A page of guardians' invitations.
    GuardianInvitations { guardian_invitations: GuardianInvitation } for ListGuardianInvitations
}
