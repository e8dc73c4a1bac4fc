//! Which column of a file is which field, and a row by its fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    cells::{Decimal, is_ambiguous, is_blank, number, tame, week},
    kinds::{Column, ReportKind, SIS_ID},
    progress::Week,
    report::{Student, Suspicious},
    table::{self, Row, Table},
};
use crate::error::{Error, Result};

/// A row by its fields.
pub(super) struct ParsedRow {
    pub(super) line: u64,
    pub(super) student: Option<Student>,
    pub(super) texts: BTreeMap<&'static str, String>,
    pub(super) numbers: BTreeMap<&'static str, f64>,
    pub(super) weeks: Vec<Week>,
    pub(super) extra: Map<String, Value>,
}

impl ParsedRow {
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.texts.get(field).cloned()
    }

    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.numbers.get(field).copied()
    }
}

/// Which column of the file is what.
pub(super) struct Layout {
    pub(super) kind: ReportKind,
    fields: Vec<(Column, usize)>,
    weeks: Vec<(usize, jiff::civil::Date, jiff::civil::Date)>,
    others: Vec<usize>,
}

pub(super) fn find(table: &Table, column: &Column) -> Option<usize> {
    let at = |header: &&str| table.headers.iter().position(|found| found.eq_ignore_ascii_case(header));
    column.headers.iter().find_map(at)
}

impl Layout {
    pub(super) fn of(kind: ReportKind, field: &str, table: &Table, named: &BTreeMap<String, String>) -> Result<Self> {
        if let Some(unknown) = named.keys().find(|name| !kind.columns().iter().any(|column| column.field == *name)) {
            let known: Vec<_> = kind.columns().iter().map(|column| column.field).collect();
            let known = format!("is no field of a report of kind {}; it has {}", kind.name(), known.join(", "));
            let shown: String = unknown.chars().filter(|sign| sign.is_ascii_alphanumeric()).take(40).collect();
            return Err(Error::invalid(format!("report.columns.{shown}"), known));
        }
        let mut fields = Vec::new();
        let mut missing = Vec::new();
        for column in kind.columns() {
            let at = match named.get(column.field).map(|header| tame(&table::squeezed(header)).0) {
                Some(header) if header.is_empty() => continue,
                Some(header) => {
                    table.headers.iter().position(|found| found.eq_ignore_ascii_case(&header)).ok_or_else(|| {
                        Error::invalid(
                            format!("report.columns.{}", column.field),
                            format!("names a header that the file does not have{}", found(table, kind)),
                        )
                    })?
                }
                None => match find(table, column) {
                    Some(at) => at,
                    None if column.required => {
                        missing.push(*column);
                        continue;
                    }
                    None => continue,
                },
            };
            fields.push((*column, at));
        }
        if let Some(first) = missing.first() {
            let names: Vec<_> = missing.iter().map(|column| format!("'{}'", column.headers[0])).collect();
            return Err(Error::invalid(
                field,
                format!(
                    "has no column {}, which a report of kind {} needs{}. If the column has another name, say so in \
                     report.columns, such as {{\"{}\": \"its header\"}}; nothing was imported",
                    names.join(", "),
                    kind.name(),
                    found(table, kind),
                    first.field
                ),
            ));
        }
        let free: Vec<usize> =
            (0..table.headers.len()).filter(|at| !fields.iter().any(|(_, taken)| taken == at)).collect();
        let mut weeks = Vec::new();
        if kind.is_weekly() {
            weeks = free.iter().filter_map(|at| week(&table.headers[*at]).map(|(from, to)| (*at, from, to))).collect();
            if weeks.is_empty() {
                let message = format!(
                    "has no column for a week, such as '2026-11-16', which a report of kind {} needs{}",
                    kind.name(),
                    found(table, kind)
                );
                return Err(Error::invalid(field, message));
            }
        }
        let others = free.into_iter().filter(|at| !weeks.iter().any(|(taken, ..)| taken == at)).collect();
        Ok(Self { kind, fields, weeks, others })
    }

    /// The same for a file that is to be imported, and not only looked at for its kind.
    pub(super) fn checked(
        kind: ReportKind,
        field: &str,
        table: &Table,
        named: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let layout = Self::of(kind, field, table, named)?;
        check_ids(kind, field, table, named)?;
        Ok(layout)
    }

    pub(super) fn named(&self, table: &Table) -> BTreeMap<String, String> {
        self.fields.iter().map(|(column, at)| (column.field.to_owned(), table.headers[*at].clone())).collect()
    }

