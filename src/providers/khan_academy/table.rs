//! CSV to rows that are all there: a file that is cut off or broken gives an error with its line, and no row at all.

use std::collections::HashSet;

use super::cells::{Decimal, tame};
use crate::error::{Error, ErrorCode, Result};

/// The most bytes of a report.
const LARGEST: usize = 8 << 20;
/// The most rows.
const MOST_ROWS: usize = 100_000;
/// The most columns.
const MOST_COLUMNS: usize = 500;

/// A file with a header, read whole.
pub(super) struct Table {
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Whether the last line lacks its end: it may have been cut within its last cell, which nothing else shows.
    pub(super) open_end: bool,
    pub(super) decimal: Decimal,
    /// Headers that would be formulas in a spreadsheet, as the text they were made into.
    pub(super) formulas: Vec<Header>,
}

/// A header and its line.
pub(super) struct Header {
    pub(super) line: u64,
    pub(super) name: String,
}

pub(super) struct Row {
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

/// Refuses a file that is too large; `field` says which argument it came in.
pub(super) fn check_size(field: &str, size: usize) -> Result<()> {
    if size > LARGEST {
        let most = LARGEST >> 20;
        return Err(Error::new(
            ErrorCode::TooLarge,
            format!("has more than {most} MB: export a shorter period or one course"),
        )
        .with_field(field));
    }
    Ok(())
}

/// Reads a file; `field` says which argument it came in.
pub(super) fn read(field: &str, text: &str) -> Result<Table> {
    let refuse = |message: String| Err(Error::invalid(field, message));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\u{fffd}') {
        return refuse("was read in the wrong encoding before it came here (it holds U+FFFD): pass the file's bytes in report.base64".into());
    }
    let delimiter = delimiter(text);
    if let Some(line) = open_quote(text, delimiter) {
        return refuse(format!(
            "ends within a quoted cell that begins in line {line}: the file is cut off; nothing was imported"
        ));
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut lines = Lines { bytes: text.as_bytes(), counted: 0, line: 1 };
    let mut headers = Vec::new();
    let mut formulas = Vec::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        let Ok(record) = record else { return refuse("cannot be read as CSV".into()) };
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        if headers.is_empty() {
            headers = read_headers(field, &record, line, &mut formulas)?;
            continue;
        }
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if record.len() != headers.len() {
            return refuse(format!(
                "line {line} has {} cells where the header has {}: the file is cut off there or the row is broken; \
                 nothing was imported",
                record.len(),
                headers.len()
            ));
        }
        if rows.len() == MOST_ROWS {
            return Err(Error::new(ErrorCode::TooLarge, format!("has more than {MOST_ROWS} rows")).with_field(field));
        }
        rows.push(Row { line, cells: record.iter().map(|cell| cell.trim().to_owned()).collect() });
    }
    if rows.is_empty() {
        return refuse("holds no row below the header: the file is cut off, or the export found nothing".into());
    }
    let decimal = if delimiter == b';' { Decimal::Comma } else { Decimal::Point };
    Ok(Table { headers, rows, open_end: !text.ends_with(['\n', '\r']), decimal, formulas })
}

/// Tells lines as an editor counts them. The csv crate's own count is where it began to look for a record: before the end
/// of the line above, where that has two characters, and before empty lines.
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record for which was looked from `begin` on; each call's `begin` is behind the one before.
    fn at(&mut self, begin: u64) -> u64 {
        let mut begin = usize::try_from(begin).unwrap_or(usize::MAX).min(self.bytes.len());
        begin += self.bytes[begin..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let passed = self.bytes.get(self.counted..begin).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = self.counted.max(begin);
        self.line
    }
}

/// A column without a name has its number: nothing in it is lost.
fn read_headers(field: &str, record: &csv::StringRecord, line: u64, formulas: &mut Vec<Header>) -> Result<Vec<String>> {
    if record.len() > MOST_COLUMNS {
        return Err(Error::invalid(field, format!("has more than {MOST_COLUMNS} columns")));
    }
    let mut seen = HashSet::new();
    let mut headers = Vec::new();
    for (at, name) in record.iter().enumerate() {
        let name = if name.trim().is_empty() { format!("column {}", at + 1) } else { squeezed(name) };
        let (name, changed) = tame(&name);
        if changed {
            formulas.push(Header { line, name: name.clone() });
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::invalid(field, format!("columns {} and an earlier one have the same header", at + 1)));
        }
        headers.push(name);
    }
    Ok(headers)
}

