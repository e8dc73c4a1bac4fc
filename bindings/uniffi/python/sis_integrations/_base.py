"""The exception that all others are."""

from __future__ import annotations

from typing import Any


class SisError(Exception):
    """A call that failed. `str()` is one line for a log; it never holds a secret."""

    #: The stable name of what went wrong, such as `permission_denied`.
    code: str
    #: The stable number of the code.
    number: int
    #: The words for a person, without the code.
    message: str
    #: Whether the same call may be repeated: `never`, `after`, `exhausted` or `unknown`.
    retry: str
    #: How long to wait before it is, where that is known.
    retry_after_ms: int | None
    #: The path of the argument at fault, such as `recipients[3].phone`.
    field: str | None
    #: The provider the call was for.
    provider: str | None
    #: The operation that was called.
    operation: str | None
    #: The call's id: the key to its audit rows.
    request_id: str | None
    #: What the vendor itself said: `status`, `code`, `message`, `requestId`.
    vendor: dict[str, Any] | None
    #: Of an operation of several requests, the steps that were done: `steps`, and the `idempotencyKey` by which the same
    #: call goes on after them.
    done: dict[str, Any] | None

    def __init__(
        self,
        summary: str,
        *,
        code: str,
        number: int,
        message: str,
        retry: str = "never",
        retry_after_ms: int | None = None,
        field: str | None = None,
        provider: str | None = None,
        operation: str | None = None,
        request_id: str | None = None,
        vendor: dict[str, Any] | None = None,
        done: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(summary)
        self.code = code
        self.number = number
        self.message = message
        self.retry = retry
        self.retry_after_ms = retry_after_ms
        self.field = field
        self.provider = provider
        self.operation = operation
        self.request_id = request_id
        self.vendor = vendor
        self.done = done

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword arguments do not survive pickling by themselves, and pools of processes pickle exceptions.
        return (_rebuild, (type(self), str(self), self.__dict__.copy()))

    def to_json(self) -> dict[str, Any]:
        """The error as the REST API and every other binding show it. What is not known is not there."""
        known = {
            "code": self.code,
            "number": self.number,
            "message": self.message,
            "retry": self.retry,
            "retryAfterMs": self.retry_after_ms,
            "field": self.field,
            "provider": self.provider,
            "operation": self.operation,
            "requestId": self.request_id,
            "vendor": self.vendor,
            "done": self.done,
        }
        return {name: value for name, value in known.items() if value is not None}


def _rebuild(kind: type[SisError], summary: str, known: dict[str, Any]) -> SisError:
    error = kind.__new__(kind, summary)
    error.args = (summary,)
    error.__dict__.update(known)
    return error
