//! What stands in one cell: a number, a week, or text that a spreadsheet would take for a formula.

use jiff::{ToSpan, civil::Date};

/// A cell as text that is safe to show in a spreadsheet, and whether it had to be changed.
///
/// A cell that begins as a formula does gets an apostrophe before it, which spreadsheets take for "this is text" and do
/// not show. `="00123"`, by which exports keep leading zeros, is the text between the quotes.
pub(super) fn tame(cell: &str) -> (String, bool) {
    if let Some(inner) = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'))
        && !inner.contains('"')
        && !begins_formula(inner)
    {
        return (inner.to_owned(), true);
    }
    if begins_formula(cell) && !is_signed_number(cell) { (format!("'{cell}"), true) } else { (cell.to_owned(), false) }
}

fn is_signed_number(cell: &str) -> bool {
    [Decimal::Point, Decimal::Comma].into_iter().any(|decimal| number(cell, decimal).is_some())
}

fn begins_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) && !is_blank(cell)
}

/// Whether a cell only says that there is nothing in it.
pub(super) fn is_blank(cell: &str) -> bool {
    matches!(cell, "" | "-" | "--" | "–" | "—" | "N/A" | "n/a" | "NA")
}

/// Which sign a file has before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decimal {
    Point,
    Comma,
}

/// A number as reports write it: `85`, `85%`, `1,234`, `12.5`; with a decimal comma `12,5` and `1.234,5`. There `1.234` is
/// none: it may be meant either way.
pub(super) fn number(cell: &str, decimal: Decimal) -> Option<f64> {
    match decimal {
        Decimal::Point => pointed(cell),
        Decimal::Comma if is_ambiguous(cell) => None,
        // 12.5 can be nothing else, also where commas are usual.
        Decimal::Comma if cell.matches('.').count() == 1 && !cell.contains(',') => pointed(cell),
        Decimal::Comma if cell.matches(',').count() > 1 => None,
        Decimal::Comma => {
            let swap = |sign| match sign {
                ',' => '.',
                '.' => ',',
                other => other,
            };
            pointed(&cell.chars().map(swap).collect::<String>())
        }
    }
}

/// Whether a number of a file with decimal commas has one point with three digits behind it: a thousand or a fraction.
pub(super) fn is_ambiguous(cell: &str) -> bool {
    let plain = cell.strip_suffix('%').unwrap_or(cell).trim_end();
    plain
        .split_once('.')
        .is_some_and(|(_, behind)| behind.len() == 3 && behind.bytes().all(|sign| sign.is_ascii_digit()))
}

fn pointed(cell: &str) -> Option<f64> {
    let plain = cell.strip_suffix('%').unwrap_or(cell).trim_end();
    let digits = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    let good = digits.starts_with(|sign: char| sign.is_ascii_digit())
        && digits.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, '.' | ','));
    if !good {
        return None;
    }
    let grouped = digits.contains(',');
    let whole = digits.split('.').next().unwrap_or_default();
    // A comma groups thousands; as a decimal sign it would make 85,5 into 855.
    if grouped
        && !whole.split(',').enumerate().all(|(at, part)| if at == 0 { part.len() <= 3 } else { part.len() == 3 })
    {
        return None;
    }
    plain.replace(',', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// The week that a header names: its first and last day, where one day stands for its Monday and Sunday.
pub(super) fn week(header: &str) -> Option<(Date, Date)> {
    if let Some(first) = day(header) {
        return Some((first, first.checked_add(6.days()).ok()?));
    }
    let (first, last) = [" - ", " – ", "–", " to ", "_"].into_iter().find_map(|between| header.split_once(between))?;
    let (first, last) = (day(first)?, day(last)?);
    (first <= last).then_some((first, last))
}

/// A day: `2026-11-23`, `20261123` or, as in the US, `11/23/2026`.
pub(super) fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.contains('/') {
        return Date::strptime("%m/%d/%Y", text).ok();
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Date::strptime("%Y%m%d", text).ok();
    }
    if text.len() == 10 { Date::strptime("%Y-%m-%d", text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn formulas_become_text() {
        for (cell, text, changed) in [
            ("=HYPERLINK(\"https://evil.example\",\"x\")", "'=HYPERLINK(\"https://evil.example\",\"x\")", true),
            ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0", true),
            ("@SUM(A1)", "'@SUM(A1)", true),
            ("-2+3", "'-2+3", true),
            ("=\"00123\"", "00123", true),
            ("=\"=1\"", "'=\"=1\"", true),
            ("-5", "-5", false),
            ("+12.5", "+12.5", false),
            ("-", "-", false),
            ("Jane", "Jane", false),
        ] {
            assert_eq!(tame(cell), (text.to_owned(), changed), "{cell}");
        }
    }

    #[test]
    fn numbers() {
        for (cell, expected) in
            [("85", 85.0), ("85%", 85.0), ("85 %", 85.0), ("1,234", 1234.0), ("1,234,567.5", 1_234_567.5), ("-3", -3.0)]
        {
            assert_eq!(number(cell, Decimal::Point), Some(expected), "{cell}");
        }
        for cell in ["", "85,5", "1,23,456", "1e9", "NaN", "inf", "1.2.3", "0x10", "many", ".5", "=1"] {
            assert_eq!(number(cell, Decimal::Point), None, "{cell}");
        }
        for (cell, expected) in [
            ("0,875", 0.875),
            ("12,345", 12.345),
            ("85,5 %", 85.5),
            ("1.234,5", 1234.5),
            ("1.234.567", 1_234_567.0),
            ("12.5", 12.5),
            ("-3,5", -3.5),
            ("85", 85.0),
        ] {
            assert_eq!(number(cell, Decimal::Comma), Some(expected), "{cell}");
        }
        for cell in ["1.234", "1.234%", "1,234,567", "1.23.4", "1,2.345", "", "many", ",5"] {
            assert_eq!(number(cell, Decimal::Comma), None, "{cell}");
        }
    }

    #[test]
    fn weeks() {
        let expected = Some((date(2026, 11, 16), date(2026, 11, 22)));
        for header in
            ["2026-11-16", "20261116_20261122", "11/16/2026 - 11/22/2026", "2026-11-16 to 2026-11-22", "11/16/2026"]
        {
            assert_eq!(week(header), expected, "{header}");
        }
        for header in ["Student Name", "", "2026-11-22 to 2026-11-16", "11/16", "99999999", "9999-12-31"] {
            assert_eq!(week(header), None, "{header}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_cell_begins_a_formula(cell in "\\PC{0,20}") {
            let (text, _) = tame(&cell);
            proptest::prop_assert!(!begins_formula(&text) || is_signed_number(&text), "{text}");
            let _ = week(&cell);
        }
    }
}
