use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Error;

/// A telephone number in E.164 form: `+`, a country code that does not begin with 0, 7 to 15 digits in all.
///
/// Source: ITU-T Recommendation E.164.
///
/// ```
/// use sis_integrations::PhoneNumber;
///
/// let number: PhoneNumber = "+15551234567".parse().unwrap();
/// assert_eq!(number.as_str(), "+15551234567");
/// assert!("555-1234".parse::<PhoneNumber>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    const RULE: &'static str = "must be a telephone number in E.164 form, such as +15551234567: '+', the country code \
                                (which never begins with 0), then the number, digits only";

    /// The number as text, `+` first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let fits = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text.to_owned())) } else { Err(Error::invalid("", Self::RULE)) }
    }
}

impl TryFrom<&str> for PhoneNumber {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|e: Error| serde::de::Error::custom(e.message()))
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number is personal data: `Debug` shows only its last two digits.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber(…{})", &self.0[self.0.len() - 2..])
    }
}

impl JsonSchema for PhoneNumber {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PhoneNumber".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^\\+[1-9][0-9]{6,14}$",
            "description": "A telephone number in E.164 form.",
            "examples": ["+15551234567"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164() {
        for good in ["+15551234567", "+1234567890", "+4930123456", "+123456789012345"] {
            assert!(good.parse::<PhoneNumber>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "+",
            "5551234567x",
            "+0987654321",
            "+1 555 123 4567",
            "+1555123456a",
            "+1234567890123456",
            "+１２３４５６７",
        ] {
            let error = bad.parse::<PhoneNumber>().unwrap_err();
            assert!(bad.len() < 3 || !error.to_string().contains(bad), "the number is not repeated: {error}");
        }
    }
}
