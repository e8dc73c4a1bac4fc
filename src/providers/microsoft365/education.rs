//! Schools and classes. <https://learn.microsoft.com/graph/api/resources/education-overview>
//!
//! Classes are an application's to make and to fill: Microsoft has no permission by which a person could.

use serde_json::{Map, Value};

use super::{
    check,
    graph::{Done, Graph, body, changes, found, query, quoted},
    wire::{list, object, operation},
};
use crate::{
    error::{ErrorCode, Result},
    transport::{Method, Repeat, oauth::Scopes},
};

/// What reads schools and classes.
pub(super) const READ: &[&str] = &[
    "EduRoster.ReadBasic",
    "EduRoster.Read",
    "EduRoster.ReadBasic.All",
    "EduRoster.Read.All",
    "EduRoster.ReadWrite.All",
];
pub(super) const READS: Scopes = &[READ];
pub(super) const WRITES: Scopes = &[&["EduRoster.ReadWrite.All"]];

object! {
    /// A school.
    School {
        /// Its name.
        display_name: String,
        /// The school's own id.
        external_id: String,
        /// Its number.
        school_number: String,
        /// Its lowest grade.
        lowest_grade: String,
        /// Its highest grade.
        highest_grade: String,
        /// Its principal.
        principal_name: String,
        /// Where it is.
        address: Value,
    }
}

object! {
    /// A class. Its id is its group's, and its team's.
    EducationClass {
        /// Its name.
        display_name: String,
        /// What stands before the `@` of its mail address.
        mail_nickname: String,
        /// What it is about.
        description: String,
        /// The code that people know it by.
        class_code: String,
        /// Its name in the school's own system.
        external_name: String,
        /// Its id in the school's own system.
        external_id: String,
        /// Where that comes from.
        external_source: String,
        /// The course it is of.
        course: Map<String, Value>,
        /// Its grade.
        grade: String,
        /// When it is.
        term: Map<String, Value>,
    }
}

list! {
    /// Lists the schools.
    ///
    /// <https://learn.microsoft.com/graph/api/educationschool-list>. Access `read`. Application or delegated:
    /// `EduRoster.ReadBasic`.
    ///
    /// Example: `{}`
    ListSchools = "listSchools" -> School,
    scopes READS, Any,
    discloses {}
    by {}
    required {}
    optional {}
    at |this, call| Graph::root(call), &["education", "schools"], Vec::new()
}

list! {
    /// Lists the classes.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-list>. Access `read`. Application or delegated:
    /// `EduRoster.ReadBasic`.
    ///
    /// Example: `{"externalId": "11014"}`
    ListClasses = "listClasses" -> EducationClass,
    scopes READS, Any,
    discloses { "filter": Identity(Anyone) }
    by {}
    required {}
    optional {
        /// Only that with this id in the school's own system.
        external_id: String,
        /// A filter in OData. Not beside `externalId`.
        filter: String,
    }
    check |this| {
        check::some_text("externalId", &this.external_id, 255)?;
        if this.external_id.is_some() && this.filter.is_some() {
            return Err(crate::Error::invalid("filter", "cannot stand beside externalId"));
        }
    }
    at |this, call| Graph::root(call), &["education", "classes"], {
        let external = this.external_id.as_deref().map(|id| format!("externalId eq {}", quoted(id)));
        query(&[("$filter", external.as_deref().or(this.filter.as_deref()))])
    }
}

operation! {
    /// Reads one class.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-get>. Access `read`. Application or delegated:
    /// `EduRoster.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014"}`
    GetClass = "getClass", Read, Always -> EducationClass,
    scopes READS, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
    }
    required {}
    optional {}
    run |this, call| { Graph::root(call).get(&["education", "classes", &this.class_id], &[]).await }
}

