//! What a class is given to do. <https://learn.microsoft.com/graph/api/resources/educationassignment>

use serde_json::{Value, json};

use super::{
    channels::ContentType,
    check,
    graph::{Graph, query, quoted},
    wire::{list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat, oauth::Scopes},
};

pub(super) const BASIC: Scopes = &[&[
    "EduAssignments.ReadBasic",
    "EduAssignments.Read",
    "EduAssignments.ReadWriteBasic",
    "EduAssignments.ReadWrite",
    "EduAssignments.ReadBasic.All",
    "EduAssignments.Read.All",
    "EduAssignments.ReadWriteBasic.All",
    "EduAssignments.ReadWrite.All",
]];
const WRITES: Scopes = &[&[
    "EduAssignments.ReadWriteBasic",
    "EduAssignments.ReadWrite",
    "EduAssignments.ReadWriteBasic.All",
    "EduAssignments.ReadWrite.All",
]];

object! {
    /// Something a class is given to do.
    Assignment {
        /// Its name.
        display_name: String,
        /// What is to be done.
        instructions: Value,
        /// `draft`, `published`, `assigned` or `inactive`.
        status: String,
        /// The class.
        class_id: String,
        /// How it is graded: `maxPoints`.
        grading: Value,
        /// When it is due.
        due_date_time: String,
        /// Until when it can be handed in.
        close_date_time: String,
        /// When it was given.
        assigned_date_time: String,
        /// Its page.
        web_url: String,
    }
}

impl Assignment {
    /// What it can bring, where it is graded by points.
    pub(super) fn max_points(&self) -> Option<f64> {
        self.grading.as_ref()?.get("maxPoints")?.as_f64()
    }
}

pub(super) fn of_class<'a>(graph: Graph<'a>, class: &str) -> Graph<'a> {
    graph.below(&["education", "classes", class, "assignments"]).in_every_word()
}

list! {
    /// Lists what a class was given to do.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-list-assignments>. Access `read`. Application or
    /// delegated: `EduAssignments.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014"}`
    ListAssignments = "listAssignments" -> Assignment,
    scopes BASIC, Any,
    discloses { "filter": Identity(Anyone) }
    by {
        /// The class's id.
        class_id: String,
    }
    required {}
    optional {
        /// A filter in OData, such as `status eq 'assigned'`.
        filter: String,
    }
    at |this, call| of_class(Graph::root(call), &this.class_id), &[], query(&[("$filter", this.filter.as_deref())])
}

operation! {
    /// Reads one assignment.
    ///
    /// <https://learn.microsoft.com/graph/api/educationassignment-get>. Access `read`. Application or delegated:
    /// `EduAssignments.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…"}`
    GetAssignment = "getAssignment", Read, Always -> Assignment,
    scopes BASIC, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
        /// The assignment's id.
        assignment_id: String,
    }
    required {}
    optional {}
    run |this, call| { of_class(Graph::root(call), &this.class_id).get(&[&this.assignment_id], &[]).await }
}

operation! {
    /// Makes an assignment for the whole class, as a draft or published at once.
    ///
    /// <https://learn.microsoft.com/graph/api/educationclass-post-assignments>,
    /// <https://learn.microsoft.com/graph/api/educationassignment-publish>. Access `write`. Application or delegated:
    /// `EduAssignments.ReadWrite`. Takes steps: if it fails half-way, the error holds the assignment's id, and the call
    /// repeated with the same idempotency key goes on and makes no second one. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "displayName": "Cells", "instructions": "Read chapter 3", "dueDateTime": "2026-12-10T16:00:00Z", "maxPoints": 20, "publish": true}`
    CreateAssignment = "createAssignment", Write, WithKey -> Assignment,
    scopes WRITES, Any,
    discloses { "displayName": Content(Student), "instructions": Content(Student), "dueDateTime": Schedule(Student) }
    by {
        /// The class's id.
        class_id: String,
    }
    required {
        /// Its name.
        display_name: String,
    }
    optional {
        /// What is to be done.
        instructions: String,
        /// `text` or `html`. Default: text.
        content_type: ContentType,
        /// When it is due, such as `2026-12-10T16:00:00Z`; needed to publish it.
        due_date_time: String,
        /// Until when it can be handed in.
        close_date_time: String,
        /// What it can bring; without it, it is not graded by points.
        max_points: f64,
        /// Whether it can be handed in late.
        allow_late_submissions: bool,
        /// Whether the students see it at once. Default: no, it stays a draft.
        publish: bool,
    }
    steps ["before", "create", "publish"]
    within 60
    check |this| {
        check::text("displayName", &this.display_name, 255)?;
        let due = check::some_moment("dueDateTime", &this.due_date_time)?;
        let close = check::some_moment("closeDateTime", &this.close_date_time)?;
        if let (Some(due), Some(close)) = (due, close)
            && close < due
        {
            return Err(Error::invalid("closeDateTime", "must not be before dueDateTime"));
        }
        if this.publish == Some(true) && due.is_none() {
            return Err(Error::invalid("dueDateTime", "is required to publish it"));
        }
        if this.max_points.is_some_and(|points| !(points > 0.0 && points <= 1_000_000.0)) {
            return Err(Error::invalid("maxPoints", "must be more than 0"));
        }
    }
    run |this, call| {
        let graph = of_class(Graph::root(call), &this.class_id);
        let before: Vec<String> = call.step("before", async |_| named(&graph, &this.display_name).await).await?;
        let come = async || -> Result<Option<String>> {
            let now = named(&graph, &this.display_name).await?;
            Ok(now.into_iter().find(|id| !before.contains(id)))
        };
        let id: String = call.step("create", async |begun| {
            if begun && let Some(id) = come().await? {
                return Ok(id);
            }
            match graph.make::<Assignment>(Method::Post, &[], &this.body(), Repeat::Never).await {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => match come().await {
                    Ok(Some(id)) => Ok(id),
                    _ => Err(error),
                },
                made => made.map(|assignment| assignment.id.unwrap_or_default()),
            }
        }).await?;
        if this.publish == Some(true) {
            call.step("publish", async |_| publish(&graph, &id).await.map(|()| true)).await?;
        }
        graph.get(&[&id], &[]).await
    }
}

