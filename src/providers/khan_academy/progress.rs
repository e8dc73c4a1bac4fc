//! Progress and exercises, from reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KhanAcademy,
    import::noted,
    kinds::ReportKind,
    layout::ParsedRow,
    report::{Report, ReportInfo, Student},
};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Reads how students get on: minutes, skills, mastery, week by week where the report has weeks.
///
/// <https://support.khanacademy.org/hc/en-us/articles/17167578991629>. Access `read`. Takes the
/// district's overall report, mastery by student, or the activity of a teacher's dashboard. Nothing is sent. Errors: `invalid_argument` naming the line or header that is wrong; nothing is read half. `too_large`.
///
/// Example: `{"report": {"base64": "…", "fileName": "Springfield_MasteryProgressStudent_20260901_20261122.csv"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetStudentProgress {
    /// The report.
    pub report: Report,
}

impl GetStudentProgress {
    /// Of that report.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

impl Operation for GetStudentProgress {
    type Provider = KhanAcademy;
    type Output = Progress;

    const NAME: &'static str = "getStudentProgress";
    const ACCESS: Access = Access::Read;
    // The report came from the vendor and stays here: nothing of it is sent to anybody.
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Progress> {
        let parsed = self.report.read(&[ReportKind::Overview, ReportKind::Activity, ReportKind::Mastery])?;
        noted(call, &parsed.info);
        Ok(Progress {
            report: parsed.info,
            students: parsed.rows.into_iter().filter_map(StudentProgress::of).collect(),
        })
    }
}

/// The progress of students.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// Of when it is, and what was noticed.
    pub report: ReportInfo,
    /// One for each row: a student of two classes may stand there twice.
    pub students: Vec<StudentProgress>,
}

/// The progress of one student.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StudentProgress {
    /// The row's line in the file.
    pub line: u64,
    /// Whose.
    pub student: Student,
    /// `Rostered`, `No Longer Rostered` or `Activated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster_status: Option<String>,
    /// The grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// The class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    /// Minutes of learning in the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Skills that rose a level in the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills_leveled_up: Option<f64>,
    /// Skills that rose to proficient in the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills_proficient: Option<f64>,
    /// How much of the course is mastered, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastery_percent: Option<f64>,
    /// Week by week, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weeks: Vec<Week>,
    /// Every other column, by its header.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// One week of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Week {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// What the column says; absent where the cell is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

impl StudentProgress {
    fn of(row: ParsedRow) -> Option<Self> {
        Some(Self {
            line: row.line,
            roster_status: row.text("rosterStatus"),
            grade: row.text("grade"),
            class_name: row.text("className"),
            course: row.text("course"),
            minutes: row.number("minutes"),
            skills_leveled_up: row.number("skillsLeveledUp"),
            skills_proficient: row.number("skillsProficient"),
            mastery_percent: row.number("masteryPercent"),
            student: row.student?,
            weeks: row.weeks,
            extra: row.extra,
        })
    }
}

/// Reads how students stand with each skill, which is what Khan Academy calls an exercise now.
///
/// <https://support.khanacademy.org/hc/en-us/articles/17167578991629>. Access `read`. Takes the
/// report of skills or of course challenges. Nothing is sent. Errors: `invalid_argument` naming the line or header that is wrong; nothing is read half. `too_large`.
///
/// Example: `{"report": {"base64": "…", "fileName": "Springfield_skills_progress_Algebra-1_20260901_20261122.csv"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetExerciseProgress {
    /// The report.
    pub report: Report,
}

impl GetExerciseProgress {
    /// Of that report.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

impl Operation for GetExerciseProgress {
    type Provider = KhanAcademy;
    type Output = ExerciseProgress;

    const NAME: &'static str = "getExerciseProgress";
    const ACCESS: Access = Access::Read;
    // The report came from the vendor and stays here: nothing of it is sent to anybody.
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<ExerciseProgress> {
        let parsed = self.report.read(&[ReportKind::Skills])?;
        noted(call, &parsed.info);
        Ok(ExerciseProgress {
            report: parsed.info,
            exercises: parsed.rows.into_iter().filter_map(ExerciseStanding::of).collect(),
        })
    }
}

/// How students stand with skills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExerciseProgress {
    /// Of when it is, and what was noticed.
    pub report: ReportInfo,
    /// One for each student and skill.
    pub exercises: Vec<ExerciseStanding>,
}

/// How one student stands with one skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExerciseStanding {
    /// The row's line in the file.
    pub line: u64,
    /// Whose.
    pub student: Student,
    /// The grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// The class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    /// The unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The skill.
    pub skill: String,
    /// The level, in Khan Academy's words: `Attempted`, `Familiar`, `Proficient`, `Mastered`, `Not started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastery_level: Option<String>,
    /// Points for the level, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mastery_points: Option<f64>,
    /// Whether the level is `Mastered`.
    pub mastered: bool,
    /// Every other column, by its header.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ExerciseStanding {
    fn of(row: ParsedRow) -> Option<Self> {
        let level = row.text("masteryLevel");
        Some(Self {
            line: row.line,
            grade: row.text("grade"),
            class_name: row.text("className"),
            course: row.text("course"),
            unit: row.text("unit"),
            skill: row.text("skill").unwrap_or_default(),
            mastered: level.as_deref().is_some_and(|level| level.eq_ignore_ascii_case("mastered")),
            mastery_level: level,
            mastery_points: row.number("masteryPoints"),
            student: row.student?,
            extra: row.extra,
        })
    }
}
