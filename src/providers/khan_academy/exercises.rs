//! Exercises of a user of a v1-shaped API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KhanAcademy, KhanAcademyConfig,
    v1::{Learner, check_id, check_learner, fetch, request, with_address},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// Lists every exercise that a user has tried: how often, how well, and whether it is mastered.
///
/// v1 `GET /user/exercises`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`.
/// Errors: `unsupported_operation` without a `base_url` (see `getExerciseProgress`), `not_found`, `needs_reconnect`.
///
/// Example: `{"student": {"userId": "kaid_1001"}}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListUserExercises {
    /// Whose; the coach's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
}

impl ListUserExercises {
    /// The coach's own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A student's of the coach.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }
}

/// How a user stands with one exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserExercise {
    /// The exercise's name, as it stands in addresses.
    pub exercise: String,
    /// Problems done, right or wrong.
    #[serde(default, alias = "total_done", skip_serializing_if = "Option::is_none")]
    pub total_done: Option<i64>,
    /// Problems right.
    #[serde(default, alias = "total_correct", skip_serializing_if = "Option::is_none")]
    pub total_correct: Option<i64>,
    /// Right answers in a row, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streak: Option<i64>,
    /// The most right answers in a row.
    #[serde(default, alias = "longest_streak", skip_serializing_if = "Option::is_none")]
    pub longest_streak: Option<i64>,
    /// How far it is, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Whether it is mastered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastered: Option<bool>,
    /// Whether the user struggles with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struggling: Option<bool>,
    /// When it was mastered, as the API writes it.
    #[serde(default, alias = "proficient_date", skip_serializing_if = "Option::is_none")]
    pub proficient_date: Option<String>,
    /// When it was last done, as the API writes it.
    #[serde(default, alias = "last_done", skip_serializing_if = "Option::is_none")]
    pub last_done: Option<String>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The exercises of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserExercises {
    /// The exercises.
    pub exercises: Vec<UserExercise>,
}

impl Operation for ListUserExercises {
    type Provider = KhanAcademy;
    type Output = UserExercises;

    const NAME: &'static str = "listUserExercises";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_learner(self.student.as_ref())
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<UserExercises> {
        Ok(UserExercises { exercises: fetch(call, &["user", "exercises"], self.student.as_ref()).await? })
    }
}

/// Reads how a user stands with one exercise.
///
/// v1 `GET /user/exercises/{name}`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`.
/// Errors: `unsupported_operation` without a `base_url`, `not_found`, `needs_reconnect`.
///
/// Example: `{"exercise": "addition_1", "student": {"userId": "kaid_1001"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetUserExercise {
    /// The exercise's name, such as `addition_1`.
    pub exercise: String,
    /// Whose; the coach's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
}

impl GetUserExercise {
    /// Of the coach's own work.
    pub fn new(exercise: impl Into<String>) -> Self {
        Self { exercise: exercise.into(), student: None }
    }

    /// A student's of the coach.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }
}

impl Operation for GetUserExercise {
    type Provider = KhanAcademy;
    type Output = UserExercise;

    const NAME: &'static str = "getUserExercise";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::ImportOnly)
    }

    fn validate(&self) -> Result<()> {
        check_id("exercise", &self.exercise)?;
        check_learner(self.student.as_ref())
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<UserExercise> {
        fetch(call, &["user", "exercises", &self.exercise], self.student.as_ref()).await
    }
}

/// Lists each problem of an exercise that a user has done.
///
/// v1 `GET /user/exercises/{name}/log`, withdrawn by Khan Academy on 2020-01-06; it is asked at `base_url`. Access `read`.
/// Errors: `unsupported_operation` without a `base_url`: no report that is exported goes down to problems. `not_found`,
/// `needs_reconnect`.
///
/// Example: `{"exercise": "addition_1", "from": "2026-11-01T00:00:00Z"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetExerciseLog {
    /// The exercise's name, such as `addition_1`.
    pub exercise: String,
    /// Whose; the coach's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Learner>,
    /// The first moment, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The moment before which, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl GetExerciseLog {
    /// Of the coach's own work.
    pub fn new(exercise: impl Into<String>) -> Self {
        Self { exercise: exercise.into(), student: None, from: None, to: None }
    }

    /// A student's of the coach.
    pub fn student(mut self, student: Learner) -> Self {
        self.student = Some(student);
        self
    }

    /// Only what was done between these moments, RFC 3339.
    pub fn between(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self.to = Some(to.into());
        self
    }
}

/// One problem that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProblemDone {
    /// The exercise.
    pub exercise: String,
    /// Whether the answer was right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// When, as the API writes it.
    #[serde(default, alias = "time_done", skip_serializing_if = "Option::is_none")]
    pub time_done: Option<String>,
    /// How many hints were taken.
    #[serde(default, alias = "count_hints", skip_serializing_if = "Option::is_none")]
    pub count_hints: Option<i64>,
    /// The problem's number in the exercise.
    #[serde(default, alias = "problem_number", skip_serializing_if = "Option::is_none")]
    pub problem_number: Option<i64>,
    /// Every other field, as the API spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The problems of an exercise that a user has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExerciseLog {
    /// The problems.
    pub problems: Vec<ProblemDone>,
}

fn check_moment(field: &str, moment: Option<&str>) -> Result<Option<jiff::Timestamp>> {
    let wrong = |_| Error::invalid(field, "must be a moment such as 2026-11-24T08:00:00Z");
    moment.map(|text| text.parse().map_err(wrong)).transpose()
}

impl Operation for GetExerciseLog {
    type Provider = KhanAcademy;
    type Output = ExerciseLog;

    const NAME: &'static str = "getExerciseLog";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "student": Identity(Student), "student": Contact(Student) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &KhanAcademyConfig) -> Capability {
        with_address(config, Capability::Unsupported)
    }

    fn validate(&self) -> Result<()> {
        check_id("exercise", &self.exercise)?;
        check_learner(self.student.as_ref())?;
        match (check_moment("from", self.from.as_deref())?, check_moment("to", self.to.as_deref())?) {
            (Some(from), Some(to)) if from >= to => Err(Error::invalid("to", "must be later than from")),
            _ => Ok(()),
        }
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<ExerciseLog> {
        let path = ["user", "exercises", &self.exercise, "log"];
        let mut request = request(call, &path, self.student.as_ref())?;
        for (name, moment) in [("dt_start", &self.from), ("dt_end", &self.to)] {
            if let Some(moment) = moment {
                request = request.query(name, moment);
            }
        }
        Ok(ExerciseLog { problems: call.fetch(request).await? })
    }
}
