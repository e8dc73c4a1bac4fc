//! What arguments must be before they leave.

use jiff::civil::DateTime;

use crate::error::{Error, Result};

/// An id of Graph's, or a user principal name: it stands in a path, encoded.
pub(super) fn id(field: &str, value: &str) -> Result<()> {
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control() && !matches!(letter, '/' | '\\');
    if value.is_empty() || value == "." || value == ".." || value.len() > 1024 || !value.chars().all(plain) {
        return Err(Error::invalid(field, "must be an id of Microsoft's: not empty, without spaces or slashes"));
    }
    Ok(())
}

/// The same where there may be none.
pub(super) fn some_id(field: &str, value: &Option<String>) -> Result<()> {
    value.as_ref().map_or(Ok(()), |value| id(field, value))
}

/// The ids of a list.
pub(super) fn ids(field: &str, values: &[String]) -> Result<()> {
    values.iter().enumerate().try_for_each(|(at, value)| id(&format!("{field}[{at}]"), value))
}

/// Something to show.
pub(super) fn text(field: &str, value: &str, most: usize) -> Result<()> {
    match value.chars().count() {
        _ if value.trim().is_empty() => Err(Error::invalid(field, "must not be empty")),
        count if count > most => Err(Error::invalid(field, format!("has at most {most} characters"))),
        _ => Ok(()),
    }
}

/// The same where there may be none.
pub(super) fn some_text(field: &str, value: &Option<String>, most: usize) -> Result<()> {
    value.as_ref().map_or(Ok(()), |value| text(field, value, most))
}

/// A mail address. The vendor's is the last word; this finds what cannot be one.
pub(super) fn address(field: &str, value: &str) -> Result<()> {
    let good = value.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    });
    if !good || value.len() > 320 || value.contains(|letter: char| letter.is_whitespace() || ",;<>".contains(letter)) {
        return Err(Error::invalid(field, "must be one e-mail address, such as teacher@yourschool.example"));
    }
    Ok(())
}

/// At least one, and no more than so many.
pub(super) fn some<T>(field: &str, items: &[T], most: usize) -> Result<()> {
    match items.len() {
        0 => Err(Error::invalid(field, "must have at least one item")),
        count if count > most => {
            Err(Error::invalid(format!("{field}[{most}]"), format!("is one too many: at most {most} items at once")))
        }
        _ => Ok(()),
    }
}

/// How many to a page.
pub(super) fn page(size: Option<u16>) -> Result<()> {
    match size {
        Some(size) if !(1..=999).contains(&size) => Err(Error::invalid("pageSize", "must be 1 to 999")),
        _ => Ok(()),
    }
}

/// A moment with its offset, as Graph writes them: `2026-12-01T10:00:00Z`.
pub(super) fn moment(field: &str, value: &str) -> Result<jiff::Timestamp> {
    value.parse().map_err(|_| Error::invalid(field, "must be a time with its offset, such as 2026-12-01T10:00:00Z"))
}

/// The same where there may be none.
pub(super) fn some_moment(field: &str, value: &Option<String>) -> Result<Option<jiff::Timestamp>> {
    value.as_ref().map(|value| moment(field, value)).transpose()
}

/// What ends must have begun.
pub(super) fn in_order(field: &str, start: &str, end: &str, start_field: &str) -> Result<()> {
    if moment(start_field, start)? < moment(field, end)? {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be after {start_field}")))
}

/// A time on the clock of some place: `2026-12-01T10:00:00`, without an offset.
pub(super) fn wall_clock(field: &str, value: &str) -> Result<DateTime> {
    let bad = || {
        Error::invalid(
            field,
            "must be a time without an offset, such as 2026-12-01T10:00:00; its zone stands in timeZone",
        )
    };
    let offset = value.split_once('T').is_none_or(|(_, time)| time.contains(['Z', 'z', '+', '-', '[']));
    if offset { Err(bad()) } else { value.parse().map_err(|_| bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_path_is_no_id() {
        for good in ["0123", "19:abc@thread.tacv2", "AAMk-_=", "kid_outside.example#EXT#@yourschool.example", "h,g,g"] {
            assert!(id("x", good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a b", "a\nb"] {
            assert_eq!(id("x", bad).unwrap_err().field(), Some("x"), "{bad:?}");
        }
    }

    #[test]
    fn the_item_too_many_is_named() {
        assert_eq!(some("users", &[0; 21], 20).unwrap_err().field(), Some("users[20]"));
        assert_eq!(some::<u8>("users", &[], 20).unwrap_err().field(), Some("users"));
        assert!(some("users", &[0; 20], 20).is_ok());
    }

    #[test]
    fn times_say_whether_they_have_an_offset() {
        assert!(wall_clock("x", "2026-12-01T10:00:00").is_ok());
        assert!(wall_clock("x", "2026-12-01T10:00:00.0000000").is_ok());
        for bad in ["2026-12-01T10:00:00Z", "2026-12-01T10:00:00+01:00", "2026-12-01", "tomorrow", ""] {
            assert!(wall_clock("x", bad).is_err(), "{bad}");
        }
        assert!(in_order("end", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00+02:00", "start").is_err());
        assert!(in_order("end", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z", "start").is_ok());
    }

    #[test]
    fn addresses_are_one_address() {
        assert!(address("x", "o'neil+a@yourschool.example").is_ok());
        for bad in ["", "a", "a@b", "@b.c", "a@b.c, d@e.f", "A <a@b.c>", "a@.c"] {
            assert!(address("x", bad).is_err(), "{bad}");
        }
    }
}
