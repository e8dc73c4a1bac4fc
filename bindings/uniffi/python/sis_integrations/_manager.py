"""The manager: requests put together as JSON, answers as plain dicts. What a call does, the library does."""

import atexit
import base64
import dataclasses
import enum
import json
from datetime import datetime

from . import _native
from .exceptions import BY_CODE, Closed, Internal, SisError

# A thread of the library that wakes a coroutine runs Python, and must not while the interpreter ends.
atexit.register(_native.shut_gate)


class Role(str, enum.Enum):
    """The part a person plays in a school."""

    ADMIN = "admin"
    TEACHER = "teacher"
    STUDENT = "student"
    PARENT = "parent"
    STAFF = "staff"

    __str__ = str.__str__


@dataclasses.dataclass(frozen=True)
class Actor:
    """Who a call is made for. Your application has authenticated them; the library authorises them."""

    id: str
    role: Role
    #: The only tenant this actor belongs to: every other refuses it.
    tenant: "str | None" = None
    #: The address the vendors know the actor by: calls may act on behalf of it.
    address: "str | None" = None
    ip: "str | None" = None
    user_agent: "str | None" = None
    #: What the actor is held to: each `provider:operation`, `provider:*` or `*`.
    scopes: "list[str] | None" = None
    #: When the credentials shown end: the actor is refused from then on.
    expires_at: "datetime | str | None" = None


