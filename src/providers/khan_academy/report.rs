//! A report as an argument, and how it is read: by its headers, whole or not at all.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use super::decode::Encoding;
use super::{
    cells::day,
    decode::decode,
    kinds::ReportKind,
    layout::{Layout, ParsedRow, find},
    table::{self, Table},
};
use crate::error::{Error, Result};

/// A report that somebody has exported from Khan Academy: its text or its bytes, and of when it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Report {
    /// The file's text. Either this or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The file's bytes in base64, at most 8 MB of them: the better choice, for the encoding is then found out here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The encoding of the bytes; found out where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The file's name as Khan Academy gave it: it may say the kind and the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Of when the report is: a day, or a moment by RFC 3339. Needed unless the file's name ends in its period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Which header in the file is which field, where it is not the usual one: `{"sisId": "Pupil number"}`. An empty
    /// header says that the file has no such column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
}

impl Report {
    /// A file's text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// A file's bytes.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self { base64: Some(STANDARD.encode(bytes)), ..Self::default() }
    }

    /// The same, of this day or moment.
    pub fn as_of(mut self, as_of: impl Into<String>) -> Self {
        self.as_of = Some(as_of.into());
        self
    }

    /// The same, with the name that Khan Academy gave the file.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// The same, with a field under another header.
    pub fn column(mut self, field: impl Into<String>, header: impl Into<String>) -> Self {
        self.columns.insert(field.into(), header.into());
        self
    }

    /// Refuses what cannot be read, before anything else is done with it.
    pub(super) fn validate(&self) -> Result<()> {
        let (field, size) = match (&self.text, &self.base64) {
            (Some(text), None) => ("report.text", text.len()),
            (None, Some(base64)) => ("report.base64", base64.len() / 4 * 3),
            (Some(_), Some(_)) => return Err(Error::invalid("report.base64", "must be left out beside text")),
            (None, None) => {
                return Err(Error::invalid("report.base64", "is required: the file's bytes, or text its text"));
            }
        };
        table::check_size(field, size)?;
        if self.text.is_some() && self.encoding.is_some() {
            return Err(Error::invalid("report.encoding", "must be left out beside text, which has been decoded"));
        }
        if let Some(as_of) = &self.as_of
            && day(as_of).is_none()
            && as_of.parse::<jiff::Timestamp>().is_err()
        {
            return Err(Error::invalid("report.asOf", "must be a day such as 2026-11-24, or a moment by RFC 3339"));
        }
        Ok(())
    }

    /// The text, the encoding it had, where it came in, and what stands for its bytes.
    pub(super) fn decoded(&self) -> Result<(String, Encoding, &'static str, String)> {
        self.validate()?;
        let print = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let Some(base64) = &self.base64 else {
            let text = self.text.clone().unwrap_or_default();
            let print = print(text.as_bytes());
            return Ok((text, Encoding::Utf8, "report.text", print));
        };
        let plain: String = base64.chars().filter(|sign| !sign.is_ascii_whitespace()).collect();
        let bytes = STANDARD.decode(plain).map_err(|_| Error::invalid("report.base64", "must be base64"))?;
        let (text, encoding) = decode(&bytes, self.encoding)?;
        Ok((text, encoding, "report.base64", print(&bytes)))
    }

    /// The period in the name of the file: `…_20260901_20260907.csv`.
    fn period(&self) -> Option<Period> {
        let name = self.file_name.as_deref()?;
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let (rest, last) = name.rsplit_once('_')?;
        let first = rest.rsplit_once('_').map_or(rest, |(_, first)| first);
        let (from, to) = (day(first)?, day(last)?);
        (from <= to).then(|| Period { from: from.to_string(), to: to.to_string() })
    }

    /// Reads it as one of these kinds; the only one, or the one that its name or its headers say.
    pub(super) fn read(&self, kinds: &[ReportKind]) -> Result<Parsed> {
        let (text, encoding, field, fingerprint) = self.decoded()?;
        let period = self.period();
        let as_of = self.as_of.clone().or_else(|| Some(period.as_ref()?.to.clone())).ok_or_else(|| {
            Error::invalid("report.asOf", "is required: of when the report is, or fileName with its period")
        })?;
        let table = table::read(field, &text)?;
        let kind = self.kind(field, &table, kinds)?;
        let layout = Layout::checked(kind, field, &table, &self.columns)?;
        let mut info = ReportInfo {
            kind,
            source: "import".into(),
            as_of,
            period,
            encoding,
            row_count: table.rows.len(),
            columns: layout.named(&table),
            duplicates: Vec::new(),
            conflicts: Vec::new(),
            suspicious: table
                .formulas
                .iter()
                .map(|header| Suspicious { line: header.line, column: header.name.clone() })
                .collect(),
            open_end: table.open_end,
            fingerprint,
        };
        let mut rows = Vec::with_capacity(table.rows.len());
        let (mut whole, mut about) = (HashMap::new(), HashMap::new());
        for row in &table.rows {
            if let Some(first) = whole.get(&row.cells) {
                info.duplicates.push(Repeated { line: row.line, same_as: *first });
                continue;
            }
            whole.insert(row.cells.clone(), row.line);
            let parsed = layout.row(field, &table, row, &mut info.suspicious)?;
            if let Some(first) = about.insert(layout.subject(&parsed), row.line) {
                info.conflicts.push(Repeated { line: row.line, same_as: first });
            }
            rows.push(parsed);
        }
        info.row_count = rows.len();
        Ok(Parsed { info, rows })
    }

    fn kind(&self, field: &str, table: &Table, kinds: &[ReportKind]) -> Result<ReportKind> {
        if let [only] = kinds {
            return Ok(*only);
        }
        if let Some(kind) = self.file_name.as_deref().and_then(ReportKind::of_file).filter(|kind| kinds.contains(kind))
        {
            return Ok(kind);
        }
        let fits = |kind: &&ReportKind| Layout::of(**kind, field, table, &self.columns).is_ok();
        if let Some(kind) = ReportKind::ALL.iter().filter(|kind| kinds.contains(kind)).find(fits) {
            return Ok(*kind);
        }
        // The kind of whose needed columns the file has most says what is missing of it.
        let known = |kind: &&ReportKind| {
            let there = |needed: bool| {
                kind.columns()
                    .iter()
                    .filter(|column| (column.required || !needed) && find(table, column).is_some())
                    .count()
            };
            (there(true), there(false))
        };
        let nearest = kinds.iter().rev().max_by_key(known).copied().unwrap_or(ReportKind::Overview);
        Layout::of(nearest, field, table, &self.columns).map(|layout| layout.kind)
    }
}

