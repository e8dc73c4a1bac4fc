//! What functions answer: the numbers of the core's error codes, and 0.

use sis_integrations::ErrorCode;

use crate::{bytes::sis_str, ffi::infallible};

/// What every function that can fail answers. Numbers are never given to another meaning; later versions may add some.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum sis_status {
    /// It went well.
    Ok = 0,
    /// Something in this library or its host went wrong that should not be possible.
    Internal = 1,
    /// An argument is missing, of the wrong type or out of range; `field` names its path.
    InvalidArgument = 2,
    /// No provider of that name is compiled in or registered.
    UnknownProvider = 3,
    /// The provider has no operation of that name.
    UnknownOperation = 4,
    /// The provider cannot do this; the message says why and since when.
    UnsupportedOperation = 5,
    /// The caller did not say who asks, or the credentials it showed are not valid.
    Unauthenticated = 6,
    /// The actor may not do this in this tenant.
    PermissionDenied = 7,
    /// The tenant has not configured this provider, or a setting the operation needs is missing.
    NotConfigured = 8,
    /// The tenant has switched this provider off.
    IntegrationDisabled = 9,
    /// The vendor no longer accepts the tenant's credentials; an administrator must renew them.
    NeedsReconnect = 10,
    /// Too many calls: ours or the vendor's limit; `retry` says when to try again.
    RateLimited = 11,
    /// This idempotency key was used before with other arguments.
    IdempotencyConflict = 12,
    /// The first call with this idempotency key is still under way.
    InProgress = 13,
    /// Somebody else changed the record since it was read; read it again and repeat.
    Conflict = 14,
    /// There is no such record.
    NotFound = 15,
    /// The deadline passed before anything was sent, or a read took too long.
    Timeout = 16,
    /// The caller went away before anything was sent.
    Cancelled = 17,
    /// The request left and no trustworthy answer came: it may or may not have happened. Do not repeat it blindly.
    OutcomeUnknown = 18,
    /// The vendor refused the request; `vendor` carries its own status, code and message.
    Vendor = 19,
    /// The vendor could not be reached or kept failing, and nothing happened there.
    VendorUnavailable = 20,
    /// The vendor failed often enough that calls are held back for a while.
    CircuitOpen = 21,
    /// The vendor answered something that is not what its documentation promises.
    InvalidResponse = 22,
    /// The database is locked, gone or out of reach.
    StorageUnavailable = 23,
    /// The disk or the database is full.
    StorageFull = 24,
    /// The database file is damaged or not one of ours.
    StorageCorrupt = 25,
    /// The master key is not the one this database was made with.
    WrongMasterKey = 26,
    /// The master key is too short or too plain.
    WeakMasterKey = 27,
    /// A stored secret does not open: it was moved, changed, or its key is gone.
    DecryptFailed = 28,
    /// The manager is closed or closing.
    Closed = 29,
    /// The request or the answer is larger than the limit.
    TooLarge = 30,
    /// The address is not one of the provider's hosts and the host application has not allowed it.
    OutboundForbidden = 31,
    /// The audit chain does not verify: a row was changed, removed or reordered.
    AuditChainBroken = 32,
    /// Card numbers never enter: pass a payment method that the vendor's page has made.
    CardDataRefused = 33,
    /// The webhook lacks the signature, or the header with its time.
    SignatureMissing = 34,
    /// The webhook's signature fits none of the tenant's active secrets: it is forged, or was changed on its way.
    SignatureInvalid = 35,
    /// The webhook was signed too long ago, or in the future: it may be a repetition by somebody else.
    SignatureStale = 36,
}

