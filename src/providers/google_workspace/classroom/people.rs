//! Who is in a course. <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.students>

use super::{
    super::define::{self, Done, operation},
    ROSTERS, ROSTERS_READ, at,
    objects::{Student, Students, Teacher, Teachers, UserProfile},
};
use crate::transport::Repeat;

/// The four things that are done to students and teachers alike.
macro_rules! roster {
    (
        $segment:literal, $whose:ident,
        list $(#[$list_about:meta])* $list:ident = $list_name:literal -> $page:ty,
        add $(#[$add_about:meta])* $add:ident = $add_name:literal -> $one:ty,
        remove $(#[$remove_about:meta])* $remove:ident = $remove_name:literal,
    ) => {
        operation! {
            $(#[$list_about])*
            $list = $list_name, Read, Always -> $page,
            scopes ROSTERS_READ,
            discloses {}
            path {
                /// The course's id or alias.
                course_id: String,
            }
            required {}
            optional {
                /// How many on a page; Google's default is 30.
                page_size: u32,
                /// The `nextPageToken` of the page before.
                page_token: String,
            }
            check |this| { define::check_page("pageSize", this.page_size, 500)?; }
            run |this, call| { define::get(call, at(call, &["courses", &this.course_id, $segment])?, &this.rest()?).await }
        }

        operation! {
            $(#[$add_about])*
            $add = $add_name, Write, Always -> $one,
            scopes ROSTERS,
            discloses { "userId": Identity($whose) }
            path {
                /// The course's id or alias.
                course_id: String,
            }
            required {
                /// Who: an id or an address.
                user_id: String,
            }
            optional {}
            check |this| { define::check_id("userId", &this.user_id)?; }
            run |this, call| {
                let list = at(call, &["courses", &this.course_id, $segment])?;
                let request = call.post(list).json(&this.rest()?.into());
                let found = async {
                    let one = at(call, &["courses", &this.course_id, $segment, &this.user_id])?;
                    define::read(call, one).await
                };
                define::made_or_found(call, request, Repeat::Always, found).await
            }
        }

        operation! {
            $(#[$remove_about])*
            $remove = $remove_name, Write, Always -> Done,
            scopes ROSTERS,
            discloses { "userId": Identity($whose) }
            path {
                /// The course's id or alias.
                course_id: String,
                /// Who: an id or an address.
                user_id: String,
            }
            required {}
            optional {}
            run |this, call| {
                define::remove(call, at(call, &["courses", &this.course_id, $segment, &this.user_id])?).await
            }
        }
    };
}

roster! {
    "students", Student,
    list
    /// Lists the students of a course.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.students/list>. Access `read`. Addresses
    /// are there with the scope `classroom.profile.emails` alone. Errors: `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "pageSize": 100}`
    ListStudents = "listStudents" -> Students,
    add
    /// Puts a student into a course. Only an administrator of the domain can, and only somebody of the domain; others are
    /// asked by `inviteToCourse`.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.students/create>. Access `write`.
    /// Who is in the course already, stays. Errors: `not_found`, `vendor` where the course is full or cannot be changed.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "userId": "student@school.example"}`
    AddStudent = "addStudent" -> Student,
    remove
    /// Takes a student out of a course.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.students/delete>. Access `write`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "userId": "student@school.example"}`
    RemoveStudent = "removeStudent",
}

roster! {
    "teachers", Staff,
    list
    /// Lists the teachers of a course.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.teachers/list>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123"}`
    ListTeachers = "listTeachers" -> Teachers,
    add
    /// Makes somebody a teacher of a course. Only an administrator of the domain can; others use `inviteToCourse`.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.teachers/create>. Access `write`.
    /// Who is a teacher already, stays one. Errors: `not_found`, `conflict` for a student of the course.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "userId": "teacher@school.example"}`
    AddTeacher = "addTeacher" -> Teacher,
    remove
    /// Takes a teacher out of a course; its owner cannot be.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.teachers/delete>. Access `write`.
    /// Errors: `not_found`, `vendor` for the owner.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "userId": "teacher@school.example"}`
    RemoveTeacher = "removeTeacher",
}

operation! {
    /// Reads who somebody is in Classroom.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/userProfiles/get>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"userId": "student@school.example"}`
    GetUserProfile = "getUserProfile", Read, Always -> UserProfile,
    scopes ROSTERS_READ,
    discloses { "userId": Identity(Anyone) }
    path {
        /// Who: an id, an address, or `me`.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| { define::get(call, at(call, &["userProfiles", &this.user_id])?, &this.rest()?).await }
}