impl CreateAssignment {
    fn body(&self) -> Value {
        let mut body = json!({
            "displayName": self.display_name,
            "assignTo": { "@odata.type": "#microsoft.graph.educationAssignmentClassRecipient" },
        });
        if let Some(text) = &self.instructions {
            let kind = self.content_type.unwrap_or(ContentType::Text);
            body["instructions"] = json!({ "content": text, "contentType": kind });
        }
        if let Some(points) = self.max_points {
            let kind = "#microsoft.graph.educationAssignmentPointsGradeType";
            body["grading"] = json!({ "@odata.type": kind, "maxPoints": points });
        }
        let times = [("dueDateTime", &self.due_date_time), ("closeDateTime", &self.close_date_time)];
        for (name, time) in times {
            if let Some(time) = time {
                body[name] = json!(time);
            }
        }
        if let Some(late) = self.allow_late_submissions {
            body["allowLateSubmissions"] = json!(late);
        }
        body
    }
}

/// The ids of the class's assignments of that name.
async fn named(graph: &Graph<'_>, name: &str) -> Result<Vec<String>> {
    let filter = [("$filter", format!("displayName eq {}", quoted(name)))];
    let assignments: Vec<Assignment> = graph.all(&[], &filter).await?;
    let ours = assignments.into_iter().filter(|assignment| assignment.display_name.as_deref() == Some(name));
    Ok(ours.filter_map(|assignment| assignment.id).collect())
}

/// Microsoft publishes in the background: `published` becomes `assigned` by itself.
async fn publish(graph: &Graph<'_>, id: &str) -> Result<()> {
    let reached = async {
        let now: Assignment = graph.get(&[id], &[]).await?;
        Ok(now.status.is_some_and(|status| status != "draft"))
    };
    graph.advance(&[id, "publish"], reached).await
}

operation! {
    /// Gives an assignment to the class: a draft becomes visible. One that was given already stays so.
    ///
    /// <https://learn.microsoft.com/graph/api/educationassignment-publish>. Access `write`. Application or delegated:
    /// `EduAssignments.ReadWrite`. Errors: `not_found`, `vendor` for one without a due date.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…"}`
    PublishAssignment = "publishAssignment", Write, Always -> Assignment,
    scopes WRITES, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
        /// The assignment's id.
        assignment_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let graph = of_class(Graph::root(call), &this.class_id);
        publish(&graph, &this.assignment_id).await?;
        graph.get(&[&this.assignment_id], &[]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn an_assignment_that_cannot_be_names_why() {
        let new = || CreateAssignment::new("c", "Cells");
        for (assignment, field) in [
            (new().publish(true), "dueDateTime"),
            (new().due_date_time("tomorrow"), "dueDateTime"),
            (new().due_date_time("2026-12-10T16:00:00Z").close_date_time("2026-12-09T16:00:00Z"), "closeDateTime"),
            (new().max_points(0.0), "maxPoints"),
            (CreateAssignment::new("c", " "), "displayName"),
            (CreateAssignment::new("a/b", "x"), "classId"),
        ] {
            assert_eq!(assignment.validate().unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn points_are_read_from_the_grading() {
        let of = |grading: Value| Assignment { grading: Some(grading), ..Assignment::default() }.max_points();
        assert_eq!(of(json!({ "maxPoints": 20 })), Some(20.0));
        assert_eq!(of(Value::Null), None);
    }
}