/// A header without spaces around it, and with one for each run of them within.
pub(super) fn squeezed(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Excel writes semicolons where the comma is the decimal sign; some copy with tabs.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |sign: u8| header.bytes().filter(|byte| *byte == sign).count();
    [b';', b'\t'].into_iter().fold(b',', |best, sign| if count(sign) > count(best) { sign } else { best })
}

/// The line in which a quote is opened that is never closed. The csv crate takes the end of the file for its end.
fn open_quote(text: &str, delimiter: u8) -> Option<usize> {
    let (mut line, mut opened, mut fresh) = (1, None, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, opened) {
            (b'"', None) if fresh => opened = Some(line),
            // A quote in quotes is written twice.
            (b'"', Some(_)) if bytes.next_if_eq(&b'"').is_none() => opened = None,
            _ => {}
        }
        line += usize::from(byte == b'\n');
        fresh = opened.is_none() && (byte == delimiter || byte == b'\n' || byte == b'\r');
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_ends_stay_in_their_cells() {
        let table =
            read("f", "\u{feff}Name , Note\r\n\"Doe, Jane\",\"two\r\nlines \"\"q\"\"\"\r\n\r\n,\r\nX,5\" pipe\r\n")
                .unwrap();
        assert_eq!(table.headers, ["Name", "Note"]);
        assert_eq!(table.rows[0].cells, ["Doe, Jane", "two\r\nlines \"q\""]);
        assert_eq!((table.rows[0].line, table.rows[1].line, table.rows.len()), (2, 6, 2));
        assert!(!table.open_end);
        assert_eq!(read("f", "a;b;c,d\n1;2;3\n").unwrap().headers, ["a", "b", "c,d"]);
        assert_eq!(read("f", "a\tb\n1\t2").unwrap().rows[0].cells, ["1", "2"]);
        assert!(read("f", "a\tb\n1\t2").unwrap().open_end);
        assert_eq!(read("f", "a,,b\n1,kept,2\n").unwrap().headers[1], "column 2");
    }

    #[test]
    fn a_formula_in_a_header_becomes_text_and_is_named() {
        let table =
            read("f", "\nName,\"=HYPERLINK(\"\"https://evil.example\"\")\",\"=\"\"Score\"\"\"\nX,1,2\n").unwrap();
        assert_eq!(table.headers, ["Name", "'=HYPERLINK(\"https://evil.example\")", "Score"]);
        let named: Vec<(u64, &str)> = table.formulas.iter().map(|header| (header.line, &*header.name)).collect();
        assert_eq!(named, [(2, "'=HYPERLINK(\"https://evil.example\")"), (2, "Score")]);
        assert_eq!(read("f", "a;b\n1;2\n").unwrap().decimal, Decimal::Comma);
        assert_eq!(read("f", "a,b\n1,2\n").unwrap().decimal, Decimal::Point);
    }

    #[test]
    fn what_is_broken_is_refused_with_its_line() {
        for (text, words) in [
            ("", "no row"),
            ("a,b\n", "no row"),
            ("a,b\n1,2\n3", "line 3 has 1 cells"),
            ("a,b\n1,2,3\n4,5\n", "line 2 has 3 cells"),
            ("a,b\n1,2\n3,\"4", "begins in line 3"),
            ("a,b\n1,\"2\n3,4\n5,6\n", "begins in line 2"),
            ("a,A\n1,2\n", "same header"),
            ("a,b\nJos\u{fffd},2\n", "wrong encoding"),
        ] {
            let error = read("f", text).err().unwrap_or_else(|| panic!("{text:?} was read"));
            assert_eq!(error.field(), Some("f"));
            assert!(error.message().contains(words), "{text:?}: {error}");
        }
        assert_eq!(check_size("f", LARGEST + 1).unwrap_err().code(), ErrorCode::TooLarge);
        let many = "a\n".to_owned() + &"1\n".repeat(MOST_ROWS + 1);
        assert_eq!(read("f", &many).err().unwrap().code(), ErrorCode::TooLarge);
    }

    proptest::proptest! {
        /// A file that is cut anywhere but at the end of a line is refused, or says that its last line is open.
        #[test]
        fn a_cut_shows(at in 0usize..100) {
            let whole = "Name,Note,Score\n\"Doe, Jane\",\"a \"\"b\"\" c\",10\nJohn Roe,x,20\nSue Poe,\"y,z\",30\n";
            let at = at.min(whole.len());
            let cut = &whole[..at];
            if let Ok(table) = read("f", cut) {
                proptest::prop_assert!(table.open_end || cut.ends_with('\n'), "{cut:?}");
            }
        }

        #[test]
        fn any_text(text in "[a,;\"\n\r\t =é]{0,60}") {
            let _ = read("f", &text);
        }
    }
}
