//! Badges, assignments and the teacher's dashboard, from reports.

use std::collections::{BTreeMap, BTreeSet};

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

/// Reads the badges that students have earned, from a file that has them.
///
/// Access `read`. No report that Khan Academy documents has badges: the file is one that the school keeps, with a column for
/// the student and one for the badge (`columns` says which). From a v1-shaped API `getUser` and `listBadges` read them.
/// Nothing is sent. Errors: `invalid_argument` naming the line or header that is wrong; nothing is read half. `too_large`.
///
/// Example: `{"report": {"asOf": "2026-11-24", "text": "Student Name,Badge Name\nJane Doe,Great Listener\n"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetBadges {
    /// The report.
    pub report: Report,
}

impl GetBadges {
    /// Of that report.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

impl Operation for GetBadges {
    type Provider = KhanAcademy;
    type Output = EarnedBadges;

    const NAME: &'static str = "getBadges";
    const ACCESS: Access = Access::Read;
    // The report came from the vendor and stays here: nothing of it is sent to anybody.
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<EarnedBadges> {
        let parsed = self.report.read(&[ReportKind::Badges])?;
        noted(call, &parsed.info);
        Ok(EarnedBadges { report: parsed.info, badges: parsed.rows.into_iter().filter_map(EarnedBadge::of).collect() })
    }
}

/// Badges that were earned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EarnedBadges {
    /// Of when it is, and what was noticed.
    pub report: ReportInfo,
    /// One for each student and badge.
    pub badges: Vec<EarnedBadge>,
}

/// A badge that a student has earned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EarnedBadge {
    /// The row's line in the file.
    pub line: u64,
    /// Whose.
    pub student: Student,
    /// The badge.
    pub badge: String,
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// When it was earned, as the file writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earned: Option<String>,
    /// Points that it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<f64>,
    /// Every other column, by its header.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl EarnedBadge {
    fn of(row: ParsedRow) -> Option<Self> {
        Some(Self {
            line: row.line,
            badge: row.text("badge").unwrap_or_default(),
            category: row.text("category"),
            earned: row.text("earned"),
            points: row.number("points"),
            student: row.student?,
            extra: row.extra,
        })
    }
}

/// Reads the scores of assignments, from a report that a teacher has downloaded from the dashboard.
///
/// Access `read`. Khan Academy does not document this file's columns: where they differ from the usual names, `columns` says
/// which is which. Nothing is sent. Errors: `invalid_argument` naming the line or header that is wrong; nothing is read half. `too_large`.
///
/// Example: `{"report": {"asOf": "2026-11-24", "text": "Student Name,Assignment Name,Score\nJane Doe,Slope,90\n"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetAssignments {
    /// The report.
    pub report: Report,
}

impl GetAssignments {
    /// Of that report.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

impl Operation for GetAssignments {
    type Provider = KhanAcademy;
    type Output = Assignments;

    const NAME: &'static str = "getAssignments";
    const ACCESS: Access = Access::Read;
    // The report came from the vendor and stays here: nothing of it is sent to anybody.
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Assignments> {
        let parsed = self.report.read(&[ReportKind::Assignments])?;
        noted(call, &parsed.info);
        Ok(Assignments {
            report: parsed.info,
            assignments: parsed.rows.into_iter().filter_map(Assignment::of).collect(),
        })
    }
}

/// Scores of assignments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Assignments {
    /// Of when it is, and what was noticed.
    pub report: ReportInfo,
    /// One for each student and assignment.
    pub assignments: Vec<Assignment>,
}

/// What a student has made of an assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Assignment {
    /// The row's line in the file.
    pub line: u64,
    /// Whose.
    pub student: Student,
    /// The assignment.
    pub assignment: String,
    /// What kind of assignment it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment_type: Option<String>,
    /// The class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    /// When it is due, as the file writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// Where it stands, as the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The score; absent where it has not been done, which is not 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// How often it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<f64>,
    /// Every other column, by its header.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Assignment {
    fn of(row: ParsedRow) -> Option<Self> {
        Some(Self {
            line: row.line,
            assignment: row.text("assignment").unwrap_or_default(),
            assignment_type: row.text("assignmentType"),
            class_name: row.text("className"),
            course: row.text("course"),
            due_date: row.text("dueDate"),
            status: row.text("status"),
            score: row.number("score"),
            attempts: row.number("attempts"),
            student: row.student?,
            extra: row.extra,
        })
    }
}

