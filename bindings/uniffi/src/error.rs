use std::fmt;

use sis_integrations::Error;

/// The library's error, as it crosses the boundary.
#[derive(Debug, Clone, uniffi::Error)]
pub enum ManagerError {
    /// What went wrong. The class of exceptions that a language shows is chosen by `code`.
    Failed {
        /// The stable name of what went wrong, such as `permission_denied`.
        code: String,
        /// The stable number of the code.
        number: u32,
        /// The words for a person. Not `message`, which Kotlin's exceptions have already.
        reason: String,
        /// Everything in one line: code, place, request id, field and words.
        summary: String,
        /// Whether the same call may be repeated: `never`, `after`, `exhausted` or `unknown`.
        retry: String,
        /// How long to wait before it is.
        retry_after_ms: Option<u64>,
        /// The path of the argument at fault.
        field: Option<String>,
        /// The provider the call was for.
        provider: Option<String>,
        /// The operation that was called.
        operation: Option<String>,
        /// The call's id: the key to its audit rows.
        request_id: Option<String>,
        /// What the vendor itself said, as JSON: `status`, `code`, `message`, `requestId`.
        vendor: Option<String>,
        /// Of an operation of several requests, the steps that were done, as JSON: `steps`, and the `idempotencyKey` by
        /// which the same call goes on after them.
        done: Option<String>,
    },
}

impl From<Error> for ManagerError {
    fn from(error: Error) -> Self {
        Self::Failed {
            code: error.code().name().to_owned(),
            number: error.code().number(),
            reason: error.message().to_owned(),
            summary: error.to_string(),
            retry: error.retry().name().to_owned(),
            retry_after_ms: error.retry_after().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            field: error.field().map(str::to_owned),
            provider: error.provider().map(str::to_owned),
            operation: error.operation().map(str::to_owned),
            request_id: error.request_id().map(|id| id.to_string()),
            vendor: error.to_json().get("vendor").map(ToString::to_string),
            done: error.done().map(ToString::to_string),
        }
    }
}

impl fmt::Display for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Failed { summary, .. } = self;
        f.write_str(summary)
    }
}

impl std::error::Error for ManagerError {}
