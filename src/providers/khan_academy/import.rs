//! Any report, row by row.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    KhanAcademy,
    kinds::ReportKind,
    layout::ParsedRow,
    progress::Week,
    report::{Report, ReportInfo, Student},
};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Reads a report of any kind that was exported from Khan Academy, by its headers, and answers its rows.
///
/// <https://support.khanacademy.org/hc/en-us/articles/17167578991629>. Access `read`. Khan Academy withdrew
/// its public API in 2020: what a teacher or district administrator downloads is what there is. Nothing is sent, and nothing
/// is kept here: the rows are the answer. Errors: `invalid_argument` naming the line or header that is wrong; nothing is read half. `too_large`.
///
/// Example: `{"kind": "skills", "report": {"asOf": "2026-11-24", "text": "Student Name,Course Name,Skill Name,Current Skill Mastery Level\nJane Doe,Algebra 1,Slope,Mastered\n"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ImportReport {
    /// The report.
    pub report: Report,
    /// Its kind, where neither its name nor its headers say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ReportKind>,
}

impl ImportReport {
    /// Of that report.
    pub fn new(report: Report) -> Self {
        Self { report, kind: None }
    }

    /// The same, of this kind.
    pub fn kind(mut self, kind: ReportKind) -> Self {
        self.kind = Some(kind);
        self
    }
}

impl Operation for ImportReport {
    type Provider = KhanAcademy;
    type Output = ImportedReport;

    const NAME: &'static str = "importReport";
    const ACCESS: Access = Access::Read;
    // The report came from the vendor and stays here: nothing of it is sent to anybody.
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.report.validate()
    }

    async fn run(self, call: &Call<'_, KhanAcademy>) -> Result<ImportedReport> {
        let kinds = self.kind.map_or_else(|| ReportKind::ALL.to_vec(), |kind| vec![kind]);
        let parsed = self.report.read(&kinds)?;
        noted(call, &parsed.info);
        Ok(ImportedReport { report: parsed.info, rows: parsed.rows.into_iter().map(ImportedRow::of).collect() })
    }
}

/// A report, row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportedReport {
    /// Of when it is, and what was noticed.
    pub report: ReportInfo,
    /// The rows.
    pub rows: Vec<ImportedRow>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportedRow {
    /// The row's line in the file.
    pub line: u64,
    /// Whose; absent in a report by classroom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<Student>,
    /// The fields that are text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// The fields that are numbers; a percentage of 85 is 85.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, f64>,
    /// The columns for weeks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weeks: Vec<Week>,
    /// Every other column, by its header.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ImportedRow {
    fn of(row: ParsedRow) -> Self {
        Self {
            line: row.line,
            student: row.student,
            texts: row.texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
            numbers: row.numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect(),
            weeks: row.weeks,
            extra: row.extra,
        }
    }
}

/// For the audit trail: which file it was and how much of it was read.
pub(super) fn noted(call: &Call<'_, KhanAcademy>, info: &ReportInfo) {
    call.note("reportKind", info.kind.name());
    call.note("reportSha256", info.fingerprint.as_str());
    call.note("rows", info.row_count);
}