/// Sums a report up by class and course, as a teacher's dashboard does: how many students, and how they get on.
///
/// Access `read`. Takes a report of any kind with students. What the report does not tell is absent, and never 0. Nothing is
/// sent. Errors: `invalid_argument` naming the line or header that is wrong; nothing is read half. `too_large`.
///
/// Example: `{"report": {"base64": "…", "fileName": "Springfield_20260901_20261122.csv"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetTeacherDashboard {
    /// The report.
    pub report: Report,
}

impl GetTeacherDashboard {
    /// Of that report.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

impl Operation for GetTeacherDashboard {
    type Provider = KhanAcademy;
    type Output = Dashboard;

    const NAME: &'static str = "getTeacherDashboard";
    const ACCESS: Access = Access::Read;
    // The report came from the vendor and stays here: nothing of it is sent to anybody.
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<Dashboard> {
        let parsed = self.report.read(STUDENTS)?;
        noted(call, &parsed.info);
        Ok(Dashboard { report: parsed.info, classes: summed(parsed.rows) })
    }
}

/// A report by class and course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Dashboard {
    /// Of when it is, and what was noticed.
    pub report: ReportInfo,
    /// By class and course, in their order.
    pub classes: Vec<ClassProgress>,
}

/// How a class gets on with a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClassProgress {
    /// The class; absent where the report names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The course; absent where the report names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<String>,
    /// How many students.
    pub students: usize,
    /// How many rows they have.
    pub rows: usize,
    /// Minutes of all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_minutes: Option<f64>,
    /// Skills that rose a level, of all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills_leveled_up: Option<f64>,
    /// The mean of mastery in percent, over the rows that tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_mastery_percent: Option<f64>,
    /// The mean of scores, over the rows that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_score: Option<f64>,
    /// How many skills are mastered, of all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills_mastered: Option<usize>,
}

/// Every kind whose rows are about students.
const STUDENTS: &[ReportKind] = &[
    ReportKind::Skills,
    ReportKind::Assignments,
    ReportKind::Badges,
    ReportKind::Overview,
    ReportKind::Activity,
    ReportKind::Mastery,
];

fn summed(rows: Vec<ParsedRow>) -> Vec<ClassProgress> {
    let mut classes: BTreeMap<_, Vec<ParsedRow>> = BTreeMap::new();
    for row in rows {
        classes.entry((row.text("className"), row.text("course"))).or_default().push(row);
    }
    classes.into_iter().map(|((class_name, course), rows)| class(class_name, course, &rows)).collect()
}

fn class(class_name: Option<String>, course: Option<String>, rows: &[ParsedRow]) -> ClassProgress {
    let values = |field: &str| rows.iter().filter_map(|row| row.number(field)).collect::<Vec<f64>>();
    let sum = |field: &str| Some(values(field)).filter(|found| !found.is_empty()).map(|found| found.iter().sum());
    let mean = |field: &str| sum(field).map(|sum: f64| sum / values(field).len() as f64);
    // By the best there is to know a student by: a name may be written in two ways.
    let students: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.student.as_ref())
        .map(|student| (student.sis_id.as_ref()).or(student.email.as_ref()).or(student.name.as_ref()))
        .collect();
    let levels: Vec<_> = rows.iter().filter_map(|row| row.text("masteryLevel")).collect();
    let mastered = || levels.iter().filter(|level| level.eq_ignore_ascii_case("mastered")).count();
    ClassProgress {
        class_name,
        course,
        students: students.len(),
        rows: rows.len(),
        total_minutes: sum("minutes"),
        skills_leveled_up: sum("skillsLeveledUp"),
        mean_mastery_percent: mean("masteryPercent"),
        mean_score: mean("score"),
        skills_mastered: (!levels.is_empty()).then(mastered),
    }
}