    /// One row. A number that is none names its line and column, and never repeats what stands there.
    pub(super) fn row(
        &self,
        field: &str,
        table: &Table,
        row: &Row,
        suspicious: &mut Vec<Suspicious>,
    ) -> Result<ParsedRow> {
        let (headers, decimal) = (&table.headers, table.decimal);
        let mut parsed = ParsedRow {
            line: row.line,
            student: None,
            texts: BTreeMap::new(),
            numbers: BTreeMap::new(),
            weeks: Vec::new(),
            extra: Map::new(),
        };
        let mut tamed = |at: usize| {
            let (text, changed) = tame(&row.cells[at]);
            if changed {
                suspicious.push(Suspicious { line: row.line, column: headers[at].clone() });
            }
            (text, changed)
        };
        let no_number = |at: usize| {
            let header = &headers[at];
            let either = decimal == Decimal::Comma && is_ambiguous(&row.cells[at]);
            let why =
                if either { ", and may be thousands or a fraction where commas stand before decimals" } else { "" };
            Err(Error::invalid(
                field,
                format!("line {}, column '{header}': must be a number{why}; nothing was imported", row.line),
            ))
        };
        for (column, at) in &self.fields {
            let cell = &row.cells[*at];
            if let Some(number) = number(cell, decimal).filter(|_| column.number) {
                parsed.numbers.insert(column.field, number);
                continue;
            }
            if is_blank(cell) {
                continue;
            }
            let (text, changed) = tamed(*at);
            match (column.number, changed) {
                (false, _) => {
                    parsed.texts.insert(column.field, text);
                }
                // A formula where a number belongs is no number, and is kept as the text it is.
                (true, true) => {
                    parsed.extra.insert(headers[*at].clone(), text.into());
                }
                (true, false) => return no_number(*at),
            }
        }
        for (at, from, to) in &self.weeks {
            let cell = &row.cells[*at];
            match number(cell, decimal) {
                Some(value) => {
                    parsed.weeks.push(Week { from: from.to_string(), to: to.to_string(), value: Some(value) })
                }
                None if is_blank(cell) => {
                    parsed.weeks.push(Week { from: from.to_string(), to: to.to_string(), value: None });
                }
                None => {
                    let (text, changed) = tamed(*at);
                    if !changed {
                        return no_number(*at);
                    }
                    parsed.extra.insert(headers[*at].clone(), text.into());
                }
            }
        }
        for at in &self.others {
            let (text, _) = tamed(*at);
            parsed.extra.insert(headers[*at].clone(), text.into());
        }
        if self.kind != ReportKind::ClassroomMastery {
            let student = Student {
                sis_id: parsed.texts.remove("sisId"),
                email: parsed.texts.remove("studentEmail").map(|email| email.to_lowercase()),
                name: parsed.texts.remove("studentName"),
            };
            if student == (Student { sis_id: None, email: None, name: None }) {
                let message = format!("line {} names no student; nothing was imported", row.line);
                return Err(Error::invalid(field, message));
            }
            parsed.student = Some(student);
        }
        Ok(parsed)
    }

    /// What a row is about: the student by the best there is, and the fields that tell rows of one student apart.
    pub(super) fn subject(&self, row: &ParsedRow) -> Vec<Option<String>> {
        let student = row.student.as_ref();
        let known = student.and_then(|s| s.sis_id.clone().or_else(|| s.email.clone()).or_else(|| s.name.clone()));
        let keys = self.fields.iter().filter(|(column, _)| column.key).map(|(column, _)| row.text(column.field));
        std::iter::once(known).chain(keys).collect()
    }
}

/// Refuses a file that seems to have the students' ids under another header: rows that nobody could be found by would be
/// kept as if the file had no such column. A teacher's export has none, and is taken without.
fn check_ids(kind: ReportKind, field: &str, table: &Table, named: &BTreeMap<String, String>) -> Result<()> {
    let Some(column) = kind.columns().iter().find(|column| column.field == SIS_ID) else { return Ok(()) };
    if named.contains_key(SIS_ID) || find(table, column).is_some() {
        return Ok(());
    }
    let looks_so = |header: &&String| {
        let words: Vec<String> = header.split(|sign: char| !sign.is_alphanumeric()).map(str::to_lowercase).collect();
        let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
        has(&["sis"])
            || (has(&["student", "learner", "pupil"]) && has(&["id", "ids", "number", "no", "nr", "identifier"]))
    };
    let Some(header) = table.headers.iter().find(looks_so) else { return Ok(()) };
    let header: String = header.chars().take(40).collect();
    Err(Error::invalid(
        field,
        format!(
            "has no column '{}', but '{header}', which may be the same. If it is, say so in report.columns: \
             {{\"{SIS_ID}\": \"{header}\"}}; if it is not, {{\"{SIS_ID}\": \"\"}}; nothing was imported",
            column.headers.first().unwrap_or(&SIS_ID),
        ),
    ))
}

/// The headers of the file, for an error. Where none is known, its first line is no header, and may hold names.
fn found(table: &Table, kind: ReportKind) -> String {
    let known = |header: &&String| {
        let is = |column: &Column| column.headers.iter().any(|name| name.eq_ignore_ascii_case(header));
        kind.columns().iter().any(is)
    };
    if !table.headers.iter().any(|header| known(&header)) {
        return "; no header of the file is known, so that its first line may be none".into();
    }
    let headers: Vec<_> = table.headers.iter().map(|header| header.chars().take(40).collect::<String>()).collect();
    format!("; found are '{}'", headers[..headers.len().min(30)].join("', '"))
}
