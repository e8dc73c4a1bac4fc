//! Who is in a class, and who teaches it. <https://learn.microsoft.com/graph/api/resources/educationuser>
//!
//! Graph counts a class's teachers among its members as well.

use serde_json::{Value, json};

use super::{
    Microsoft365,
    batch::{self, Outcomes},
    check,
    education::{READS, WRITES},
    graph::{Done, Graph, already},
    wire::{list, object, operation},
};
use crate::{
    error::{ErrorCode, Result},
    providers::Call,
    transport::{Method, Repeat},
};

object! {
    /// A person as the school knows them.
    EducationUser {
        /// `student`, `teacher` or `faculty`.
        primary_role: String,
        /// The name that others see.
        display_name: String,
        /// The given name.
        given_name: String,
        /// The surname.
        surname: String,
        /// The mail address.
        mail: String,
        /// What they sign in with.
        user_principal_name: String,
        /// Of a student: number, grade, birth date.
        student: Value,
        /// Of a teacher: number.
        teacher: Value,
    }
}

list! {
    /// Lists who is in a class: its students, and its teachers too.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-list-members>. Access `read`. Application or delegated:
    /// `EduRoster.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014"}`
    ListClassMembers = "listClassMembers" -> EducationUser,
    scopes READS, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
    }
    required {}
    optional {}
    at |this, call| Graph::root(call), &["education", "classes", &this.class_id, "members"], Vec::new()
}

list! {
    /// Lists who teaches a class.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-list-teachers>. Access `read`. Application or delegated:
    /// `EduRoster.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014"}`
    ListClassTeachers = "listClassTeachers" -> EducationUser,
    scopes READS, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
    }
    required {}
    optional {}
    at |this, call| Graph::root(call), &["education", "classes", &this.class_id, "teachers"], Vec::new()
}

operation! {
    /// Adds a student to a class; one who is in it already stays so.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-post-members>. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "userId": "8a8c…"}`
    AddClassMember = "addClassMember", Manage, Always -> Done,
    scopes WRITES, Application,
    discloses { "userId": Enrolment(Student) }
    by {
        /// The class's id.
        class_id: String,
        /// The student's id.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| { add(call, &this.class_id, "members", this.user_id).await }
}

operation! {
    /// Adds many students to a class, each for themselves: one who is unknown does not keep the others back.
    ///
    /// <https://learn.microsoft.com/graph/json-batching>, twenty at a time. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Answers what became of each; who is in the class already is `done`.
    ///
    /// Example: `{"classId": "11014", "userIds": ["8a8c…", "9b1d…"]}`
    AddClassMembers = "addClassMembers", Manage, Always -> Outcomes,
    scopes WRITES, Application,
    discloses { "userIds": Enrolment(Student) }
    by {
        /// The class's id.
        class_id: String,
    }
    required {
        /// The students' ids, at most 1000.
        user_ids: Vec<String>,
    }
    optional {}
    within 300
    check |this| {
        check::some("userIds", &this.user_ids, 1000)?;
        check::ids("userIds", &this.user_ids)?;
    }
    run |this, call| {
        let path = ["education", "classes", &this.class_id, "members", "$ref"];
        batch::refer(&Graph::root(call), &path, &["education", "users"], &this.user_ids, "userIds").await
    }
}

operation! {
    /// Makes somebody a teacher of a class; one who is already stays so.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-post-teachers>. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "userId": "8a8c…"}`
    AddClassTeacher = "addClassTeacher", Manage, Always -> Done,
    scopes WRITES, Application,
    discloses { "userId": Identity(Staff) }
    by {
        /// The class's id.
        class_id: String,
        /// The teacher's id.
        user_id: String,
    }
    required {}
    optional {}
    run |this, call| { add(call, &this.class_id, "teachers", this.user_id).await }
}

operation! {
    /// Takes somebody out of a class: a student, or a teacher, who is then neither teacher nor member.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-delete-members>. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "userId": "8a8c…"}`
    RemoveClassMember = "removeClassMember", Manage, Always -> Done,
    scopes WRITES, Application,
    discloses { "userId": Enrolment(Anyone) }
    by {
        /// The class's id.
        class_id: String,
        /// Their id.
        user_id: String,
    }
    required {}
    optional {
        /// Whether they teach it. Default: no.
        teacher: bool,
    }
    run |this, call| {
        let graph = Graph::root(call).below(&["education", "classes", &this.class_id]);
        if this.teacher == Some(true) {
            // A first try may have come this far.
            match graph.remove(Method::Delete, &["teachers", &this.user_id, "$ref"], None).await {
                Err(error) if error.code() != ErrorCode::NotFound => return Err(error),
                _ => {}
            }
        }
        graph.remove(Method::Delete, &["members", &this.user_id, "$ref"], None).await?;
        Ok(Done::of(this.user_id))
    }
}

async fn add(call: &Call<'_, Microsoft365>, class: &str, among: &str, user: String) -> Result<Done> {
    let body = json!({ "@odata.id": Graph::reference(&["education", "users", &user])? });
    let path = ["education", "classes", class, among, "$ref"];
    already(Graph::root(call).act(Method::Post, &path, Some(&body), Repeat::Always).await)?;
    Ok(Done::of(user))
}
