//! Submissions: what students hand in, and what they get back for it.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use super::super::world::World;

const SUBMISSIONS: Listing<'_> = Listing::new("education/classes('id')/assignments('id')/submissions")
    .size(20)
    .expanded(&["outcomes"])
    .late(&[("status", &["reassigned", "excused"])]);
const OUTCOMES: Listing<'_> = Listing::new("education/classes('id')/assignments('id')/submissions('id')/outcomes");
const POINTS: &str = "#microsoft.graph.educationPointsOutcome";
const FEEDBACK: &str = "#microsoft.graph.educationFeedbackOutcome";

pub(super) fn route(context: &mut Context<'_>, assignment: &Row, path: &[&str]) -> Outcome {
    let user = context.user().map(str::to_owned);
    if let (Method::GET, []) = (context.method().clone(), path) {
        let rows = context.world.table.under(Kind::Submission, &assignment.id);
        let own = rows.filter(|row| sees(context, assignment, row, user.as_deref()));
        let submissions = own.map(|row| with_outcomes(context, row)).collect();
        return context.page(submissions, &SUBMISSIONS);
    }
    let [id, rest @ ..] = path else {
        return Err(GraphError::no_route());
    };
    let row = context.world.table.get(Kind::Submission, &assignment.id, id).cloned();
    let row = row.filter(|row| sees(context, assignment, row, user.as_deref())).ok_or_else(GraphError::not_found)?;
    match (context.method().clone(), rest) {
        (Method::GET, []) => context.one(with_outcomes(context, &row), &SUBMISSIONS),
        (Method::POST, ["submit"]) => {
            let user = user.filter(|user| is_of(&row, user));
            let user = user.ok_or_else(|| GraphError::of_status(StatusCode::FORBIDDEN))?;
            let now = context.now();
            hand_in(context.world, &assignment.id, &user, &now);
            whole(context, &row)
        }
        (Method::POST, ["return"]) => {
            publish(context, &row);
            stamp(context, &row, "returned");
            whole(context, &row)
        }
        (Method::POST, ["reassign"]) => {
            publish(context, &row);
            stamp(context, &row, "reassigned");
            whole(context, &row)
        }
        (Method::GET, ["outcomes"]) => context.list(Kind::Outcome, &row.id, &OUTCOMES),
        (Method::PATCH, ["outcomes", outcome]) => patch(context, assignment, &row, outcome),
        _ => Err(GraphError::no_route()),
    }
}

/// The app and teachers see all submissions, a student the own.
fn sees(context: &Context<'_>, assignment: &Row, row: &Row, user: Option<&str>) -> bool {
    user.is_none_or(|user| {
        context.world.table.get(Kind::ClassTeacher, &assignment.parent, user).is_some() || is_of(row, user)
    })
}

fn is_of(row: &Row, user: &str) -> bool {
    row.value.pointer("/recipient/userId").and_then(Value::as_str) == Some(user)
}

fn with_outcomes(context: &Context<'_>, row: &Row) -> Value {
    let mut submission = row.value.clone();
    submission["outcomes"] = context.world.table.under(Kind::Outcome, &row.id).map(|row| row.value.clone()).collect();
    submission
}

fn whole(context: &Context<'_>, row: &Row) -> Outcome {
    let row = context.world.table.get(Kind::Submission, &row.parent, &row.id).ok_or_else(GraphError::not_found)?;
    let submission = context.worded(row.value.clone(), &SUBMISSIONS)?;
    context.whole(StatusCode::OK, SUBMISSIONS.set, submission)
}

