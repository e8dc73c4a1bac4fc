//! What students hand in, and what they get for it.
//! <https://learn.microsoft.com/graph/api/resources/educationsubmission>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Microsoft365,
    assignments::{Assignment, BASIC, of_class},
    check,
    graph::Graph,
    wire::{list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Method, Repeat, oauth::Scopes},
};

/// Grades stand behind the permissions that are not `Basic`.
const GRADES: Scopes = &[&["EduAssignments.ReadWrite", "EduAssignments.ReadWrite.All"]];

object! {
    /// What a student hands in.
    Submission {
        /// `working`, `submitted`, `returned`, `reassigned` or `excused`.
        status: String,
        /// Whose.
        recipient: Value,
        /// When it was handed in.
        submitted_date_time: String,
        /// When it was given back.
        returned_date_time: String,
        /// When it was given back to be done again.
        reassigned_date_time: String,
        /// Its page.
        web_url: String,
    }
}

list! {
    /// Lists what students have handed in, or not yet.
    ///
    /// <https://learn.microsoft.com/graph/api/educationassignment-list-submissions>. Access `read`. Application or
    /// delegated: `EduAssignments.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…"}`
    ListSubmissions = "listSubmissions" -> Submission,
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
    at |this, call| of_class(Graph::root(call), &this.class_id), &[&this.assignment_id, "submissions"], Vec::new()
}

operation! {
    /// Reads one submission.
    ///
    /// <https://learn.microsoft.com/graph/api/educationsubmission-get>. Access `read`. Application or delegated:
    /// `EduAssignments.ReadBasic`. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…", "submissionId": "33223a56-…"}`
    GetSubmission = "getSubmission", Read, Always -> Submission,
    scopes BASIC, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
        /// The assignment's id.
        assignment_id: String,
        /// The submission's id.
        submission_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let graph = of_submission(call, &this.class_id, &this.assignment_id, &this.submission_id);
        graph.get(&[], &[]).await
    }
}

/// What a submission is given: points, words.
#[derive(Deserialize)]
struct Outcome {
    id: String,
    #[serde(default, rename = "@odata.type")]
    kind: String,
}

const POINTS: &str = "#microsoft.graph.educationPointsOutcome";
const FEEDBACK: &str = "#microsoft.graph.educationFeedbackOutcome";

operation! {
    /// Grades a submission and gives it back to the student.
    ///
    /// <https://learn.microsoft.com/graph/api/educationoutcome-update>,
    /// <https://learn.microsoft.com/graph/api/educationsubmission-return>. Access `write`. Application or delegated:
    /// `EduAssignments.ReadWrite`. Takes steps: if it fails half-way, the call repeated with the same idempotency key goes
    /// on. Errors: `invalid_argument` with `points` above what the assignment can bring, or where it is not graded by
    /// points; `not_found`.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…", "submissionId": "33223a56-…", "points": 18, "feedback": "Well done"}`
    GradeSubmission = "gradeSubmission", Write, WithKey -> Submission,
    scopes GRADES, Any,
    discloses { "points": Grades(Student), "feedback": Grades(Student) }
    by {
        /// The class's id.
        class_id: String,
        /// The assignment's id.
        assignment_id: String,
        /// The submission's id.
        submission_id: String,
    }
    required {
        /// How many points, from 0 to what the assignment can bring.
        points: f64,
    }
    optional {
        /// What the student is told.
        feedback: String,
        /// Whether the student sees it at once. Default: yes, it is given back.
        give_back: bool,
    }
    steps ["points", "feedback", "return"]
    within 60
    check |this| {
        if !(this.points.is_finite() && this.points >= 0.0) {
            return Err(Error::invalid("points", "must not be less than 0"));
        }
        check::some_text("feedback", &this.feedback, 5000)?;
    }
    run |this, call| {
        let assignment: Assignment =
            of_class(Graph::root(call), &this.class_id).get(&[&this.assignment_id], &[]).await?;
        let Some(most) = assignment.max_points() else {
            return Err(Error::invalid("points", "cannot be given: the assignment is not graded by points"));
        };
        if this.points > most {
            return Err(Error::invalid("points", format!("must be at most {most}: that is what the assignment can bring")));
        }
        let graph = of_submission(call, &this.class_id, &this.assignment_id, &this.submission_id);
        let outcomes: Vec<Outcome> = graph.all(&["outcomes"], &[]).await?;
        let id = |kind: &str| outcomes.iter().find(|outcome| outcome.kind == kind).map(|outcome| outcome.id.as_str());
        let points = json!({ "@odata.type": POINTS, "points": {
            "@odata.type": "#microsoft.graph.educationAssignmentPointsGrade", "points": this.points,
        } });
        call.step("points", async |_| set(&graph, id(POINTS), "points", &points).await).await?;
        if let Some(feedback) = &this.feedback {
            let feedback = json!({ "@odata.type": FEEDBACK, "feedback": {
                "text": { "content": feedback, "contentType": "text" },
            } });
            call.step("feedback", async |_| set(&graph, id(FEEDBACK), "feedback", &feedback).await).await?;
        }
        if this.give_back != Some(false) {
            call.step("return", async |begun| advance(&graph, "return", "returned", begun).await).await?;
        }
        graph.get(&[], &[]).await
    }
}

