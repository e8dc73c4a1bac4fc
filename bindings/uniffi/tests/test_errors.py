"""Exceptions by code, and what they tell."""

import asyncio
import pickle
import sys

import pytest

import sis_integrations
from sis_integrations import (
    Actor,
    Closed,
    InvalidArgument,
    Manager,
    NotConfigured,
    NotFound,
    PermissionDenied,
    RateLimited,
    Role,
    SisError,
    Timeout,
    UnknownProvider,
    Vendor,
    WeakMasterKey,
    WrongMasterKey,
    exceptions,
)
from sis_integrations import _manager as shell

from conftest import ADMIN, MASTER_KEY


def failing(call):
    with pytest.raises(SisError) as caught:
        asyncio.run(call)
    return caught.value


def test_every_code_has_its_exception():
    assert len(exceptions.BY_CODE) == len(set(exceptions.BY_CODE.values()))
    for code, kind in exceptions.BY_CODE.items():
        assert kind.__name__ == "".join(word.capitalize() for word in code.split("_"))
        assert getattr(sis_integrations, kind.__name__) is kind
        assert issubclass(kind, SisError)
        assert kind.__doc__


def test_a_code_of_a_later_version_is_the_base_itself():
    class FromTheFuture:
        code, number, reason, summary = "a_code_of_next_year", 999, "new", "a_code_of_next_year: new"
        retry, retry_after_ms, field, provider, operation, request_id, vendor, done = "never", *[None] * 7

    error = shell._exception(FromTheFuture)
    assert type(error) is SisError
    assert (error.code, error.number) == ("a_code_of_next_year", 999)


def test_a_refusal_says_what_and_where(opening, tenant, sms):
    async def call():
        async with opening() as manager:
            await manager.execute(tenant=tenant, actor=Actor("s-9", Role.STUDENT), **sms)

    error = failing(call())
    assert type(error) is PermissionDenied
    assert (error.code, error.number, error.retry) == ("permission_denied", 7, "never")
    assert (error.provider, error.operation) == ("twilio", "sendSms")
    assert len(error.request_id) == 36
    assert error.field is None and error.vendor is None and error.retry_after_ms is None
    assert str(error).startswith("permission_denied at twilio.sendSms, request ")
    assert str(error).endswith(error.message) and "\n" not in str(error)
    assert error.__cause__ is None and error.__suppress_context__


@pytest.mark.parametrize(
    ("request_", "kind", "field"),
    [
        ({"actor": {"id": "u-1", "role": "king"}}, InvalidArgument, "actor.role"),
        ({"actor": {"id": "", "role": "admin"}}, InvalidArgument, "actor.id"),
        ({"tenant": "../other"}, InvalidArgument, "tenant"),
        ({"tenant": "x" * 10_000}, InvalidArgument, "tenant"),
        ({"tenant": 5}, InvalidArgument, "tenant"),
        ({"provider": "pigeon"}, UnknownProvider, None),
        ({"deadline_ms": -1}, InvalidArgument, "deadlineMs"),
        ({"arguments": float("nan")}, InvalidArgument, "request"),
        ({"arguments": {"to": "\ud800"}}, InvalidArgument, "request"),
        ({}, NotConfigured, None),
    ],
)
def test_bad_input(opening, tenant, sms, request_, kind, field):
    async def call():
        async with opening() as manager:
            await manager.execute(**{"tenant": tenant, "actor": ADMIN, **sms, **request_})

    error = failing(call())
    assert type(error) is kind, error
    assert error.field == field


def test_what_has_no_form_in_json_is_a_type_error(opening, tenant, sms):
    async def call():
        async with opening() as manager:
            await manager.execute(**{"tenant": tenant, "actor": ADMIN, **sms, "arguments": {"to": object()}})

    with pytest.raises(TypeError, match="object has no form in JSON"):
        asyncio.run(call())


def test_an_unknown_function_is_not_found(opening):
    async def call():
        async with opening() as manager:
            await manager.call("sing", {})

    assert type(failing(call())) is NotFound


def test_opening_with_bad_options(tmp_path):
    async def opened(**options):
        await Manager.open(**options)

    assert type(failing(opened(storage="memory", master_key="short"))) is WeakMasterKey
    error = failing(opened(storage="postgres://user:hunter2@host/db", master_key=MASTER_KEY))
    assert type(error) is InvalidArgument and error.field == "storage"
    assert "hunter2" not in str(error)

    async def twice():
        storage = f"sqlite:{tmp_path / 'sis.db'}"
        async with Manager.open(storage=storage, master_key=MASTER_KEY):
            pass
        await Manager.open(storage=storage, master_key=MASTER_KEY[::-1])

    assert type(failing(twice())) is WrongMasterKey


