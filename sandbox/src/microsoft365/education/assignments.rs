//! Assignments: drafts until they are published, and then in everyone's hands.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, items, merge, needed, text};
use super::super::error::GraphError;
use super::super::filter;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use super::submissions;
use crate::exchange::Answer;

const ASSIGNMENTS: Listing<'_> = Listing::new("education/classes('id')/assignments").size(20);
/// Whom an assignment goes to unless it says.
const EVERYONE: &str = "#microsoft.graph.educationAssignmentClassRecipient";
const SOME: &str = "#microsoft.graph.educationAssignmentIndividualRecipient";
/// What only the service itself writes.
const READ_ONLY: &[&str] = &["status", "classId", "createdDateTime", "createdBy", "assignedDateTime", "webUrl"];

pub(super) fn route(context: &mut Context<'_>, class: &str, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => context.list(Kind::Assignment, class, &ASSIGNMENTS),
        (Method::POST, []) => create(context, class),
        (_, [id, rest @ ..]) => {
            let row = context.world.table.get(Kind::Assignment, class, id).cloned();
            of_assignment(context, &row.ok_or_else(GraphError::not_found)?, rest)
        }
        _ => Err(GraphError::no_route()),
    }
}

fn of_assignment(context: &mut Context<'_>, row: &Row, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => context.one(row.value.clone(), &ASSIGNMENTS),
        (Method::PATCH, []) => {
            let mut assignment = row.value.clone();
            merge(&mut assignment, &writable(context.body()?));
            check(&assignment)?;
            put(context, row, assignment)
        }
        (Method::DELETE, []) => {
            context.world.table.remove(Kind::Assignment, &row.parent, &row.id);
            context.world.table.clear_under(Kind::Submission, &row.id);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::POST, ["publish"]) => publish(context, row),
        (_, ["submissions", rest @ ..]) => submissions::route(context, row, rest),
        _ => Err(GraphError::no_route()),
    }
}

fn put(context: &mut Context<'_>, row: &Row, assignment: Value) -> Outcome {
    let changed = context.world.table.change(Kind::Assignment, &row.parent, &row.id);
    changed.ok_or_else(GraphError::not_found)?.value = assignment.clone();
    context.whole(StatusCode::OK, ASSIGNMENTS.set, assignment)
}

fn writable(mut given: Value) -> Value {
    if let Some(fields) = given.as_object_mut() {
        fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    }
    given
}

fn check(assignment: &Value) -> Result<(), GraphError> {
    needed(assignment, "displayName").map_err(|_| GraphError::bad("'displayName' is required."))?;
    for name in ["dueDateTime", "closeDateTime", "assignDateTime"] {
        if text(assignment, name).is_some_and(|text| filter::moment(text).is_none()) {
            return Err(GraphError::bad(format!("'{name}' is not valid.")));
        }
    }
    match assignment.get("grading").filter(|grading| grading.is_object()) {
        Some(grading) if text(grading, "@odata.type").is_none() => {
            Err(GraphError::bad("The grading needs an '@odata.type'."))
        }
        _ => Ok(()),
    }
}

fn create(context: &mut Context<'_>, class: &str) -> Outcome {
    let body = context.body()?;
    check(&body)?;
    let (now, id) = (context.now(), context.world.guid());
    let identity = context.identity();
    let mut assignment = json!({
        "allowLateSubmissions": true,
        "allowStudentsToAddResourcesToSubmission": true,
        "assignTo": { "@odata.type": EVERYONE },
        "addedStudentAction": "none",
        "addToCalendarAction": "none",
        "grading": null,
        "instructions": null,
        "dueDateTime": null,
        "closeDateTime": null,
        "assignDateTime": null,
    });
    merge(&mut assignment, &writable(body));
    assignment["id"] = json!(id);
    assignment["classId"] = json!(class);
    assignment["status"] = json!("draft");
    assignment["createdDateTime"] = json!(now);
    assignment["lastModifiedDateTime"] = json!(now);
    assignment["assignedDateTime"] = Value::Null;
    assignment["createdBy"] = identity.clone();
    assignment["lastModifiedBy"] = identity;
    assignment["webUrl"] = json!(format!("https://teams.microsoft.com/l/entity/assignments/{id}"));
    context.world.add(Kind::Assignment, class, assignment.clone());
    context.whole(StatusCode::CREATED, ASSIGNMENTS.set, assignment)
}

/// The answer still says `published`; whoever reads it next finds it `assigned`.
fn publish(context: &mut Context<'_>, row: &Row) -> Outcome {
    if text(&row.value, "status") != Some("draft") {
        return Err(GraphError::bad("Only a draft can be published."));
    }
    if text(&row.value, "dueDateTime").is_none() {
        return Err(GraphError::bad("An assignment needs a due date to be published."));
    }
    let recipients = recipients(context, row)?;
    for student in recipients {
        submissions::add(context, row, &student);
    }
    let now = context.now();
    let mut assignment = row.value.clone();
    assignment["status"] = json!("assigned");
    assignment["assignedDateTime"] = json!(now);
    let changed = context.world.table.change(Kind::Assignment, &row.parent, &row.id);
    changed.ok_or_else(GraphError::not_found)?.value = assignment.clone();
    assignment["status"] = json!("published");
    context.whole(StatusCode::OK, ASSIGNMENTS.set, assignment)
}

/// The students whom an assignment goes to.
fn recipients(context: &Context<'_>, row: &Row) -> Result<Vec<String>, GraphError> {
    let to = row.value.get("assignTo").cloned().unwrap_or_default();
    match text(&to, "@odata.type") {
        Some(SOME) => Ok(items(&to, "recipients").iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Some(EVERYONE) | None => {
            let table = &context.world.table;
            let members = table.under(Kind::GroupMember, &row.parent);
            let students = members.filter(|member| table.get(Kind::ClassTeacher, &row.parent, &member.id).is_none());
            Ok(students.map(|member| member.id.clone()).collect())
        }
        Some(_) => Err(GraphError::bad("The kind of recipient is not known.")),
    }
}
