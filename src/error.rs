//! [`Error`] and the table of its codes.
//!
//! A code is a `snake_case` name, a fixed number that is never reused, an HTTP status and one line of explanation.
//! The C enum, the exceptions of the other languages, the problem documents of the REST API and
//! `docs/errors.md` are all read from [`ErrorCode::ALL`].

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::RequestId;

/// What every fallible function of this crate answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal, $status:literal;)*) => {
        /// What went wrong, as a program should act on it.
        ///
        /// Numbers and names are stable: a number is never given to another meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum ErrorCode { $($(#[doc = $doc])* $variant = $number,)* }

        impl ErrorCode {
            /// Every code there is, in the order of their numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The stable `snake_case` name.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// The HTTP status that the REST API answers with.
            pub const fn http_status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// One line of explanation.
            pub const fn explanation(self) -> &'static str {
                match self { $(ErrorCode::$variant => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

codes! {
    /// Something in this library or its host went wrong that should not be possible.
    Internal = 1, "internal", 500;
    /// An argument is missing, of the wrong type or out of range; `field` names its path.
    InvalidArgument = 2, "invalid_argument", 400;
    /// No provider of that name is compiled in or registered.
    UnknownProvider = 3, "unknown_provider", 404;
    /// The provider has no operation of that name.
    UnknownOperation = 4, "unknown_operation", 404;
    /// The provider cannot do this; the message says why and since when.
    UnsupportedOperation = 5, "unsupported_operation", 501;
    /// The caller did not say who asks, or the credentials it showed are not valid.
    Unauthenticated = 6, "unauthenticated", 401;
    /// The actor may not do this in this tenant.
    PermissionDenied = 7, "permission_denied", 403;
    /// The tenant has not configured this provider, or a setting the operation needs is missing.
    NotConfigured = 8, "not_configured", 409;
    /// The tenant has switched this provider off.
    IntegrationDisabled = 9, "integration_disabled", 409;
    /// The vendor no longer accepts the tenant's credentials; an administrator must renew them.
    NeedsReconnect = 10, "needs_reconnect", 409;
    /// Too many calls: ours or the vendor's limit; `retry` says when to try again.
    RateLimited = 11, "rate_limited", 429;
    /// This idempotency key was used before with other arguments.
    IdempotencyConflict = 12, "idempotency_conflict", 409;
    /// The first call with this idempotency key is still under way.
    InProgress = 13, "in_progress", 409;
    /// Somebody else changed the record since it was read; read it again and repeat.
    Conflict = 14, "conflict", 409;
    /// There is no such record.
    NotFound = 15, "not_found", 404;
    /// The deadline passed before anything was sent, or a read took too long.
    Timeout = 16, "timeout", 504;
    /// The caller went away before anything was sent.
    Cancelled = 17, "cancelled", 499;
    /// The request left and no trustworthy answer came: it may or may not have happened. Do not repeat it blindly.
    OutcomeUnknown = 18, "outcome_unknown", 502;
    /// The vendor refused the request; `vendor` carries its own status, code and message.
    Vendor = 19, "vendor", 502;
    /// The vendor could not be reached or kept failing, and nothing happened there.
    VendorUnavailable = 20, "vendor_unavailable", 503;
    /// The vendor failed often enough that calls are held back for a while.
    CircuitOpen = 21, "circuit_open", 503;
    /// The vendor answered something that is not what its documentation promises.
    InvalidResponse = 22, "invalid_response", 502;
    /// The database is locked, gone or out of reach.
    StorageUnavailable = 23, "storage_unavailable", 503;
    /// The disk or the database is full.
    StorageFull = 24, "storage_full", 507;
    /// The database file is damaged or not one of ours.
    StorageCorrupt = 25, "storage_corrupt", 500;
    /// The master key is not the one this database was made with.
    WrongMasterKey = 26, "wrong_master_key", 500;
    /// The master key is too short or too plain.
    WeakMasterKey = 27, "weak_master_key", 400;
    /// A stored secret does not open: it was moved, changed, or its key is gone.
    DecryptFailed = 28, "decrypt_failed", 500;
    /// The manager is closed or closing.
    Closed = 29, "closed", 503;
    /// The request or the answer is larger than the limit.
    TooLarge = 30, "too_large", 413;
    /// The address is not one of the provider's hosts and the host application has not allowed it.
    OutboundForbidden = 31, "outbound_forbidden", 403;
    /// The audit chain does not verify: a row was changed, removed or reordered.
    AuditChainBroken = 32, "audit_chain_broken", 500;
    /// Card numbers never enter: pass a payment method that the vendor's page has made.
    CardDataRefused = 33, "card_data_refused", 400;
    /// The webhook lacks the signature, or the header with its time.
    SignatureMissing = 34, "signature_missing", 401;
    /// The webhook's signature fits none of the tenant's active secrets: it is forged, or was changed on its way.
    SignatureInvalid = 35, "signature_invalid", 401;
    /// The webhook was signed too long ago, or in the future: it may be a repetition by somebody else.
    SignatureStale = 36, "signature_stale", 401;
}

impl ErrorCode {
    /// The code of that name; [`ErrorCode::Internal`] for one this version does not know.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.iter().copied().find(|code| code.name() == name).unwrap_or(Self::Internal)
    }

    /// The stable number.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Self::from_name(&String::deserialize(deserializer)?))
    }
}

/// Whether and when the same call may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Retry {
    /// Repeating changes nothing: something has to be mended first.
    #[default]
    Never,
    /// Repeat after this time.
    After(Duration),
    /// It was worth repeating, and the library did so until its attempts or the deadline ran out.
    Exhausted,
    /// It may have happened. Look before you repeat.
    Unknown,
}

