from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Any, Literal, TypeAlias, TypedDict

from . import exceptions as exceptions
from .exceptions import *

class Role(str, Enum):
    ADMIN = "admin"
    TEACHER = "teacher"
    STUDENT = "student"
    PARENT = "parent"
    STAFF = "staff"

_RoleName: TypeAlias = Role | Literal["admin", "teacher", "student", "parent", "staff"]

@dataclass(frozen=True)
class Actor:
    id: str
    role: _RoleName
    tenant: str | None = None
    address: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    scopes: list[str] | None = None
    expires_at: datetime | str | None = None

_Actor: TypeAlias = Actor | Mapping[str, Any]
_Moment: TypeAlias = datetime | str

class _Reply(TypedDict):
    requestId: str
    output: Any
    replayed: bool

class Manager:
    @classmethod
    def open(
        cls,
        *,
        storage: str | None = None,
        journal: str | None = None,
        master_key: str | None = None,
        allow_private_addresses: bool | None = None,
        durability: Literal["strict", "relaxed"] | None = None,
        config_defaults: Mapping[str, Mapping[str, Any]] | None = None,
        config_defaults_from_env: bool | None = None,
        actor_quota: Mapping[str, float] | None = None,
        max_database_bytes: int | None = None,
        busy_timeout_ms: int | None = None,
    ) -> _Opening: ...
    async def execute(
        self,
        *,
        tenant: str,
        actor: _Actor,
        provider: str,
        operation: str,
        arguments: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        disclosure: Mapping[str, Any] | None = None,
        deadline_ms: int | None = None,
        wait: bool | None = None,
    ) -> _Reply: ...
    async def configure(
        self,
        *,
        tenant: str,
        actor: _Actor,
        provider: str,
        config: Mapping[str, Any] | None = None,
        enabled: bool | None = None,
        expected_version: int | None = None,
    ) -> dict[str, Any]: ...
    async def grant(
        self,
        *,
        tenant: str,
        actor: _Actor,
        user_id: str,
        provider: str,
        role: _RoleName | None = None,
        allow: Sequence[str] | None = None,
        deny: Sequence[str] | None = None,
        expires_at: _Moment | None = None,
    ) -> dict[str, Any]: ...
    async def permissions(self, *, tenant: str, actor: _Actor, user_id: str, provider: str) -> dict[str, Any]: ...
    async def config(self, *, tenant: str, actor: _Actor, provider: str) -> dict[str, Any]: ...
    async def configs(self, *, tenant: str, actor: _Actor) -> dict[str, Any]: ...
    async def create_api_key(
        self,
        *,
        tenant: str,
        actor: _Actor,
        name: str,
        user_id: str,
        role: _RoleName,
        scopes: Sequence[str],
        expires_at: _Moment | None = None,
    ) -> dict[str, Any]: ...
    async def api_keys(self, *, tenant: str, actor: _Actor) -> dict[str, Any]: ...
    async def revoke_api_key(self, *, tenant: str, actor: _Actor, id: str) -> dict[str, Any]: ...
    async def authenticate_api_key(self, *, key: str) -> dict[str, Any]: ...
    async def audit(
        self,
        *,
        tenant: str,
        actor: _Actor,
        provider: str | None = None,
        actor_id: str | None = None,
        request_id: str | None = None,
        since: _Moment | None = None,
        until: _Moment | None = None,
        limit: int | None = None,
        cursor: Any = None,
    ) -> dict[str, Any]: ...
    async def verify_audit(self, *, tenant: str, actor: _Actor) -> dict[str, Any]: ...
    async def stats(
        self, *, tenant: str, actor: _Actor, since: _Moment | None = None, until: _Moment | None = None
    ) -> dict[str, Any]: ...
    async def health(self, *, tenant: str, actor: _Actor, provider: str) -> dict[str, Any]: ...
    async def health_all(self, *, tenant: str, actor: _Actor) -> dict[str, Any]: ...
    async def receive_webhook(
        self, *, provider: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any]: ...
    async def webhook_route(self, *, tenant: str, actor: _Actor, provider: str) -> dict[str, Any]: ...
    async def webhooks(
        self,
        *,
        tenant: str,
        actor: _Actor,
        provider: str | None = None,
        state: str | None = None,
        limit: int | None = None,
        cursor: Any = None,
    ) -> dict[str, Any]: ...
    async def replay_webhook(self, *, tenant: str, actor: _Actor, id: str) -> dict[str, Any]: ...
    async def delivery(self, *, tenant: str, actor: _Actor, provider: str, message_id: str) -> dict[str, Any]: ...
    async def subscriptions(self, *, tenant: str, actor: _Actor) -> dict[str, Any]: ...
    async def begin_consent(
        self,
        *,
        tenant: str,
        actor: _Actor,
        provider: str,
        redirect_uri: str,
        scopes: Sequence[str] | None = None,
        login_hint: str | None = None,
    ) -> dict[str, Any]: ...
    async def complete_consent(
        self,
        *,
        tenant: str,
        actor: _Actor,
        provider: str,
        state: str,
        code: str | None = None,
        error: str | None = None,
    ) -> dict[str, Any]: ...
    async def providers(self) -> dict[str, Any]: ...
    async def provider(self, *, provider: str) -> dict[str, Any]: ...
    async def ready(self) -> dict[str, Any]: ...
    async def renew_subscriptions(self) -> dict[str, Any]: ...
    async def merge_journal(self) -> dict[str, Any]: ...
    async def delete_expired(self) -> dict[str, Any]: ...
    async def call(self, function: str, request: Any) -> Any: ...
    async def close(self, deadline_ms: int = 30_000) -> None: ...
    async def __aenter__(self) -> Manager: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class _Opening:
    def __await__(self) -> Generator[Any, None, Manager]: ...
    async def __aenter__(self) -> Manager: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
