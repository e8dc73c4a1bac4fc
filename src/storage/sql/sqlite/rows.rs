//! Reading: rows to records.

use std::{collections::HashMap, rc::Rc};

use rusqlite::{Connection, types::ValueRef};

use super::{
    batch::{Batch, select_row, unreadable},
    errors,
};
use crate::{
    error::Result,
    model::Timestamp,
    storage::{Key, Kind, Record, Row, Table, Value, rules, sql::statements::Answer},
};

/// A connection that reads.
pub(super) struct Reader {
    pub(super) connection: Connection,
    selects: HashMap<usize, Rc<str>>,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, selects: HashMap::new() }
    }

    /// The row of that key.
    pub(super) fn row(&mut self, key: &Key) -> Result<Option<Record>> {
        let table = key.table;
        let address = std::ptr::from_ref(table).addr();
        let sql = self.selects.entry(address).or_insert_with(|| select_row(table).into()).clone();
        Ok(self.records(table, &sql, &Batch::of_key(key))?.pop())
    }

    /// The rows that a statement of all columns finds.
    pub(super) fn records(&mut self, table: &'static Table, sql: &str, parameters: &Batch) -> Result<Vec<Record>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(errors::mapped)?;
        parameters.bind_all(&mut statement).map_err(errors::mapped)?;
        let mut rows = statement.raw_query();
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(errors::mapped)? {
            records.push(record(table, row)?);
        }
        Ok(records)
    }

    /// The rows of groups and measures.
    pub(super) fn groups(
        &mut self,
        table: &'static Table,
        sql: &str,
        parameters: &Batch,
        answers: &[Answer],
    ) -> Result<Vec<Row>> {
        let failed = |error| {
            if errors::is_overflow(&error) { rules::too_large(table) } else { errors::mapped(error) }
        };
        let mut statement = self.connection.prepare_cached(sql).map_err(errors::mapped)?;
        parameters.bind_all(&mut statement).map_err(errors::mapped)?;
        let mut rows = statement.raw_query();
        let mut groups = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let mut group = Vec::with_capacity(answers.len());
            for (n, answer) in answers.iter().enumerate() {
                let stored = row.get_ref(n).map_err(errors::mapped)?;
                group.push(value(stored, answer.kind).ok_or_else(|| unreadable(table, answer.name))?);
            }
            groups.push(group);
        }
        Ok(groups)
    }
}

fn record(table: &'static Table, row: &rusqlite::Row<'_>) -> Result<Record> {
    let text = |n| match row.get_ref(n) {
        Ok(ValueRef::Text(text)) => std::str::from_utf8(text).ok(),
        _ => None,
    };
    let tenant = text(0).and_then(rules::tenant).ok_or_else(|| unreadable(table, "tenant_id"))?;
    let id = text(1).ok_or_else(|| unreadable(table, "id"))?;
    let version = match row.get_ref(2) {
        Ok(ValueRef::Integer(version)) => u64::try_from(version).ok(),
        _ => None,
    };
    let version = version.ok_or_else(|| unreadable(table, "row_version"))?;
    let mut values = Vec::with_capacity(table.columns.len());
    for (n, column) in table.columns.iter().enumerate() {
        let stored = row.get_ref(n + 3).map_err(errors::mapped)?;
        let read = value(stored, column.kind).filter(|value| column.nullable || *value != Value::Null);
        values.push(read.ok_or_else(|| unreadable(table, column.name))?);
    }
    Ok(Record::from_values(Key::new(table, &tenant, id), version, values))
}

fn value(stored: ValueRef<'_>, kind: Kind) -> Option<Value> {
    Some(match (stored, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Text(text), Kind::Text | Kind::Json) => {
            Value::Text(std::str::from_utf8(text).ok()?.to_owned().into())
        }
        (ValueRef::Text(text), Kind::Timestamp) => Value::Timestamp(moment(std::str::from_utf8(text).ok()?)?),
        (ValueRef::Integer(number), Kind::Integer) => Value::Integer(number),
        (ValueRef::Integer(0), Kind::Boolean) => Value::Boolean(false),
        (ValueRef::Integer(1), Kind::Boolean) => Value::Boolean(true),
        (ValueRef::Real(number), Kind::Real) => Value::Real(number),
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_vec()),
        _ => return None,
    })
}

/// Reads `2026-11-24T19:03:32.123456Z`. A page of a thousand rows has thousands of them, and the general parser is
/// many times slower; it takes what somebody else wrote in another form.
fn moment(text: &str) -> Option<Timestamp> {
    fixed_width(text.as_bytes()).or_else(|| text.parse().ok())
}

fn fixed_width(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; 27] = text.try_into().ok()?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if separators.iter().any(|(at, separator)| text[*at] != *separator) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0i64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, micros) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > month_length || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days from a civil date (Howard Hinnant's algorithm), the way back from `Timestamp`'s Display.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    Some(Timestamp::from_micros((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_are_none_are_not_read() {
        for text in [
            "",
            "2026-02-29T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-01T00:00:00.000000Z",
            "2026-01-00T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "2026-01-01 00:00:00.000000Z",
            "2026-01-01T00:00:00.00000+Z",
        ] {
            assert_eq!(fixed_width(text.as_bytes()), None, "{text}");
        }
        assert_eq!(moment("1970-01-01T00:00:01Z"), Some(Timestamp::from_micros(1_000_000)));
        assert_eq!(moment("yesterday"), None);
    }

    proptest::proptest! {
        #[test]
        fn every_moment_reads_back(micros in rules::SORTABLE) {
            let moment = Timestamp::from_micros(micros);
            proptest::prop_assert_eq!(fixed_width(moment.to_string().as_bytes()), Some(moment));
        }
    }
}
