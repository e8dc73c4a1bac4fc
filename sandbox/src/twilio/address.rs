//! Who a message or call goes to and comes from.

/// The way a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Sms,
    WhatsApp,
}

/// Splits `whatsapp:+1…` into channel and number.
pub(super) fn split(address: &str) -> (Channel, &str) {
    match address.strip_prefix("whatsapp:") {
        Some(number) => (Channel::WhatsApp, number),
        None => (Channel::Sms, address),
    }
}

/// Whether the text is a telephone number in E.164: a plus and 8 to 15 digits, in the North American plan ten after
/// the 1, the first of them not 0 or 1.
pub(super) fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else {
        return false;
    };
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let fits = match digits.strip_prefix('1') {
        Some(national) => national.len() == 10 && national.as_bytes()[0] >= b'2',
        None => (8..=15).contains(&digits.len()) && !digits.starts_with('0'),
    };
    plain && fits
}

/// Whether the text is a short code: five or six digits.
pub(super) fn is_short_code(text: &str) -> bool {
    matches!(text.len(), 5 | 6) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// `(415) 555-0100` for North American numbers; others as they are.
pub(super) fn national(number: &str) -> String {
    match number.strip_prefix("+1") {
        Some(digits) if digits.len() == 10 && digits.is_ascii() => {
            format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..])
        }
        _ => number.to_owned(),
    }
}

/// Country and calling code of a number, for the few countries the look-alike knows.
pub(super) fn country(number: &str) -> Option<(&'static str, &'static str)> {
    // The longer codes stand first.
    const CODES: &[(&str, &str)] = &[
        ("353", "IE"),
        ("1", "US"),
        ("33", "FR"),
        ("44", "GB"),
        ("49", "DE"),
        ("52", "MX"),
        ("61", "AU"),
        ("91", "IN"),
    ];
    let digits = number.strip_prefix('+')?;
    CODES.iter().find(|(code, _)| digits.starts_with(code)).copied()
}

/// The country of a number with Canada told from the United States where the area code is well known.
pub(super) fn iso_country(number: &str) -> Option<&'static str> {
    const CANADA: &[&str] =
        &["204", "250", "403", "416", "418", "506", "514", "604", "613", "647", "709", "780", "902"];
    let (_, iso) = country(number)?;
    let canadian = iso == "US" && number.get(2..5).is_some_and(|area| CANADA.contains(&area));
    Some(if canadian { "CA" } else { iso })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e164_is_told_from_what_only_looks_like_it() {
        for good in ["+15005550006", "+14155550100", "+447772000001", "+4930123456"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in [
            "",
            "+",
            "15005550006",
            "+1500555000",
            "+150055500066",
            "+10055500066",
            "+0123456789",
            "+4477a2000001",
            "+1234",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn whatsapp_addresses_split() {
        assert_eq!(split("whatsapp:+14155550100"), (Channel::WhatsApp, "+14155550100"));
        assert_eq!(split("+14155550100"), (Channel::Sms, "+14155550100"));
    }

    #[test]
    fn countries_come_from_the_calling_code() {
        assert_eq!(iso_country("+14165550100"), Some("CA"));
        assert_eq!(iso_country("+14155550100"), Some("US"));
        assert_eq!(iso_country("+447772000001"), Some("GB"));
        assert_eq!(national("+14155550100"), "(415) 555-0100");
    }
}