/// Sets one outcome of a submission.
async fn set(graph: &Graph<'_>, id: Option<&str>, field: &str, body: &Value) -> Result<bool> {
    let id = id.ok_or_else(|| {
        Error::new(ErrorCode::Vendor, "Microsoft has no place for this with the submission: it was not handed in yet")
            .with_field(field)
    })?;
    graph.act(Method::Patch, &["outcomes", id], Some(body), Repeat::Always).await.map(|()| true)
}

operation! {
    /// Gives a submission back to the student, who then sees points and feedback.
    ///
    /// <https://learn.microsoft.com/graph/api/educationsubmission-return>. Access `write`. Application or delegated:
    /// `EduAssignments.ReadWrite`. One that was given back stays so. Errors: `not_found`.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…", "submissionId": "33223a56-…"}`
    ReturnSubmission = "returnSubmission", Write, Always -> Submission,
    scopes GRADES, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
        /// The assignment's id.
        assignment_id: String,
        /// The submission's id.
        submission_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let graph = of_submission(call, &this.class_id, &this.assignment_id, &this.submission_id);
        advance(&graph, "return", "returned", false).await?;
        graph.get(&[], &[]).await
    }
}

operation! {
    /// Gives a submission back to be done again.
    ///
    /// <https://learn.microsoft.com/graph/api/educationsubmission-reassign>. Access `write`. Application or delegated:
    /// `EduAssignments.ReadWrite`. Errors: `not_found`, `vendor` for one that was not handed in.
    ///
    /// Example: `{"classId": "11014", "assignmentId": "ad8afb28-…", "submissionId": "33223a56-…"}`
    ReassignSubmission = "reassignSubmission", Write, Always -> Submission,
    scopes GRADES, Any,
    discloses {}
    by {
        /// The class's id.
        class_id: String,
        /// The assignment's id.
        assignment_id: String,
        /// The submission's id.
        submission_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let graph = of_submission(call, &this.class_id, &this.assignment_id, &this.submission_id);
        advance(&graph, "reassign", "reassigned", false).await?;
        graph.get(&[], &[]).await
    }
}

fn of_submission<'a>(call: &Call<'a, Microsoft365>, class: &str, assignment: &str, id: &str) -> Graph<'a> {
    of_class(Graph::root(call), class).below(&[assignment, "submissions", id])
}

/// `begun` where an earlier try of the same call may have done it. One that was in that state before is there only when its
/// time has changed: else what was marked since would never reach the student.
async fn advance(graph: &Graph<'_>, action: &str, state: &str, begun: bool) -> Result<bool> {
    let when =
        |submission: &Submission| (submission.returned_date_time.clone(), submission.reassigned_date_time.clone());
    let before: Submission = graph.get(&[], &[]).await?;
    let before = (before.status.as_deref() == Some(state), when(&before));
    let reached = async {
        let now: Submission = graph.get(&[], &[]).await?;
        let changed = !before.0 || begun || when(&now) != before.1;
        Ok(changed && now.status.as_deref() == Some(state))
    };
    graph.advance(&[action], reached).await.map(|()| true)
}