def test_what_the_vendor_said(opening, tenant, sandbox, sms):
    async def call(**change):
        async with opening() as manager:
            await manager.configure(tenant=tenant, actor=ADMIN, provider="twilio", config=sandbox.settings())
            await manager.execute(**{"tenant": tenant, "actor": ADMIN, **sms, **change})

    # Twilio's magic number that is not a valid one.
    error = failing(call(arguments={"to": "+15005550001", "body": "Hello"}))
    assert isinstance(error, (Vendor, InvalidArgument)), error
    assert error.vendor["status"] == 400 and error.vendor["code"] == "21211"

    sandbox.fault(count=20, kind="status", status=429, retry_after=7)
    error = failing(call(deadline_ms=3000))
    assert type(error) is RateLimited
    assert error.retry == "after" and 0 < error.retry_after_ms <= 7000
    assert error.vendor["status"] == 429


def test_a_closed_manager_refuses_calls(opening, tenant, sms):
    async def call():
        manager = await opening()
        await manager.close()
        await manager.execute(tenant=tenant, actor=ADMIN, **sms)

    error = failing(call())
    assert type(error) is Closed and error.number == 29
    assert (error.provider, error.operation) == ("twilio", "sendSms")


def test_a_closed_manager_says_so_when_closed_again(opening):
    async def call():
        manager = await opening()
        await manager.close()
        await manager.close(deadline_ms=10)

    error = failing(call())
    assert type(error) is Closed and error.provider is None


def test_a_body_may_close_its_manager(opening):
    async def opened():
        async with opening() as manager:
            await manager.close()

    async def entered():
        manager = await opening()
        async with manager:
            await manager.close()

    asyncio.run(opened())
    asyncio.run(entered())


def test_a_failing_close_does_not_displace_what_the_body_raised(opening):
    failed = Timeout("timeout: calls are still under way", code="timeout", number=16, message="calls are still under way")

    async def leave(*, raising):
        async with opening() as manager:

            async def close(deadline_ms=0):
                await Manager.close(manager)
                raise failed

            manager.close = close
            if raising:
                raise ValueError("of the body")

    with pytest.raises(ValueError, match="of the body") as caught:
        asyncio.run(leave(raising=True))
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == [f"closing the manager failed as well: {failed}"]
    # Without an exception of the body, it is the caller's to know.
    assert failing(leave(raising=False)) is failed


def test_an_error_survives_pickling():
    error = PermissionDenied(
        "permission_denied: no", code="permission_denied", number=7, message="no", request_id="r", vendor={"status": 1}
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is PermissionDenied
    assert str(again) == str(error)
    assert again.to_json() == error.to_json()


def test_no_secret_gets_out(opening, tenant, sandbox, sms):
    mark = "cafecafecafecafecafecafecafecafe"

    async def all_of_them():
        errors = []

        async def collect(call):
            with pytest.raises(SisError) as caught:
                await call
            errors.append(caught.value)

        async with opening() as manager:

            def configure(**change):
                settings = {**sandbox.settings(), "auth_token": mark, **change}
                return manager.configure(tenant=tenant, actor=ADMIN, provider="twilio", config=settings)

            await collect(configure(account_sid=mark))
            await collect(configure(base_url=f"ftp://user:{mark}@host/{mark}"))
            await collect(configure(from_number=mark))
            await collect(configure(**{"colour": mark}))
            await collect(manager.call("configure", [mark]))
            await collect(manager.call("configure", {"tenant": tenant, "authToken": mark}))
            await collect(open_with(mark[:20]))
            view = await configure()
            assert mark not in repr(view)
            # The sandbox does not know this token.
            await collect(manager.execute(tenant=tenant, actor=ADMIN, **sms))
            assert mark not in repr(manager) and MASTER_KEY not in repr(manager)
            assert mark not in repr(await manager.audit(tenant=tenant, actor=ADMIN))
        return errors

    async def open_with(key):
        await Manager.open(storage="memory", master_key=key)

    for error in asyncio.run(all_of_them()):
        assert mark[:20] not in str(error)
        shown = [repr(error), str(error), repr(error.__dict__), repr(error.to_json()), repr(error.args)]
        assert not any(mark in text for text in shown), shown
        assert error.__cause__ is None and error.__suppress_context__


def test_no_secret_in_what_opens():
    assert MASTER_KEY not in repr(Manager.open(storage="memory", master_key=MASTER_KEY))
