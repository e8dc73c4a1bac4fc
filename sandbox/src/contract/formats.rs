//! String formats that vendors use and JSON Schema does not know.

type Check = fn(&str) -> bool;

/// Name and check.
pub(super) const FORMATS: &[(&str, Check)] = &[
    ("currency", |text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic())),
    ("date-time-rfc-2822", |text| jiff::fmt::rfc2822::parse(text).is_ok()),
    ("http-method", |text| matches!(text, "GET" | "POST" | "PUT" | "PATCH" | "DELETE")),
    ("int32", |_| true),
    ("iso-country-code", |text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())),
    ("phone-number", is_phone_number),
];

/// A number in E.164, a short code or an alphanumeric sender, behind a channel if one is named.
fn is_phone_number(text: &str) -> bool {
    let address = text.strip_prefix("whatsapp:").unwrap_or(text);
    match address.strip_prefix('+') {
        Some(digits) => (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => {
            !address.is_empty()
                && address.len() <= 11
                && address.bytes().all(|c| c.is_ascii_alphanumeric() || c == b' ')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_phone_number;

    #[test]
    fn phone_numbers_are_those_of_the_wire() {
        for good in ["+15005550006", "whatsapp:+14155550100", "12345", "School"] {
            assert!(is_phone_number(good), "{good}");
        }
        for bad in ["", "+", "+1 415 555", "(415) 555-0100", "whatsapp:"] {
            assert!(!is_phone_number(bad), "{bad}");
        }
    }
}
