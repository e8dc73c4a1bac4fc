use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::card_text::{holds_code, holds_number, is_code};
use crate::error::{Error, ErrorCode, Result};

/// Fields that hold a card's security code, without case and signs.
const CODE_FIELDS: &[&str] = &[
    "cvc",
    "cvv",
    "cvc2",
    "cvv2",
    "csc",
    "cardcvc",
    "cardcvv",
    "cardcode",
    "securitycode",
    "cardsecuritycode",
    "cardverificationcode",
    "cardverificationvalue",
];

/// Refuses arguments, as JSON, that hold a card's number or security code; the error names the field. PCI DSS: what never
/// enters need not be guarded.
///
/// A number is 13 to 19 digits, in one or in groups as they stand on a card, that begin like one of the card networks' and
/// pass the Luhn check (ISO/IEC 7812-1); a code is three or four digits in a field of such a name (`cvc`,
/// `securityCode`), or behind such a word in a text. Telephone numbers (`+` before them), ids and decimal fractions are
/// not looked at.
///
/// That is a suspicion and no proof: one in ten numbers passes the check by chance. An urgent operation is therefore not
/// checked. An alert that names a number must reach the parents, and a text changed on its way would be a worse alert.
pub fn refuse_card_data(arguments: &[u8]) -> Result<()> {
    let mut walk = Walk { path: String::new(), found: None };
    let mut reader = serde_json::Deserializer::from_slice(arguments);
    let read = Here(&mut walk).deserialize(&mut reader);
    if let Some(found) = walk.found {
        return Err(refusal(found).with_field(walk.path));
    }
    if read.is_err() {
        // No JSON: it is looked at as the text it is.
        if let Some(found) = look(&String::from_utf8_lossy(arguments)) {
            return Err(refusal(found));
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Found {
    Number,
    Code,
}

fn refusal(found: Found) -> Error {
    let what = match found {
        Found::Number => "looks like a card number",
        Found::Code => "looks like a card's security code",
    };
    Error::new(
        ErrorCode::CardDataRefused,
        format!("an argument {what}; pass a payment method that the vendor's own page has made"),
    )
}

fn look(text: &str) -> Option<Found> {
    match (holds_number(text), holds_code(text)) {
        (true, _) => Some(Found::Number),
        (_, true) => Some(Found::Code),
        _ => None,
    }
}

/// Walks through JSON without keeping it, and stops at the first find with the path to it.
struct Walk {
    path: String,
    found: Option<Found>,
}

impl Walk {
    fn check<E: serde::de::Error>(&mut self, found: Option<Found>) -> std::result::Result<(), E> {
        self.found = found;
        found.map_or(Ok(()), |_| Err(E::custom("found")))
    }

    fn text<E: serde::de::Error>(&mut self, text: &str) -> std::result::Result<(), E> {
        let found = look(text).or_else(|| (is_code(text) && self.is_code_field()).then_some(Found::Code));
        self.check(found)
    }

    fn is_code_field(&self) -> bool {
        let name = self.path.rsplit('.').next().unwrap_or_default();
        let plain = name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase() as char);
        CODE_FIELDS.contains(&plain.collect::<String>().as_str())
    }

    /// What the seed reads is at this place below.
    fn below<R, E>(
        &mut self,
        step: &str,
        read: impl FnOnce(Here<'_>) -> std::result::Result<R, E>,
    ) -> std::result::Result<R, E> {
        let length = self.path.len();
        if !step.starts_with('[') && length > 0 {
            self.path.push('.');
        }
        self.path.push_str(step);
        let done = read(Here(self))?;
        self.path.truncate(length);
        Ok(done)
    }
}

struct Here<'w>(&'w mut Walk);

impl<'de> DeserializeSeed<'de> for Here<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Here<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<(), E> {
        self.0.text(text)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> std::result::Result<(), E> {
        self.0.text(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> std::result::Result<(), E> {
        self.0.text(&number.unsigned_abs().to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> std::result::Result<(), E> {
        self.0.text(&format!("{:.0}", number.abs().trunc()))
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        for at in 0usize.. {
            if self.0.below(&format!("[{at}]"), |here| items.next_element_seed(here))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            // A number is no better as a name; there the path ends before it, so that no error repeats it.
            self.0.check::<A::Error>(look(&name)).map_err(|_| A::Error::custom("found"))?;
            self.0.below(&name, |here| fields.next_value_seed(here))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(arguments: &serde_json::Value) -> Option<String> {
        let error = refuse_card_data(arguments.to_string().as_bytes()).err()?;
        assert_eq!(error.code(), ErrorCode::CardDataRefused);
        assert!(!error.to_string().contains("4242"), "{error}");
        Some(error.field().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_field_is_named_wherever_it_stands() {
        for (arguments, path) in [
            (json!({ "note": "pay with 4242 4242 4242 4242 please" }), "note"),
            (json!({ "a": [{ "b": "x" }, { "b": ["y", "4242424242424242 12/28"] }] }), "a[1].b[1]"),
            (json!({ "to": "x", "n": 4242424242424242u64 }), "n"),
            (json!({ "n": -4242424242424242i64 }), "n"),
            (json!({ "n": 4242424242424242.0 }), "n"),
            (json!({ "data": { "4242424242424242": true } }), "data"),
            (json!({ "metadata": { "cvc": "123" } }), "metadata.cvc"),
            (json!({ "card": { "security_code": 1234 } }), "card.security_code"),
            (json!({ "securityCode": "123" }), "securityCode"),
            (json!({ "note": "quoted \"CVV\": 123" }), "note"),
            (json!("4242424242424242"), ""),
        ] {
            assert_eq!(field(&arguments).as_deref(), Some(path), "{arguments}");
        }
    }

    #[test]
    fn other_arguments_pass() {
        for arguments in [
            json!({ "to": "+14155552671", "latitude": 42.42424242424242, "id": 17_324_738_123_450_000u64 }),
            json!({ "metadata": { "cvc": "passed" }, "securityCode": "12345", "code": "123", "x": null, "y": [true] }),
            json!({ "cvc": [], "fields": { "securityCode": {} } }),
            json!({ "a": "4242 4242", "b": "4242 4242" }),
        ] {
            assert_eq!(field(&arguments), None, "{arguments}");
        }
    }

    #[test]
    fn what_is_no_json_is_looked_at_too() {
        assert!(refuse_card_data(b"{ 4242424242424242").is_err());
        refuse_card_data(b"{ 42").unwrap();
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(0u8.., 0..300)) {
            let _ = refuse_card_data(&bytes);
        }
    }
}