operation! {
    /// Makes a class. It becomes a team by `createTeamFromClass`. If the answer was lost, the call repeated with the
    /// same idempotency key finds the class by its mail nickname, and makes no second one.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-post>. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Errors: `conflict` where the nickname is taken.
    ///
    /// Example: `{"displayName": "Biology 7b", "mailNickname": "biology-7b", "externalId": "11014"}`
    CreateClass = "createClass", Manage, WithKey -> EducationClass,
    scopes WRITES, Application,
    discloses {}
    by {}
    required {
        /// Its name.
        display_name: String,
        /// What stands before the `@` of its mail address: once in the directory, and without spaces.
        mail_nickname: String,
    }
    optional {
        /// What it is about.
        description: String,
        /// The code that people know it by.
        class_code: String,
        /// Its name in the school's own system.
        external_name: String,
        /// Its id in the school's own system.
        external_id: String,
        /// `sis`, `manual` or `lms`: where that comes from.
        external_source: String,
        /// Its grade.
        grade: String,
        /// The course it is of, as Graph's `educationCourse`.
        course: Map<String, Value>,
        /// When it is, as Graph's `educationTerm`.
        term: Map<String, Value>,
    }
    steps ["create"]
    check |this| {
        check::text("displayName", &this.display_name, 255)?;
        check::id("mailNickname", &this.mail_nickname)?;
    }
    run |this, call| {
        let graph = Graph::root(call).below(&["education", "classes"]);
        let body = body(&this, &[])?;
        let id: String = call.step("create", async |begun| {
            if begun && let Some(id) = nicknamed(&graph, &this.mail_nickname).await? {
                return Ok(id);
            }
            match graph.make::<EducationClass>(Method::Post, &[], &body, Repeat::Never).await {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                    found(nicknamed(&graph, &this.mail_nickname).await, error)
                }
                made => made.map(|class| class.id.unwrap_or_default()),
            }
        }).await?;
        graph.get_soon(&[&id]).await
    }
}

/// The class with that mail nickname. Not every directory filters by it: what comes is looked at.
async fn nicknamed(graph: &Graph<'_>, nickname: &str) -> Result<Option<String>> {
    let filter = [("$filter", format!("mailNickname eq {}", quoted(nickname)))];
    let classes: Vec<EducationClass> = graph.all(&[], &filter).await?;
    let ours = classes.into_iter().find(|class| class.mail_nickname.as_deref() == Some(nickname));
    Ok(ours.and_then(|class| class.id))
}

operation! {
    /// Changes a class: what is given is set, the rest stays.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-update>. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "displayName": "Biology 8b"}`
    UpdateClass = "updateClass", Manage, Always -> Done,
    scopes WRITES, Application,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
    }
    required {}
    optional {
        /// Its name.
        display_name: String,
        /// What it is about.
        description: String,
        /// The code that people know it by.
        class_code: String,
        /// Its name in the school's own system.
        external_name: String,
        /// Its id in the school's own system.
        external_id: String,
        /// Its grade.
        grade: String,
    }
    check |this| { check::some_text("displayName", &this.display_name, 255)?; }
    run |this, call| {
        let changes = changes(&this, &["classId"])?;
        let path = ["education", "classes", &this.class_id];
        Graph::root(call).act(Method::Patch, &path, Some(&changes), Repeat::Always).await?;
        Ok(Done::of(this.class_id))
    }
}

operation! {
    /// Deletes a class, with its group, its team and what is in them. Microsoft keeps the group for 30 days.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-delete>. Access `manage`. Application only:
    /// `EduRoster.ReadWrite.All`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014"}`
    DeleteClass = "deleteClass", Manage, Always -> Done,
    scopes WRITES, Application,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        Graph::root(call).remove(Method::Delete, &["education", "classes", &this.class_id], None).await?;
        Ok(Done::of(this.class_id))
    }
}

impl Graph<'_> {
    /// Reads what was just made: the directory may not know it everywhere yet, so that not found is asked again.
    pub(super) async fn get_soon<T: serde::de::DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        let mut tries = 0;
        loop {
            match self.get(path, &[]).await {
                Err(error) if error.code() == ErrorCode::NotFound && tries < 4 => {
                    tries += 1;
                    self.call.runtime().sleep(std::time::Duration::from_millis(500 << tries)).await;
                }
                got => return got,
            }
        }
    }
}
