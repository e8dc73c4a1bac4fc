use serde::de::DeserializeOwned;
use sis_integrations::{Error, Result};

/// Reads what the other side sent. The text is never repeated: it may hold a secret.
pub(crate) fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::invalid(name, format!("is not JSON, at line {} column {}", error.line(), error.column()))
    })
}