class Manager:
    """The hub of one process: providers, storage and keys, for all its schools.

    Works on threads of its own: any event loop and any thread may call it, several at once. Not to be taken over a
    fork: open one in each process.
    """

    def __init__(self, native):
        self._native = native

    @classmethod
    def open(
        cls,
        *,
        storage=None,
        journal=None,
        master_key=None,
        allow_private_addresses=None,
        durability=None,
        config_defaults=None,
        config_defaults_from_env=None,
        actor_quota=None,
        max_database_bytes=None,
        busy_timeout_ms=None,
    ):
        """Opens a manager: `await` it, or enter it with `async with`, which closes it afterwards.

        `storage` is `memory`, or `sqlite:` and a path (default `sqlite:sis.db`); `journal` is the beginning of the
        paths where an emergency is recorded while the storage cannot be written (default: beside the SQLite file; better
        on another disk); `master_key` is by default what the environment variable INTEGRATION_ENCRYPTION_KEY holds.
        `config_defaults_from_env=True` also reads the variables that each provider's page lists, for schools without
        settings of their own. `actor_quota` is how many calls one actor may make, as `{"perSecond": 100, "burst": 6000}`;
        `max_database_bytes` and `busy_timeout_ms` are SQLite's.
        """
        return _Opening(
            cls,
            _request(
                storage=storage,
                journal=journal,
                master_key=master_key,
                allow_private_addresses=allow_private_addresses,
                durability=durability,
                config_defaults=config_defaults,
                config_defaults_from_env=config_defaults_from_env,
                actor_quota=actor_quota,
                max_database_bytes=max_database_bytes,
                busy_timeout_ms=busy_timeout_ms,
            ),
        )

    async def execute(
        self,
        *,
        tenant,
        actor,
        provider,
        operation,
        arguments=None,
        idempotency_key=None,
        disclosure=None,
        deadline_ms=None,
        wait=None,
    ):
        """Runs one operation of a provider. Answers `{"requestId", "output", "replayed"}`.

        With an idempotency key it happens once, and repeated within 24 hours it gets the first answer again. After
        `OutcomeUnknown` the key is kept for 30 days, and the same call goes on where it can. `deadline_ms` is more than
        nothing and at most an hour; default: the operation's own. With `wait` the call waits within it for a free place
        when a limit is reached.

        A coroutine that is cancelled before anything was sent ends the call as `cancelled`; after that the call goes on
        to its end, and what came of it is in the audit trail.
        """
        request = _request(
            tenant=tenant,
            actor=actor,
            provider=provider,
            operation=operation,
            arguments=arguments,
            idempotency_key=idempotency_key,
            disclosure=disclosure,
            deadline_ms=deadline_ms,
            wait=wait,
        )
        return await self.call("execute", request)

    async def configure(self, *, tenant, actor, provider, config=None, enabled=None, expected_version=None):
        """Changes a school's settings for a provider, and answers them with secrets masked."""
        request = _request(
            tenant=tenant,
            actor=actor,
            provider=provider,
            config=config,
            enabled=enabled,
            expected_version=expected_version,
        )
        return await self.call("configure", request)

    async def grant(self, *, tenant, actor, user_id, provider, role=None, allow=None, deny=None, expires_at=None):
        """Sets what a user may do with a provider beyond what their role allows. A denial wins."""
        permissions = _request(role=role, allow=allow, deny=deny, expires_at=expires_at)
        request = _request(tenant=tenant, actor=actor, user_id=user_id, provider=provider, permissions=permissions)
        return await self.call("setPermissions", request)

    async def permissions(self, *, tenant, actor, user_id, provider):
        """What was granted to a user; empty where nothing was."""
        return await self.call(
            "permissions", _request(tenant=tenant, actor=actor, user_id=user_id, provider=provider)
        )

    async def config(self, *, tenant, actor, provider):
        """A school's settings for one provider, secrets masked."""
        return await self.call("config", _request(tenant=tenant, actor=actor, provider=provider))

    async def configs(self, *, tenant, actor):
        """A school's settings for every provider it has any for."""
        return await self.call("configs", _request(tenant=tenant, actor=actor))

    async def create_api_key(self, *, tenant, actor, name, user_id, role, scopes, expires_at=None):
        """Makes an API key. The answer is the only place where the `key` itself is shown."""
        api_key = _request(name=name, user_id=user_id, role=role, scopes=scopes, expires_at=expires_at)
        return await self.call("createApiKey", _request(tenant=tenant, actor=actor, api_key=api_key))

    async def api_keys(self, *, tenant, actor):
        """A school's API keys, newest first, those that are over too."""
        return await self.call("apiKeys", _request(tenant=tenant, actor=actor))

    async def revoke_api_key(self, *, tenant, actor, id):
        """Revokes an API key, from now on."""
        return await self.call("revokeApiKey", _request(tenant=tenant, actor=actor, id=id))

    async def authenticate_api_key(self, *, key):
        """Whose API key this is: `{"tenant", "actor"}`. Raises `Unauthenticated` for one that is not accepted."""
        return await self.call("authenticateApiKey", _request(key=key))

    async def audit(
        self,
        *,
        tenant,
        actor,
        provider=None,
        actor_id=None,
        request_id=None,
        since=None,
        until=None,
        limit=None,
        cursor=None,
    ):
        """The audit trail, newest first: `{"entries", "next"}`. Pass `next` as `cursor` to read on."""
        chosen = _request(
            provider=provider, actor_id=actor_id, request_id=request_id, to=until, limit=limit, cursor=cursor
        )
        if since is not None:
            chosen["from"] = since
        return await self.call("audit", _request(tenant=tenant, actor=actor, filter=chosen))

    async def verify_audit(self, *, tenant, actor):
        """Whether the audit trail is as it was written."""
        return await self.call("verifyAudit", _request(tenant=tenant, actor=actor))

    async def stats(self, *, tenant, actor, since=None, until=None):
        """Calls, errors and times of a period."""
        request = _request(tenant=tenant, actor=actor, to=until)
        if since is not None:
            request["from"] = since
        return await self.call("stats", request)

    async def health(self, *, tenant, actor, provider):
        """Whether a provider answers with this school's credentials."""
        return await self.call("health", _request(tenant=tenant, actor=actor, provider=provider))

    async def health_all(self, *, tenant, actor):
        """The same of every provider; one that the actor may not ask is `denied`."""
        return await self.call("healthAll", _request(tenant=tenant, actor=actor))

    async def receive_webhook(self, *, provider, url, headers, body):
        """Takes a vendor's webhook: `url` as the vendor called it, `body` the bytes as they came.

        Answer the vendor with 200, or with `reply` where the answer has one.
        """
        request = _request(provider=provider, url=url, headers=dict(headers))
        request["bodyBase64"] = base64.b64encode(body).decode()
        return await self.call("receiveWebhook", request)

    async def webhook_route(self, *, tenant, actor, provider):
        """The school's `route` for webhooks of the provider, for the query of the address that the vendor is given."""
        return await self.call("webhookRoute", _request(tenant=tenant, actor=actor, provider=provider))

    async def webhooks(self, *, tenant, actor, provider=None, state=None, limit=None, cursor=None):
        """The webhook log, newest first: `{"events", "next"}`. Pass `next` as `cursor` to read on."""
        chosen = _request(provider=provider, state=state, limit=limit, cursor=cursor)
        return await self.call("webhooks", _request(tenant=tenant, actor=actor, filter=chosen))

    async def replay_webhook(self, *, tenant, actor, id):
        """Hands an event to the handlers once more."""
        return await self.call("replayWebhook", _request(tenant=tenant, actor=actor, id=id))

    async def delivery(self, *, tenant, actor, provider, message_id):
        """How far a message has come, by its vendor's reports; `copies` counts them by state where there are many."""
        request = _request(tenant=tenant, actor=actor, provider=provider, message_id=message_id)
        return await self.call("delivery", request)

    async def subscriptions(self, *, tenant, actor):
        """What vendors tell the school about, until when."""
        return await self.call("subscriptions", _request(tenant=tenant, actor=actor))

    async def begin_consent(self, *, tenant, actor, provider, redirect_uri, scopes=None, login_hint=None):
        """Begins connecting a provider: send the administrator's browser to the answer's `url`."""
        consent = _request(redirect_uri=redirect_uri, scopes=scopes, login_hint=login_hint)
        return await self.call(
            "beginConsent", _request(tenant=tenant, actor=actor, provider=provider, consent=consent)
        )

    async def complete_consent(self, *, tenant, actor, provider, state, code=None, error=None):
        """Ends it with what the vendor's page sent back in the query; answers the settings."""
        answer = _request(state=state, code=code, error=error)
        return await self.call(
            "completeConsent", _request(tenant=tenant, actor=actor, provider=provider, answer=answer)
        )

    async def providers(self):
        """Every provider with the names of its operations."""
        return await self.call("providers", {})

    async def provider(self, *, provider):
        """A provider with its settings and operations, each with its JSON schema."""
        return await self.call("provider", _request(provider=provider))

    async def ready(self):
        """Whether the storage answers: for a load balancer's probe."""
        return await self.call("ready", {})

    async def renew_subscriptions(self):
        """Renews subscriptions whose time has come. Runs by itself every minute."""
        return await self.call("renewSubscriptions", {})

    async def merge_journal(self):
        """Merges what emergencies left in the second journal. Runs by itself when the storage works again."""
        return await self.call("mergeJournal", {})

    async def delete_expired(self):
        """Deletes what nobody needs any more. Runs by itself every hour; for a process that lives for one call at a time."""
        return await self.call("deleteExpired", {})

    async def call(self, function, request):
        """Calls any function by its name, with the request as the REST API names it."""
        try:
            begun = self._native.begin(_dump({"function": function, "request": request}))
            # What needs no waiting is answered by now, and the event loop is left alone.
            text = begun.answer if begun.is_answered() else await begun.call.answer()
        except (_native.ManagerError, _native.InternalError) as error:
            failed = _translated(error)
        else:
            return json.loads(text)
        raise failed from None

    async def close(self, deadline_ms=30_000):
        """Lets no further call in, waits so long for those under way, and writes what is queued.

        Raises `Timeout` when some were still under way at the deadline: they are on record, as `outcome_unknown`.
        """
        await _awaited(self._native.close(deadline_ms))

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        try:
            await self.close()
        except Closed:
            pass  # The body did it already.
        except SisError as failed:
            if error is None:
                raise
            # What went wrong first is what the caller must see; Python 3.11 and later show this below it.
            if hasattr(error, "add_note"):
                error.add_note(f"closing the manager failed as well: {failed}")


