//! Errors, and what can be asked of them.

use sis_integrations::{Error, Retry};

use crate::{
    bytes::sis_str,
    ffi::{Opaque, Sole, infallible, look, take},
    status::{sis_retry, sis_status},
};

/// What went wrong. Belongs to the caller, who releases it with `sis_error_free`.
///
/// It does not change: any thread may ask it, several at once. The texts it answers live as long as it does.
pub struct sis_error {
    _opaque: [u8; 0],
}

impl Opaque for sis_error {
    type Ownership = Sole;
    type Inside = Failure;
}

/// An error with its texts as C reads them: each ends in a zero byte.
pub(crate) struct Failure {
    status: sis_status,
    retry: sis_retry,
    retry_after_ms: u64,
    message: String,
    field: Option<String>,
    request_id: Option<String>,
    json: String,
}

impl Failure {
    #[cfg(test)]
    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            status: error.code().into(),
            retry: match error.retry() {
                Retry::Never => sis_retry::Never,
                Retry::After(_) => sis_retry::After,
                Retry::Exhausted => sis_retry::Exhausted,
                // Also for a word of next year: to look first is never wrong.
                _ => sis_retry::Unknown,
            },
            retry_after_ms: error.retry_after().map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            message: format!("{}\0", error.message()),
            field: error.field().map(|field| format!("{field}\0")),
            request_id: error.request_id().map(|id| format!("{id}\0")),
            json: format!("{}\0", error.to_json()),
        }
    }
}

/// Asks the error, unless it is NULL.
fn ask<T: Copy>(error: *const sis_error, otherwise: T, question: impl FnOnce(&Failure) -> T) -> T {
    // SAFETY: every function documents that `error` is NULL or an error that is not released yet.
    infallible(otherwise, || unsafe { look(error) }.map_or(otherwise, question))
}

/// The status that the function which failed has answered; SIS_STATUS_OK for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_code(error: *const sis_error) -> sis_status {
    ask(error, sis_status::Ok, |failure| failure.status)
}

/// The name of the status, such as `permission_denied`; `ok` for NULL. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_name(error: *const sis_error) -> sis_str {
    ask(error, sis_status::Ok.name(), |failure| failure.status.name())
}

/// What went wrong, for a person; empty for NULL. Holds no secret and no address.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_message(error: *const sis_error) -> sis_str {
    ask(error, sis_str::empty(), |failure| sis_str::fixed(&failure.message))
}

/// The path of the argument at fault, such as `recipients[3].phone`; empty when there is none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_field(error: *const sis_error) -> sis_str {
    ask(error, sis_str::empty(), |failure| failure.field.as_deref().map_or(sis_str::empty(), sis_str::fixed))
}

/// The call's id: the key to its audit rows, where it left any; empty when it got none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_request_id(error: *const sis_error) -> sis_str {
    ask(error, sis_str::empty(), |failure| failure.request_id.as_deref().map_or(sis_str::empty(), sis_str::fixed))
}

/// Whether the same call may be repeated; SIS_RETRY_NEVER for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_retry(error: *const sis_error) -> sis_retry {
    ask(error, sis_retry::Never, |failure| failure.retry)
}

/// How many milliseconds to wait before repeating, when `sis_error_retry` answers SIS_RETRY_AFTER; else 0.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_retry_after_ms(error: *const sis_error) -> u64 {
    ask(error, 0, |failure| failure.retry_after_ms)
}

/// All of the error as a JSON object: `code`, `number`, `message`, `retry`, and where known `retryAfterMs`, `field`,
/// `provider`, `operation`, `requestId`, `vendor`, `done`; empty for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_json(error: *const sis_error) -> sis_str {
    ask(error, sis_str::empty(), |failure| sis_str::fixed(&failure.json))
}

/// Releases an error. NULL is left alone. Every text it has answered ends with it.
#[unsafe(no_mangle)]
pub extern "C" fn sis_error_free(error: *mut sis_error) {
    // SAFETY: NULL or an error that the caller owns and gives up here.
    infallible((), || drop(unsafe { take(error) }));
}