/// Gives a student a submission to work on, with the outcomes that the grading asks for.
pub(super) fn add(context: &mut Context<'_>, assignment: &Row, student: &str) {
    let id = context.world.guid();
    let submission = json!({
        "id": id,
        "assignmentId": assignment.id,
        "status": "working",
        "recipient": { "@odata.type": "#microsoft.graph.educationSubmissionUserRecipient", "userId": student },
        "submittedDateTime": null,
        "submittedBy": null,
        "returnedDateTime": null,
        "returnedBy": null,
        "reassignedDateTime": null,
        "reassignedBy": null,
        "resourcesFolderUrl": null,
        "webUrl": format!("https://teams.microsoft.com/l/entity/submissions/{id}"),
    });
    context.world.add(Kind::Submission, &assignment.id, submission);
    let feedback =
        json!({ "@odata.type": FEEDBACK, "id": context.world.guid(), "feedback": null, "publishedFeedback": null });
    context.world.add(Kind::Outcome, &id, feedback);
    if max_points(assignment).is_some() {
        let points =
            json!({ "@odata.type": POINTS, "id": context.world.guid(), "points": null, "publishedPoints": null });
        context.world.add(Kind::Outcome, &id, points);
    }
}

fn max_points(assignment: &Row) -> Option<f64> {
    assignment.value.pointer("/grading/maxPoints").and_then(Value::as_f64)
}

/// Hands a student's work in; false if there is none.
pub(in super::super) fn hand_in(world: &mut World, assignment: &str, student: &str, now: &str) -> bool {
    let row = world.table.under(Kind::Submission, assignment).find(|row| is_of(row, student)).map(|row| row.id.clone());
    let Some(row) = row.and_then(|id| world.table.change(Kind::Submission, assignment, &id)) else {
        return false;
    };
    row.value["status"] = json!("submitted");
    row.value["submittedDateTime"] = json!(now);
    row.value["submittedBy"] = json!({ "user": { "id": student } });
    true
}

fn stamp(context: &mut Context<'_>, row: &Row, status: &str) {
    let (now, identity) = (context.now(), context.identity());
    if let Some(row) = context.world.table.change(Kind::Submission, &row.parent, &row.id) {
        row.value["status"] = json!(status);
        row.value[format!("{status}DateTime")] = json!(now);
        row.value[format!("{status}By")] = identity;
    }
}

/// Shows the student what has been noted so far.
fn publish(context: &mut Context<'_>, row: &Row) {
    let outcomes: Vec<String> = context.world.table.under(Kind::Outcome, &row.id).map(|row| row.id.clone()).collect();
    for id in outcomes {
        if let Some(outcome) = context.world.table.change(Kind::Outcome, &row.id, &id) {
            for (noted, published) in [("points", "publishedPoints"), ("feedback", "publishedFeedback")] {
                if let Some(value) = outcome.value.get(noted).cloned() {
                    outcome.value[published] = value;
                }
            }
        }
    }
}

fn patch(context: &mut Context<'_>, assignment: &Row, row: &Row, id: &str) -> Outcome {
    let body = context.body()?;
    let (now, identity) = (context.now(), context.identity());
    let outcome = context.world.table.change(Kind::Outcome, &row.id, id).ok_or_else(GraphError::not_found)?;
    let kind = text(&outcome.value, "@odata.type").unwrap_or_default();
    if text(&body, "@odata.type").is_some_and(|given| given != kind) {
        return Err(GraphError::bad("The outcome is of another type."));
    }
    if kind == POINTS {
        let points = body.pointer("/points/points").and_then(Value::as_f64);
        let points = points.filter(|points| *points >= 0.0 && Some(*points) <= max_points(assignment));
        let points = points.ok_or_else(|| GraphError::bad("The points are missing, or more than there are."))?;
        outcome.value["points"] = json!({ "points": points, "gradedDateTime": now, "gradedBy": identity });
    } else {
        let said = body.pointer("/feedback/text/content").and_then(Value::as_str);
        let said = said.ok_or_else(|| GraphError::bad("The feedback is missing."))?;
        let kind = body.pointer("/feedback/text/contentType").and_then(Value::as_str).unwrap_or("text");
        let words = json!({ "content": said, "contentType": kind });
        outcome.value["feedback"] = json!({ "text": words, "feedbackDateTime": now, "feedbackBy": identity });
    }
    let value = outcome.value.clone();
    context.whole(StatusCode::OK, OUTCOMES.set, value)
}