class _Opening:
    """A manager that is about to be opened, by `await` or by `async with`."""

    def __init__(self, kind, options):
        self._kind = kind
        self._options = options
        self._manager = None

    async def _open(self):
        return self._kind(await _awaited(_native.Manager.open(_dump(self._options))))

    def __await__(self):
        return self._open().__await__()

    async def __aenter__(self):
        self._manager = await self._open()
        return self._manager

    async def __aexit__(self, kind, error, trace):
        await self._manager.__aexit__(kind, error, trace)


def _request(**fields):
    """The fields that were given, under the names of the API."""
    return {_camel(name): value for name, value in fields.items() if value is not None}


def _camel(name):
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _plain(value):
    if isinstance(value, Actor):
        return _request(**{field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


# Made once: `json.dumps` would make one for each call.
_dump = json.JSONEncoder(default=_plain).encode


async def _awaited(call):
    try:
        return await call
    except (_native.ManagerError, _native.InternalError) as error:
        failed = _translated(error)
    raise failed from None


def _translated(error):
    if isinstance(error, _native.ManagerError):
        return _exception(error)
    # A panic at the boundary itself. Its words are the library's own business, on the standard error output.
    words = "the library panicked"
    return Internal(f"internal: {words}", code="internal", number=1, message=words)


def _exception(error):
    return BY_CODE.get(error.code, SisError)(
        error.summary,
        code=error.code,
        number=error.number,
        message=error.reason,
        retry=error.retry,
        retry_after_ms=error.retry_after_ms,
        field=error.field,
        provider=error.provider,
        operation=error.operation,
        request_id=error.request_id,
        vendor=None if error.vendor is None else json.loads(error.vendor),
        done=None if error.done is None else json.loads(error.done),
    )
