//! The kinds of reports, and under which headers their fields stand.
//!
//! Documented are the first four columns of the district's overall report and the names of the files (CSV Data Dictionary
//! for Administrator Reports, support.khanacademy.org 17167578991629, read 2026-11-24). The headers of the skills report
//! are those of a file that a teacher has published (gist drewkiimon/8217f2e2d48dc2c44a313a6657bf5055, 2021). The others
//! are the names that such columns most likely have; where a file differs, `columns` says which header is which field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a report tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReportKind {
    /// A district's overall report: a row for each student.
    Overview,
    /// Mastery by student: a column for each week.
    Mastery,
    /// Mastery by classroom: a column for each week.
    ClassroomMastery,
    /// Skills: a row for each student and skill. Also the report of course challenges.
    Skills,
    /// Scores of assignments, from a teacher's dashboard.
    Assignments,
    /// Minutes and skills of a period, from a teacher's dashboard.
    Activity,
    /// Badges that were earned.
    Badges,
}

/// The field by which the SIS knows a student.
pub(super) const SIS_ID: &str = "sisId";

/// A field of a report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Our name of it.
    pub(super) field: &'static str,
    /// The headers it may have, the first the usual one; case and spaces do not matter.
    pub(super) headers: &'static [&'static str],
    /// Whether the report is none without it.
    pub(super) required: bool,
    /// Whether it holds numbers.
    pub(super) number: bool,
    /// Whether it says what a row is about, beside the student: two rows that agree in it speak of the same.
    pub(super) key: bool,
}