impl Retry {
    /// `never`, `after`, `exhausted` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Retry::Never => "never",
            Retry::After(_) => "after",
            Retry::Exhausted => "exhausted",
            Retry::Unknown => "unknown",
        }
    }
}

/// What the vendor itself said, without tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VendorError {
    /// The vendor's HTTP status.
    pub status: u16,
    /// The vendor's own error code, as it spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The vendor's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The vendor's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Everything that can go wrong, as one opaque value.
///
/// Carries a [code](Error::code), [whether to retry](Error::retry), where it happened, the path of the argument at
/// fault, and what the vendor said. Never carries a secret or a URL.
///
/// ```
/// use sis_integrations::{Error, ErrorCode};
///
/// let error = Error::invalid("recipients[3].phone", "must be an E.164 number such as +15551234567");
/// assert_eq!(error.code(), ErrorCode::InvalidArgument);
/// assert_eq!(
///     error.to_string(),
///     "invalid_argument: recipients[3].phone: must be an E.164 number such as +15551234567"
/// );
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    retry: Retry,
    provider: Option<String>,
    operation: Option<String>,
    request_id: Option<RequestId>,
    field: Option<String>,
    vendor: Option<VendorError>,
    done: Option<serde_json::Value>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this code, in words for a person.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retry = match code {
            ErrorCode::OutcomeUnknown => Retry::Unknown,
            ErrorCode::StorageUnavailable | ErrorCode::InProgress => Retry::After(Duration::from_secs(1)),
            ErrorCode::Timeout => Retry::Exhausted,
            _ => Retry::Never,
        };
        Self(Box::new(Inner {
            code,
            message: message.into(),
            retry,
            provider: None,
            operation: None,
            request_id: None,
            field: None,
            vendor: None,
            done: None,
            source: None,
        }))
    }

    /// [`ErrorCode::InvalidArgument`] at the path `field`.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message).with_field(field)
    }

    /// [`ErrorCode::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// Whether it is the storage that failed.
    pub(crate) fn is_storage(&self) -> bool {
        matches!(self.code(), ErrorCode::StorageUnavailable | ErrorCode::StorageFull | ErrorCode::StorageCorrupt)
    }

    /// The code to act on.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The words for a person, without the code.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether and when the same call may be repeated.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// How long to wait before repeating, where the answer is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.retry {
            Retry::After(wait) => Some(wait),
            _ => None,
        }
    }

    /// The provider the call was for.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The operation that was called.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The call's request id: the key to its audit rows.
    pub fn request_id(&self) -> Option<RequestId> {
        self.0.request_id
    }

    /// The path of the argument at fault, such as `recipients[3].phone`.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// What the vendor itself said.
    pub fn vendor(&self) -> Option<&VendorError> {
        self.0.vendor.as_ref()
    }

    /// Of an operation of several requests, the steps that were done before it failed, with the ids they brought. The
    /// same call with the same idempotency key goes on after them.
    pub fn done(&self) -> Option<&serde_json::Value> {
        self.0.done.as_ref()
    }

    /// The same error with the steps that were done.
    pub fn with_done(mut self, done: serde_json::Value) -> Self {
        self.0.done = Some(done);
        self
    }

    /// The same error at the path `field`.
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// The same error with `prefix` before the path of its field.
    pub fn within(mut self, prefix: &str) -> Self {
        self.0.field = Some(match self.0.field.take() {
            Some(field) if field.is_empty() => prefix.to_owned(),
            Some(field) if field.starts_with('[') => format!("{prefix}{field}"),
            Some(field) => format!("{prefix}.{field}"),
            None => prefix.to_owned(),
        });
        self
    }

    /// The same error with another word on repeating.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// The same error with what the vendor said.
    pub fn with_vendor(mut self, vendor: VendorError) -> Self {
        self.0.vendor = Some(vendor);
        self
    }

    /// The same error with its cause. The cause must hold no secret and no URL.
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The same error, naming the call it ended. What is already named stays.
    pub fn at(mut self, provider: &str, operation: &str, request_id: RequestId) -> Self {
        self.0.provider.get_or_insert_with(|| provider.to_owned());
        if !operation.is_empty() {
            self.0.operation.get_or_insert_with(|| operation.to_owned());
        }
        self.0.request_id.get_or_insert(request_id);
        self
    }

    /// The same error with every text passed through `clean`.
    pub fn map_text(mut self, clean: impl Fn(&str) -> String) -> Self {
        self.0.message = clean(&self.0.message);
        self.0.source = None;
        if let Some(vendor) = &mut self.0.vendor {
            vendor.code = vendor.code.as_deref().map(&clean);
            vendor.message = vendor.message.as_deref().map(&clean);
            vendor.request_id = vendor.request_id.as_deref().map(&clean);
        }
        self
    }

    /// The JSON form every binding and the REST API speak: `code`, `number`, `message`, `retry`, and where known
    /// `retryAfterMs`, `field`, `provider`, `operation`, `requestId`, `vendor`, `done`.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({
            "code": self.code(),
            "number": self.code().number(),
            "message": self.message(),
            "retry": self.retry().name(),
        });
        let map = json.as_object_mut().expect("an object literal");
        if let Some(wait) = self.retry_after() {
            map.insert("retryAfterMs".into(), (wait.as_millis() as u64).into());
        }
        let texts = [("field", self.field()), ("provider", self.provider()), ("operation", self.operation())];
        for (name, text) in texts {
            if let Some(text) = text {
                map.insert(name.into(), text.into());
            }
        }
        if let Some(id) = self.request_id() {
            map.insert("requestId".into(), id.to_string().into());
        }
        if let Some(vendor) = self.vendor() {
            map.insert("vendor".into(), serde_json::to_value(vendor).unwrap_or_default());
        }
        if let Some(done) = self.done() {
            map.insert("done".into(), done.clone());
        }
        json
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(inner.code.name())?;
        if let Retry::After(wait) = inner.retry {
            write!(f, " (retry after {:.1} s)", wait.as_secs_f64())?;
        }
        if let Some(provider) = &inner.provider {
            write!(f, " at {provider}")?;
            if let Some(operation) = &inner.operation {
                write!(f, ".{operation}")?;
            }
        }
        if let Some(id) = inner.request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(": ")?;
        if let Some(field) = &inner.field {
            in_one_line(f, field)?;
            f.write_str(": ")?;
        }
        in_one_line(f, &inner.message)?;
        if let Some(vendor) = &inner.vendor {
            write!(f, " [vendor status {}", vendor.status)?;
            if let Some(code) = &vendor.code {
                f.write_str(", code ")?;
                in_one_line(f, code)?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// Without line breaks and other control characters, by which a vendor's answer or an argument could forge log lines.
fn in_one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let breaks = |sign: char| sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}');
    text.split(breaks).try_for_each(|part| f.write_str(part))
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("retry", &inner.retry)
            .field("field", &inner.field)
            .field("provider", &inner.provider)
            .field("operation", &inner.operation)
            .field("request_id", &inner.request_id)
            .field("vendor", &inner.vendor)
            .field("source", &inner.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_named() {
        let mut numbers: Vec<_> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        let mut names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        numbers.dedup();
        names.sort_unstable();
        names.dedup();
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(!code.explanation().is_empty());
            assert_eq!(ErrorCode::from_name(code.name()), *code);
        }
        assert_eq!(ErrorCode::from_name("a code of next year"), ErrorCode::Internal);
    }

    #[test]
    fn nothing_of_an_error_forges_a_line() {
        let vendor = VendorError { status: 400, code: Some("bad\u{2028}ERROR".into()), ..Default::default() };
        let error = Error::invalid("variables.a\nb\r\u{85}c", "is\u{1b}[31m wrong").with_vendor(vendor);
        let line = error.to_string();
        assert!(!line.contains(|sign: char| sign.is_control() || sign == '\u{2028}'), "{line:?}");
        assert!(line.contains("variables.abc: is[31m wrong [vendor status 400, code badERROR]"), "{line}");
    }

    #[test]
    fn display_is_one_line_and_says_where() {
        let id = RequestId::nil();
        let error = Error::new(ErrorCode::RateLimited, "1 message per second\nexceeded")
            .with_retry(Retry::After(Duration::from_secs(3)))
            .at("twilio", "sendSms", id);
        assert_eq!(
            error.to_string(),
            format!("rate_limited (retry after 3.0 s) at twilio.sendSms, request {id}: 1 message per secondexceeded")
        );
    }
}
