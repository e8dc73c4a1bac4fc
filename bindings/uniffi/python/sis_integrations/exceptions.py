"""One exception for each code of the library's table.

Generated from it: run `UPDATE_GOLDEN=1 cargo test -p sis-integrations-uniffi` after a change there.
"""

from ._base import SisError

__all__ = [
    "BY_CODE",
    "SisError",
    "Internal",
    "InvalidArgument",
    "UnknownProvider",
    "UnknownOperation",
    "UnsupportedOperation",
    "Unauthenticated",
    "PermissionDenied",
    "NotConfigured",
    "IntegrationDisabled",
    "NeedsReconnect",
    "RateLimited",
    "IdempotencyConflict",
    "InProgress",
    "Conflict",
    "NotFound",
    "Timeout",
    "Cancelled",
    "OutcomeUnknown",
    "Vendor",
    "VendorUnavailable",
    "CircuitOpen",
    "InvalidResponse",
    "StorageUnavailable",
    "StorageFull",
    "StorageCorrupt",
    "WrongMasterKey",
    "WeakMasterKey",
    "DecryptFailed",
    "Closed",
    "TooLarge",
    "OutboundForbidden",
    "AuditChainBroken",
    "CardDataRefused",
    "SignatureMissing",
    "SignatureInvalid",
    "SignatureStale",
]


class Internal(SisError):
    """Something in this library or its host went wrong that should not be possible."""


class InvalidArgument(SisError):
    """An argument is missing, of the wrong type or out of range; `field` names its path."""


class UnknownProvider(SisError):
    """No provider of that name is compiled in or registered."""


class UnknownOperation(SisError):
    """The provider has no operation of that name."""


class UnsupportedOperation(SisError):
    """The provider cannot do this; the message says why and since when."""


class Unauthenticated(SisError):
    """The caller did not say who asks, or the credentials it showed are not valid."""


class PermissionDenied(SisError):
    """The actor may not do this in this tenant."""


class NotConfigured(SisError):
    """The tenant has not configured this provider, or a setting the operation needs is missing."""


class IntegrationDisabled(SisError):
    """The tenant has switched this provider off."""


class NeedsReconnect(SisError):
    """The vendor no longer accepts the tenant's credentials; an administrator must renew them."""


class RateLimited(SisError):
    """Too many calls: ours or the vendor's limit; `retry_after_ms` says when to try again."""


class IdempotencyConflict(SisError):
    """This idempotency key was used before with other arguments."""


class InProgress(SisError):
    """The first call with this idempotency key is still under way."""


class Conflict(SisError):
    """Somebody else changed the record since it was read; read it again and repeat."""


class NotFound(SisError):
    """There is no such record."""


class Timeout(SisError):
    """The deadline passed before anything was sent, or a read took too long."""


class Cancelled(SisError):
    """The caller went away before anything was sent."""


class OutcomeUnknown(SisError):
    """The request left and no trustworthy answer came: it may or may not have happened. Do not repeat it blindly."""


class Vendor(SisError):
    """The vendor refused the request; `vendor` carries its own status, code and message."""


class VendorUnavailable(SisError):
    """The vendor could not be reached or kept failing, and nothing happened there."""


class CircuitOpen(SisError):
    """The vendor failed often enough that calls are held back for a while."""


class InvalidResponse(SisError):
    """The vendor answered something that is not what its documentation promises."""


class StorageUnavailable(SisError):
    """The database is locked, gone or out of reach."""


class StorageFull(SisError):
    """The disk or the database is full."""


class StorageCorrupt(SisError):
    """The database file is damaged or not one of ours."""


class WrongMasterKey(SisError):
    """The master key is not the one this database was made with."""


class WeakMasterKey(SisError):
    """The master key is too short or too plain."""


class DecryptFailed(SisError):
    """A stored secret does not open: it was moved, changed, or its key is gone."""


class Closed(SisError):
    """The manager is closed or closing."""


class TooLarge(SisError):
    """The request or the answer is larger than the limit."""


class OutboundForbidden(SisError):
    """The address is not one of the provider's hosts and the host application has not allowed it."""


class AuditChainBroken(SisError):
    """The audit chain does not verify: a row was changed, removed or reordered."""


class CardDataRefused(SisError):
    """Card numbers never enter: pass a payment method that the vendor's page has made."""


class SignatureMissing(SisError):
    """The webhook lacks the signature, or the header with its time."""


class SignatureInvalid(SisError):
    """The webhook's signature fits none of the tenant's active secrets: it is forged, or was changed on its way."""


class SignatureStale(SisError):
    """The webhook was signed too long ago, or in the future: it may be a repetition by somebody else."""


#: The exception of each code. A code that is not here, of a later version, raises `SisError` itself.
BY_CODE: dict[str, type[SisError]] = {
    "internal": Internal,
    "invalid_argument": InvalidArgument,
    "unknown_provider": UnknownProvider,
    "unknown_operation": UnknownOperation,
    "unsupported_operation": UnsupportedOperation,
    "unauthenticated": Unauthenticated,
    "permission_denied": PermissionDenied,
    "not_configured": NotConfigured,
    "integration_disabled": IntegrationDisabled,
    "needs_reconnect": NeedsReconnect,
    "rate_limited": RateLimited,
    "idempotency_conflict": IdempotencyConflict,
    "in_progress": InProgress,
    "conflict": Conflict,
    "not_found": NotFound,
    "timeout": Timeout,
    "cancelled": Cancelled,
    "outcome_unknown": OutcomeUnknown,
    "vendor": Vendor,
    "vendor_unavailable": VendorUnavailable,
    "circuit_open": CircuitOpen,
    "invalid_response": InvalidResponse,
    "storage_unavailable": StorageUnavailable,
    "storage_full": StorageFull,
    "storage_corrupt": StorageCorrupt,
    "wrong_master_key": WrongMasterKey,
    "weak_master_key": WeakMasterKey,
    "decrypt_failed": DecryptFailed,
    "closed": Closed,
    "too_large": TooLarge,
    "outbound_forbidden": OutboundForbidden,
    "audit_chain_broken": AuditChainBroken,
    "card_data_refused": CardDataRefused,
    "signature_missing": SignatureMissing,
    "signature_invalid": SignatureInvalid,
    "signature_stale": SignatureStale,
}