const fn text(field: &'static str, headers: &'static [&'static str]) -> Column {
    Column { field, headers, required: false, number: false, key: false }
}

const fn number(field: &'static str, headers: &'static [&'static str]) -> Column {
    Column { number: true, ..text(field, headers) }
}

impl Column {
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn key(self) -> Self {
        Self { key: true, ..self }
    }
}

const NAME: Column = text("studentName", &["Student Name", "Student"]);
const EMAIL: Column = text("studentEmail", &["Student Email", "Email"]);
const SIS: Column = text(SIS_ID, &["Student SIS ID", "SIS ID"]);
const STATUS: Column = text("rosterStatus", &["Roster Status"]);
const GRADE: Column = text("grade", &["Rostered Grade", "Grade Level", "Grade"]);
const SCHOOL: Column = text("school", &["School Name", "School"]).key();
const CLASS: Column = text("className", &["Class Name", "Classroom Name", "Classroom", "Class"]).key();
const TEACHER: Column = text("teacher", &["Teacher Name", "Teacher"]).key();
const COURSE: Column = text("course", &["Course Name", "Course"]).key();
const UNIT: Column = text("unit", &["Unit Name", "Unit"]).key();
const MINUTES: Column = number("minutes", &["Total Learning Minutes", "Total Minutes", "Learning Minutes", "Minutes"]);
const LEVELED_UP: Column = number("skillsLeveledUp", &["Skills Leveled Up", "Total Skills Leveled Up"]);
const PROFICIENT: Column = number("skillsProficient", &["Skills Leveled Up to Proficient", "Skills to Proficient"]);
const PERCENT: Column = number("masteryPercent", &["Course Mastery", "Course Mastery %", "Mastery %", "% Mastery"]);

const OVERVIEW: &[Column] = &[
    NAME.required(),
    EMAIL.required(),
    SIS.required(),
    STATUS.required(),
    GRADE,
    SCHOOL,
    TEACHER,
    CLASS,
    COURSE,
    MINUTES,
    LEVELED_UP,
    PROFICIENT,
    PERCENT,
];
const MASTERY: &[Column] = &[NAME.required(), EMAIL, SIS, STATUS, GRADE, SCHOOL, TEACHER, CLASS, COURSE];
const CLASSROOM: &[Column] = &[CLASS.required(), SCHOOL, TEACHER, COURSE];
const SKILLS: &[Column] = &[
    NAME.required(),
    EMAIL,
    SIS,
    STATUS,
    GRADE,
    SCHOOL,
    TEACHER,
    CLASS,
    COURSE.required(),
    UNIT,
    text("skill", &["Skill Name", "Skill"]).required().key(),
    text("masteryLevel", &["Current Skill Mastery Level", "Skill Mastery Level", "Mastery Level"]).required(),
    number("masteryPoints", &["Skill Mastery Points", "Mastery Points"]),
];
const ASSIGNMENTS: &[Column] = &[
    NAME.required(),
    EMAIL,
    SIS,
    CLASS,
    COURSE,
    text("assignment", &["Assignment Name", "Assignment", "Assignment Title"]).required().key(),
    text("assignmentType", &["Assignment Type", "Type"]).key(),
    text("dueDate", &["Due Date", "Due"]).key(),
    text("status", &["Status", "Completion Status"]),
    number("score", &["Score", "Best Score", "Score %"]).required(),
    number("attempts", &["Attempts", "Number of Attempts"]),
];
const ACTIVITY: &[Column] =
    &[NAME.required(), EMAIL, SIS, CLASS, COURSE, MINUTES.required(), LEVELED_UP, PROFICIENT, PERCENT];
const BADGES: &[Column] = &[
    NAME.required(),
    EMAIL,
    SIS,
    CLASS,
    text("badge", &["Badge Name", "Badge"]).required().key(),
    text("category", &["Badge Category", "Category"]),
    text("earned", &["Date Earned", "Earned On", "Earned"]).key(),
    number("points", &["Badge Points", "Points"]),
];

impl ReportKind {
    /// In the order in which a report without a kind is compared: those that ask for most come first.
    pub(super) const ALL: [ReportKind; 7] = [
        ReportKind::Skills,
        ReportKind::Assignments,
        ReportKind::Badges,
        ReportKind::Overview,
        ReportKind::Activity,
        ReportKind::Mastery,
        ReportKind::ClassroomMastery,
    ];

    /// As JSON spells it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            ReportKind::Overview => "overview",
            ReportKind::Mastery => "mastery",
            ReportKind::ClassroomMastery => "classroomMastery",
            ReportKind::Skills => "skills",
            ReportKind::Assignments => "assignments",
            ReportKind::Activity => "activity",
            ReportKind::Badges => "badges",
        }
    }

    pub(super) const fn columns(self) -> &'static [Column] {
        match self {
            ReportKind::Overview => OVERVIEW,
            ReportKind::Mastery => MASTERY,
            ReportKind::ClassroomMastery => CLASSROOM,
            ReportKind::Skills => SKILLS,
            ReportKind::Assignments => ASSIGNMENTS,
            ReportKind::Activity => ACTIVITY,
            ReportKind::Badges => BADGES,
        }
    }

    /// Whether it has a column for each week.
    pub(super) const fn is_weekly(self) -> bool {
        matches!(self, ReportKind::Mastery | ReportKind::ClassroomMastery)
    }

    /// What the vendor's name of the file says.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let marks = [
            ("masteryprogressstudent", ReportKind::Mastery),
            ("masteryprogressclassroom", ReportKind::ClassroomMastery),
            ("skills_progress", ReportKind::Skills),
            ("coursechallengeskills", ReportKind::Skills),
        ];
        marks.into_iter().find(|(mark, _)| name.contains(mark)).map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fields_of_a_report_may_have_one_header() {
        for kind in ReportKind::ALL {
            let mut seen = std::collections::HashSet::new();
            for header in kind.columns().iter().flat_map(|column| column.headers) {
                assert!(seen.insert(header.to_lowercase()), "{}: {header}", kind.name());
            }
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(
            ReportKind::of_file("Springfield_MasteryProgressStudent_20260901_20260907.csv"),
            Some(ReportKind::Mastery)
        );
        assert_eq!(ReportKind::of_file("Springfield_20260901_20260907.csv"), None);
    }
}