impl sis_status {
    /// Every status but [`sis_status::Ok`]; the tests hold it against [`ErrorCode::ALL`].
    pub(crate) const FAILURES: &[Self] = &[
        Self::Internal,
        Self::InvalidArgument,
        Self::UnknownProvider,
        Self::UnknownOperation,
        Self::UnsupportedOperation,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotConfigured,
        Self::IntegrationDisabled,
        Self::NeedsReconnect,
        Self::RateLimited,
        Self::IdempotencyConflict,
        Self::InProgress,
        Self::Conflict,
        Self::NotFound,
        Self::Timeout,
        Self::Cancelled,
        Self::OutcomeUnknown,
        Self::Vendor,
        Self::VendorUnavailable,
        Self::CircuitOpen,
        Self::InvalidResponse,
        Self::StorageUnavailable,
        Self::StorageFull,
        Self::StorageCorrupt,
        Self::WrongMasterKey,
        Self::WeakMasterKey,
        Self::DecryptFailed,
        Self::Closed,
        Self::TooLarge,
        Self::OutboundForbidden,
        Self::AuditChainBroken,
        Self::CardDataRefused,
        Self::SignatureMissing,
        Self::SignatureInvalid,
        Self::SignatureStale,
    ];

    /// The `snake_case` name, ended by a zero byte.
    pub(crate) fn name(self) -> sis_str {
        sis_str::fixed(match self {
            Self::Ok => "ok\0",
            Self::Internal => "internal\0",
            Self::InvalidArgument => "invalid_argument\0",
            Self::UnknownProvider => "unknown_provider\0",
            Self::UnknownOperation => "unknown_operation\0",
            Self::UnsupportedOperation => "unsupported_operation\0",
            Self::Unauthenticated => "unauthenticated\0",
            Self::PermissionDenied => "permission_denied\0",
            Self::NotConfigured => "not_configured\0",
            Self::IntegrationDisabled => "integration_disabled\0",
            Self::NeedsReconnect => "needs_reconnect\0",
            Self::RateLimited => "rate_limited\0",
            Self::IdempotencyConflict => "idempotency_conflict\0",
            Self::InProgress => "in_progress\0",
            Self::Conflict => "conflict\0",
            Self::NotFound => "not_found\0",
            Self::Timeout => "timeout\0",
            Self::Cancelled => "cancelled\0",
            Self::OutcomeUnknown => "outcome_unknown\0",
            Self::Vendor => "vendor\0",
            Self::VendorUnavailable => "vendor_unavailable\0",
            Self::CircuitOpen => "circuit_open\0",
            Self::InvalidResponse => "invalid_response\0",
            Self::StorageUnavailable => "storage_unavailable\0",
            Self::StorageFull => "storage_full\0",
            Self::StorageCorrupt => "storage_corrupt\0",
            Self::WrongMasterKey => "wrong_master_key\0",
            Self::WeakMasterKey => "weak_master_key\0",
            Self::DecryptFailed => "decrypt_failed\0",
            Self::Closed => "closed\0",
            Self::TooLarge => "too_large\0",
            Self::OutboundForbidden => "outbound_forbidden\0",
            Self::AuditChainBroken => "audit_chain_broken\0",
            Self::CardDataRefused => "card_data_refused\0",
            Self::SignatureMissing => "signature_missing\0",
            Self::SignatureInvalid => "signature_invalid\0",
            Self::SignatureStale => "signature_stale\0",
        })
    }
}

impl From<ErrorCode> for sis_status {
    /// A code that this binding does not know yet is `internal`.
    fn from(code: ErrorCode) -> Self {
        let known = Self::FAILURES.iter().copied();
        known.into_iter().find(|status| *status as u32 == code.number()).unwrap_or(Self::Internal)
    }
}

/// Whether and when the same call may be repeated.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum sis_retry {
    /// Repeating changes nothing: something has to be mended first.
    Never = 0,
    /// Repeat after the time that `sis_error_retry_after_ms` answers.
    After = 1,
    /// It was worth repeating, and the library did so until its attempts or the deadline ran out.
    Exhausted = 2,
    /// It may have happened. Look before you repeat.
    Unknown = 3,
}

/// The name of a status, such as `permission_denied`; `ok` for 0 and `internal` for a number that is none.
///
/// The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn sis_status_name(status: u32) -> sis_str {
    infallible(sis_str::empty(), || {
        let all = [sis_status::Ok].iter().chain(sis_status::FAILURES);
        all.copied().find(|known| *known as u32 == status).unwrap_or(sis_status::Internal).name()
    })
}
