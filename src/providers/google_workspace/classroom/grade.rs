//! Marks: of one submission, and of many.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    super::{
        GoogleWorkspace,
        batch::{self, BatchReport, ItemResult, ItemState},
        define::{self, operation},
    },
    BATCH, WORK, at,
    objects::{CourseWork, Submission},
    submissions::{move_to, submissions},
};
use crate::{
    error::{Error, Result},
    providers::Call,
    transport::{Repeat, Request},
};

/// The state of what students have back.
const RETURNED: &str = "RETURNED";
/// The most marks of one call.
const MOST: usize = 1000;

/// A mark for one of many submissions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Grade {
    /// The submission's id.
    pub submission_id: String,
    /// The mark that the student sees once the work is returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_grade: Option<f64>,
    /// A mark that only teachers see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_grade: Option<f64>,
}

impl Grade {
    /// A mark that the student is to see.
    pub fn new(submission_id: impl Into<String>, assigned_grade: f64) -> Self {
        Self { submission_id: submission_id.into(), assigned_grade: Some(assigned_grade), draft_grade: None }
    }
}

operation! {
    /// Marks a student's work, and returns it to them.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/patch>.
    /// Access `write`. Only with the client id that made the course work. It takes two steps, `grade` and `return`:
    /// repeated with its idempotency key it goes on where it stopped. Nothing is sent where the mark is above the work's
    /// `maxPoints`. Errors: `invalid_argument`, `not_found`, `vendor`.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "submissionId": "Cg4I", "assignedGrade": 18}`
    GradeSubmission = "gradeSubmission", Write, WithKey -> Submission,
    scopes WORK,
    steps &["grade", "return"],
    discloses { "assignedGrade": Grades(Student), "draftGrade": Grades(Student), "submissionId": Identity(Student) }
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
        /// The submission's id.
        submission_id: String,
    }
    required {}
    optional {
        /// The mark that the student sees once the work is returned.
        assigned_grade: f64,
        /// A mark that only teachers see; the assigned one, where there is none.
        draft_grade: f64,
        /// Whether to return it to the student; without this it is where there is an assigned mark.
        return_to_student: bool,
    }
    check |this| { check_marks("", this.assigned_grade, this.draft_grade)?; }
    run |this, call| {
        let most = most_points(call, &this.course_id, &this.course_work_id).await?;
        check_most("", this.assigned_grade, this.draft_grade, most)?;
        let address = submissions(call, &this.course_id, &this.course_work_id, &[&this.submission_id])?;
        call.step("grade", |_| async {
            let graded: Submission =
                define::patch(call, address.clone(), marks(this.assigned_grade, this.draft_grade)).await?;
            Ok(graded.id)
        })
        .await?;
        if this.return_to_student.unwrap_or(this.assigned_grade.is_some()) {
            call.step("return", |_| async {
                let which = [this.course_id.as_str(), &this.course_work_id, &this.submission_id];
                Ok(move_to(call, which, "return", RETURNED).await?.id)
            })
            .await?;
        }
        define::read(call, address).await
    }
}

