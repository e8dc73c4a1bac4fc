use std::{cell::Cell, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

use crate::error::Result;

/// What stands where a secret was.
pub const MASK: &str = "********";

thread_local! {
    static EXPOSING: Cell<bool> = const { Cell::new(false) };
}

/// Serialises inside `work` with secrets in clear.
///
/// Everywhere else a [`Secret`] serialises as [`MASK`]. The one caller is the config service, on its way to the cipher.
pub fn exposing<T>(work: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            EXPOSING.with(|exposing| exposing.set(self.0));
        }
    }
    let _reset = Reset(EXPOSING.with(|exposing| exposing.replace(true)));
    work()
}

/// A value that is wiped from memory when dropped and masked in `Debug`, JSON and errors.
///
/// ```
/// use sis_integrations::Secret;
///
/// let token = Secret::new("abc123".to_owned());
/// assert_eq!(format!("{token:?}"), "********");
/// assert_eq!(serde_json::to_string(&token).unwrap(), "\"********\"");
/// assert_eq!(token.expose(), "abc123");
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value in clear. Every call of this is a place to look at in a review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T: Zeroize + Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if EXPOSING.with(Cell::get) { self.0.serialize(serializer) } else { serializer.serialize_str(MASK) }
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// `writeOnly` in the schema is what marks a config field as secret, everywhere.
impl<T: Zeroize + JsonSchema> JsonSchema for Secret<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("writeOnly".into(), true.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposing_ends_with_its_scope_even_by_a_panic() {
        let secret = Secret::new("s3cret".to_owned());
        assert_eq!(exposing(|| serde_json::to_string(&secret).unwrap()), "\"s3cret\"");
        assert!(std::panic::catch_unwind(|| exposing(|| panic!("on purpose"))).is_err());
        assert_eq!(serde_json::to_string(&secret).unwrap(), format!("\"{MASK}\""));
    }
}