/// From one day to another, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Period {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
}

/// Two lines that say the same, or differ about the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Repeated {
    /// The later line.
    pub line: u64,
    /// The earlier one.
    pub same_as: u64,
}

/// A cell that a spreadsheet would have taken for a formula; it was kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Suspicious {
    /// Its line.
    pub line: u64,
    /// The header of its column.
    pub column: String,
}

/// What was read: every answer from a report says of when it is and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReportInfo {
    /// The kind of report.
    pub kind: ReportKind,
    /// Always `import`: a file that somebody exported, not an answer of Khan Academy's.
    pub source: String,
    /// Of when it is.
    pub as_of: String,
    /// The period it covers, where its name says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The encoding it had.
    pub encoding: Encoding,
    /// How many rows were read, without duplicates.
    pub row_count: usize,
    /// Under which header each field was found.
    pub columns: BTreeMap<String, String>,
    /// Lines that are left out, for an earlier one is the same to the letter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<Repeated>,
    /// Lines that tell something else than an earlier one of the same student and the same thing. Both are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Repeated>,
    /// Cells that looked like formulas, and got an apostrophe before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspicious: Vec<Suspicious>,
    /// Whether the file ends within a line: its last cell may have been cut off.
    pub open_end: bool,
    /// SHA-256 of the file, to know it again.
    pub fingerprint: String,
}

/// Whom a row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Student {
    /// The id in the school's own system: the best there is to know the student by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sis_id: Option<String>,
    /// The e-mail address, in lower case: the next best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name; two students may have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A report that was read.
pub(super) struct Parsed {
    pub(super) info: ReportInfo,
    pub(super) rows: Vec<ParsedRow>,
}