operation! {
    /// Marks the work of many students, 50 in one request, and returns it to them. Each has a result of its own.
    ///
    /// <https://developers.google.com/workspace/classroom/reference/rest/v1/courses.courseWork.studentSubmissions/patch>.
    /// Access `write`. Only with the client id that made the course work. Nothing is sent where one mark is above the work's
    /// `maxPoints`. May be repeated. Errors: `invalid_argument`; those of `gradeSubmission`, for each; a result that failed
    /// and has an `item` was marked, and not returned.
    ///
    /// Example: `{"courseId": "d:sis-sec-123", "courseWorkId": "98765", "grades": [{"submissionId": "Cg4I", "assignedGrade": 18}]}`
    GradeSubmissions = "gradeSubmissions", Write, Always -> BatchReport<Submission>,
    scopes WORK,
    deadline 120,
    discloses { "grades[].assignedGrade": Grades(Student), "grades[].draftGrade": Grades(Student), "grades[].submissionId": Identity(Student) }
    path {
        /// The course's id or alias.
        course_id: String,
        /// The course work's id.
        course_work_id: String,
    }
    required {
        /// The marks, 1 to 1000.
        grades: Vec<Grade>,
    }
    optional {
        /// Whether to return to the students what has an assigned mark; it is without this.
        return_to_students: bool,
    }
    check |this| { check_grades(&this.grades)?; }
    run |this, call| {
        let most = most_points(call, &this.course_id, &this.course_work_id).await?;
        for (index, grade) in this.grades.iter().enumerate() {
            check_most(&format!("grades[{index}]."), grade.assigned_grade, grade.draft_grade, most)?;
        }
        let address = |tail: &str| submissions(call, &this.course_id, &this.course_work_id, &[tail]);
        let mut requests = Vec::new();
        for grade in &this.grades {
            requests.push(patch_of(call, address(&grade.submission_id)?, grade));
        }
        let mut results =
            batch::objects(call, BATCH, requests, Repeat::Always, |graded: &Submission| graded.id.clone()).await?;
        if this.return_to_students.unwrap_or(true) {
            give_back(call, &mut results, &this.grades, &address).await?;
        }
        Ok(BatchReport::new(call, results))
    }
}

/// Returns what was marked. Google refuses what is returned already, as it would the repetition of a try whose answer was
/// lost: what it refuses is read, and is good if it is where it should be.
async fn give_back(
    call: &Call<'_, GoogleWorkspace>,
    results: &mut [ItemResult<Submission>],
    grades: &[Grade],
    address: &impl Fn(&str) -> Result<Url>,
) -> Result<()> {
    let is_marked = |result: &ItemResult<Submission>, grade: &Grade| {
        result.state == ItemState::Done
            && grade.assigned_grade.is_some()
            && !result.item.as_ref().is_some_and(is_returned)
    };
    let mut marked: Vec<_> =
        results.iter_mut().zip(grades).filter(|(result, grade)| is_marked(result, grade)).collect();
    let mut requests = Vec::new();
    let mut looks = Vec::new();
    for (_, grade) in &marked {
        requests.push(call.post(address(&format!("{}:return", grade.submission_id))?).json(&json!({})));
        looks.push(call.get(address(&grade.submission_id)?));
    }
    let answers = batch::follow(call, BATCH, requests, Repeat::Always).await;
    let refused = answers.iter().map(|answer| answer.is_err());
    let looks: Vec<Request> =
        looks.into_iter().zip(refused).filter_map(|(look, refused)| refused.then_some(look)).collect();
    let looked = batch::follow(call, BATCH, looks, Repeat::Always).await.into_iter();
    let mut looked = looked.map(|look| look.and_then(|now| call.read::<Submission>(&now, Repeat::Always)).ok());
    for ((result, _), answer) in marked.iter_mut().zip(answers) {
        let error = match answer {
            Err(error) if !looked.next().flatten().as_ref().is_some_and(is_returned) => Some(error),
            _ => None,
        };
        match (error, &mut result.item) {
            (Some(error), item) => {
                **result =
                    ItemResult { item: item.take(), ..ItemResult::failed(result.index, result.id.clone(), &error) };
            }
            (None, Some(submission)) => submission.state = Some(RETURNED.to_owned()),
            (None, None) => {}
        }
    }
    Ok(())
}

fn is_returned(submission: &Submission) -> bool {
    submission.state.as_deref() == Some(RETURNED)
}

fn patch_of(call: &Call<'_, GoogleWorkspace>, url: Url, grade: &Grade) -> Request {
    let body = marks(grade.assigned_grade, grade.draft_grade);
    let mask = body.keys().map(String::as_str).collect::<Vec<_>>().join(",");
    call.patch(url).query("updateMask", mask).json(&Value::Object(body))
}

