//! Where Google's APIs are, and bytes as JSON carries them.

use std::{borrow::Cow, fmt, future::Future, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::GoogleWorkspace;
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
};

/// How long a new file is waited for where Google does not find it yet.
const SPREADING: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];

/// Each API's host.
pub(super) mod host {
    /// People consent here: their browser goes there, we do not.
    pub(in super::super) const CONSENT: &str = "https://accounts.google.com";
    /// Tokens are asked for here.
    pub(in super::super) const TOKEN: &str = "https://oauth2.googleapis.com";
    /// Drive, Calendar, and what tells about tokens.
    pub(in super::super) const MAIN: &str = "https://www.googleapis.com";
    /// Docs.
    pub(in super::super) const DOCS: &str = "https://docs.googleapis.com";
    /// Gmail.
    pub(in super::super) const GMAIL: &str = "https://gmail.googleapis.com";
    /// Classroom.
    pub(in super::super) const CLASSROOM: &str = "https://classroom.googleapis.com";
    /// Meet.
    pub(in super::super) const MEET: &str = "https://meet.googleapis.com";
    /// The Directory.
    pub(in super::super) const ADMIN: &str = "https://admin.googleapis.com";
}

/// An address below Drive's.
pub(super) fn drive(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::MAIN, &[&["drive", "v3"], path].concat())
}

/// An address below the one where Drive takes content.
pub(super) fn drive_upload(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::MAIN, &[&["upload", "drive", "v3"], path].concat())
}

/// An address below Calendar's.
pub(super) fn calendar(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::MAIN, &[&["calendar", "v3"], path].concat())
}

/// Reads a moment as Google takes it: RFC 3339, with an offset.
pub(super) fn check_moment(field: &str, text: &str) -> Result<Timestamp> {
    let why = "must be a moment with its offset, such as 2026-09-01T08:00:00+02:00 or 2026-09-01T06:00:00Z";
    let moment: jiff::Timestamp = text.parse().map_err(|_| Error::invalid(field, why))?;
    Ok(Timestamp::from_micros(moment.as_microsecond()))
}

/// A step that makes an object. Its id is what is kept; the object itself is at hand where this try made it.
pub(super) async fn made<T, F>(
    call: &Call<'_, GoogleWorkspace>,
    step: &str,
    make: impl FnOnce(bool) -> F + Send,
) -> Result<(String, Option<T>)>
where
    T: Send,
    F: Future<Output = Result<(String, T)>> + Send,
{
    let seen = parking_lot::Mutex::new(None);
    let keep = |made: (String, T)| {
        *seen.lock() = Some(made.1);
        made.0
    };
    let id = call.step(step, |begun| {
        let making = make(begun);
        async { making.await.map(keep) }
    });
    let id = id.await?;
    Ok((id, seen.into_inner()))
}

/// Bytes, as base64 in JSON: a file's content. `Debug` shows how many.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Base64(Bytes);

impl Base64 {
    /// These bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl<T: Into<Bytes>> From<T> for Base64 {
    fn from(bytes: T) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    /// Takes both alphabets: Gmail's own answers are in the one for addresses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let text = text.trim_end_matches('=');
        let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
        let bytes = STANDARD.decode(&padded).or_else(|_| URL_SAFE.decode(&padded));
        bytes.map(Self::new).map_err(|_| serde::de::Error::custom("must be bytes in base64"))
    }
}

impl JsonSchema for Base64 {
    fn schema_name() -> Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}

/// Google does not know everywhere at once of a file that it has just made: what it does not find is asked for again.
pub(super) async fn known<T, F: Future<Output = Result<T>>>(
    call: &Call<'_, GoogleWorkspace>,
    ask: impl Fn() -> F,
) -> Result<T> {
    for wait in SPREADING {
        match ask().await {
            Err(error) if error.code() == ErrorCode::NotFound => call.runtime().sleep(wait).await,
            outcome => return outcome,
        }
    }
    ask().await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn both_alphabets_are_read_and_nothing_is_shown() {
        for text in ["+/8=", "-_8=", "-_8", "+/8"] {
            let read: Base64 = serde_json::from_value(json!(text)).unwrap();
            assert_eq!(read.bytes().as_ref(), [0xfb, 0xff], "{text}");
        }
        assert_eq!(format!("{:?}", Base64::new("abc")), "Base64(3 bytes)");
        assert!(serde_json::from_value::<Base64>(json!("a b!")).is_err());
        assert_eq!(serde_json::from_value::<Base64>(json!("")).unwrap().bytes().len(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>) {
            let text = serde_json::to_value(Base64::new(bytes.clone())).unwrap();
            let back: Base64 = serde_json::from_value(text).unwrap();
            prop_assert_eq!(back.bytes().as_ref(), bytes.as_slice());
        }
    }
}