/// The marks to set. A teacher who opens the work sees the draft: it is the assigned mark unless it is said.
fn marks(assigned: Option<f64>, draft: Option<f64>) -> Map<String, Value> {
    let named = [("assignedGrade", assigned), ("draftGrade", draft.or(assigned))];
    named.into_iter().filter_map(|(name, mark)| Some((name.to_owned(), json!(mark?)))).collect()
}

async fn most_points(call: &Call<'_, GoogleWorkspace>, course: &str, work: &str) -> Result<Option<f64>> {
    let work: CourseWork = define::read(call, at(call, &["courses", course, "courseWork", work])?).await?;
    Ok(work.max_points)
}

fn check_marks(path: &str, assigned: Option<f64>, draft: Option<f64>) -> Result<()> {
    if assigned.is_none() && draft.is_none() {
        return Err(Error::invalid(format!("{path}assignedGrade"), "is required where there is no draftGrade"));
    }
    for (name, mark) in [("assignedGrade", assigned), ("draftGrade", draft)] {
        if mark.is_some_and(|mark| !mark.is_finite() || mark < 0.0) {
            return Err(Error::invalid(format!("{path}{name}"), "must not be negative"));
        }
    }
    Ok(())
}

/// Google would take the mark, or refuse one of many: neither is meant.
fn check_most(path: &str, assigned: Option<f64>, draft: Option<f64>, most: Option<f64>) -> Result<()> {
    let Some(most) = most else { return Ok(()) };
    for (name, mark) in [("assignedGrade", assigned), ("draftGrade", draft)] {
        if mark.is_some_and(|mark| mark > most) {
            return Err(Error::invalid(format!("{path}{name}"), format!("is above the most of this work, {most}")));
        }
    }
    Ok(())
}

fn check_grades(grades: &[Grade]) -> Result<()> {
    if grades.is_empty() || grades.len() > MOST {
        return Err(Error::invalid("grades", format!("must be 1 to {MOST} marks")));
    }
    let mut seen = BTreeSet::new();
    for (at, grade) in grades.iter().enumerate() {
        let path = format!("grades[{at}].");
        define::check_id(&format!("{path}submissionId"), &grade.submission_id)?;
        check_marks(&path, grade.assigned_grade, grade.draft_grade)?;
        if !seen.insert(&grade.submission_id) {
            return Err(Error::invalid(format!("{path}submissionId"), "stands there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn a_mark_is_within_what_can_be_reached() {
        check_most("", Some(20.0), Some(0.0), Some(20.0)).unwrap();
        check_most("", Some(1e9), None, None).unwrap();
        for (assigned, draft, field) in
            [(Some(20.5), None, "grades[2].assignedGrade"), (Some(20.0), Some(21.0), "grades[2].draftGrade")]
        {
            assert_eq!(check_most("grades[2].", assigned, draft, Some(20.0)).unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn what_is_no_mark_is_named_by_its_place() {
        let one = || Grade::new("s1", 5.0);
        for (grades, field) in [
            (vec![], "grades"),
            (vec![one(), Grade::new("s2", -1.0)], "grades[1].assignedGrade"),
            (vec![one(), Grade::new("s2", f64::NAN)], "grades[1].assignedGrade"),
            (vec![one(), one()], "grades[1].submissionId"),
            (vec![Grade { assigned_grade: None, ..one() }], "grades[0].assignedGrade"),
        ] {
            assert_eq!(GradeSubmissions::new("c", "w", grades).validate().unwrap_err().field(), Some(field));
        }
        assert_eq!(GradeSubmission::new("c", "w", "s").validate().unwrap_err().field(), Some("assignedGrade"));
    }

    #[test]
    fn the_draft_follows_the_assigned_mark() {
        assert_eq!(Value::Object(marks(Some(5.0), None)), json!({ "assignedGrade": 5.0, "draftGrade": 5.0 }));
        assert_eq!(Value::Object(marks(None, Some(4.0))), json!({ "draftGrade": 4.0 }));
    }
}
