"""The functions of the manager, by the names that Python gives them."""

import asyncio
import base64
import hmac
import urllib.parse
from datetime import datetime, timedelta, timezone

import pytest

from sis_integrations import (
    Actor,
    Manager,
    NotConfigured,
    NotFound,
    PermissionDenied,
    Role,
    SignatureInvalid,
    SisError,
    Unauthenticated,
    UnsupportedOperation,
)

from conftest import ADMIN, MASTER_KEY


def test_every_function_of_the_manager(opening, tenant, sandbox, sms):
    async def main():
        async with opening() as manager:
            school = {"tenant": tenant, "actor": ADMIN}
            teacher = Actor("t-5", Role.TEACHER, ip="203.0.113.7", user_agent="tests/1")

            view = await manager.configure(**school, provider="twilio", config=sandbox.settings())
            assert view["version"] == 1 and view["config"]["auth_token"] == "********"
            assert await manager.config(**school, provider="twilio") == view
            assert (await manager.configs(**school))["integrations"] == [view]
            off = await manager.configure(**school, provider="twilio", enabled=False, expected_version=1)
            assert off["enabled"] is False and off["version"] == 2
            await manager.configure(**school, provider="twilio", enabled=True)

            with pytest.raises(PermissionDenied):
                await manager.execute(tenant=tenant, actor=teacher, **sms)
            until = datetime.now(timezone.utc) + timedelta(days=1)
            grant = await manager.grant(
                **school, user_id="t-5", provider="twilio", allow=["sendSms"], expires_at=until
            )
            assert grant["allow"] == ["sendSms"] and grant["expiresAt"].startswith(until.isoformat()[:19])
            kept = await manager.permissions(**school, user_id="t-5", provider="twilio")
            assert kept["allow"] == ["sendSms"]

            about = {"subjects": [{"id": "student-42"}], "purpose": "closure notice"}
            reply = await manager.execute(tenant=tenant, actor=teacher, **sms, idempotency_key="k", disclosure=about)
            again = await manager.execute(
                tenant=tenant, actor={"id": "t-5", "role": "teacher"}, **sms, idempotency_key="k"
            )
            assert (reply["replayed"], again["replayed"]) == (False, True)
            assert again["requestId"] == reply["requestId"] and again["output"] == reply["output"]

            page = await manager.audit(**school, request_id=reply["requestId"])
            assert [entry["outcome"] for entry in page["entries"]] == ["ok"]
            assert page["entries"][0]["actorIp"] == "203.0.113.7"
            first = await manager.audit(**school, limit=1)
            second = await manager.audit(**school, limit=1, cursor=first["next"])
            assert first["entries"] != second["entries"]
            assert (await manager.audit(**school, until=until - timedelta(days=2)))["entries"] == []
            assert (await manager.verify_audit(**school))["intact"] is True
            stats = await manager.stats(**school, since=until - timedelta(days=2), until=until)
            assert stats["calls"] == 1
            assert (await manager.health(**school, provider="twilio"))["status"] == "healthy"
            reports = {report["provider"]: report for report in (await manager.health_all(**school))["integrations"]}
            assert reports["twilio"]["status"] == "healthy"
            assert reports["stripe"]["code"] == "not_configured"

            key = await manager.create_api_key(
                **school, name="bus", user_id="t-5", role=Role.TEACHER, scopes=["twilio:sendSms"]
            )
            assert key["key"] and key["name"] == "bus"
            whose = await manager.authenticate_api_key(key=key["key"])
            assert whose["tenant"] == tenant and whose["actor"]["id"] == "t-5"
            assert await manager.revoke_api_key(**school, id=key["id"]) == {"id": key["id"]}
            with pytest.raises(Unauthenticated):
                await manager.authenticate_api_key(key=key["key"])
            (listed,) = (await manager.api_keys(**school))["apiKeys"]
            assert listed["id"] == key["id"] and listed["revokedAt"] and "key" not in listed

    asyncio.run(main())


def test_webhooks_and_what_there_is_to_call(opening, tenant, sandbox):
    async def main():
        async with opening() as manager:
            school = {"tenant": tenant, "actor": ADMIN}
            await manager.configure(**school, provider="twilio", config=sandbox.settings())
            route = (await manager.webhook_route(**school, provider="twilio"))["route"]
            url = f"https://sis.example/api/integrations/webhooks/twilio?route={route}"
            form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered", "AccountSid": sandbox.account_sid}
            # Twilio signs the address and the fields in their order. https://www.twilio.com/docs/usage/security
            signed = url + "".join(name + form[name] for name in sorted(form))
            mac = hmac.new(sandbox.auth_token.encode(), signed.encode(), "sha1").digest()
            headers = {
                "X-Twilio-Signature": base64.b64encode(mac).decode(),
                "Content-Type": "application/x-www-form-urlencoded",
            }
            body = urllib.parse.urlencode(form).encode()
            receipt = await manager.receive_webhook(provider="twilio", url=url, headers=headers, body=body)
            assert receipt["tenant"] == tenant and len(receipt["events"]) == 1
            (event,) = (await manager.webhooks(**school, provider="twilio", limit=5))["events"]
            assert event["id"] == receipt["events"][0]["id"]
            status = await manager.delivery(**school, provider="twilio", message_id=form["MessageSid"])
            assert status["state"] == "delivered"
            with pytest.raises(NotConfigured):
                await manager.replay_webhook(**school, id=event["id"])
            with pytest.raises(SignatureInvalid):
                await manager.receive_webhook(provider="twilio", url=url, headers=headers, body=body + b"x")

            assert await manager.subscriptions(**school) == {"subscriptions": []}
            with pytest.raises(UnsupportedOperation):
                await manager.begin_consent(**school, provider="twilio", redirect_uri="https://sis.example/back")
            with pytest.raises(SisError):
                await manager.complete_consent(**school, provider="google_workspace", state="x", code="y")

            listed = {provider["provider"]: provider for provider in (await manager.providers())["providers"]}
            assert "sendSms" in listed["twilio"]["operations"]
            described = await manager.provider(provider="twilio")
            (sms,) = [operation for operation in described["operations"] if operation["name"] == "sendSms"]
            assert "to" in sms["arguments"]["properties"]
            assert await manager.ready() == {"status": "ok"}
            assert await manager.renew_subscriptions() == {"renewed": 0}
            assert await manager.merge_journal() == {"merged": 0}

    asyncio.run(main())


def test_every_function_has_a_method(opening):
    async def main():
        async with opening() as manager:
            with pytest.raises(NotFound) as caught:
                await manager.call("sing", {})
            return caught.value.message.split("there are ")[1].split(", ")

    functions = asyncio.run(main())
    assert len(functions) > 20
    for function in functions:
        name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in function)
        assert callable(getattr(Manager, {"set_permissions": "grant"}.get(name, name), None)), function


def test_the_same_database_again(tmp_path, tenant, sandbox, sms):
    async def main():
        storage = f"sqlite:{tmp_path / 'sis.db'}"
        async with Manager.open(storage=storage, master_key=MASTER_KEY, allow_private_addresses=True) as manager:
            await manager.configure(tenant=tenant, actor=ADMIN, provider="twilio", config=sandbox.settings())
        async with Manager.open(
            storage=storage, master_key=MASTER_KEY, allow_private_addresses=True, durability="relaxed"
        ) as manager:
            await manager.execute(tenant=tenant, actor=ADMIN, **sms)

    asyncio.run(main())


def test_defaults_for_every_school(tenant, sandbox, sms):
    async def main():
        async with Manager.open(
            storage="memory",
            master_key=MASTER_KEY,
            allow_private_addresses=True,
            config_defaults={"twilio": sandbox.settings()},
        ) as manager:
            await manager.execute(tenant=tenant, actor=ADMIN, **sms)

    asyncio.run(main())


def test_an_enum_reads_as_its_name():
    assert f"{Role.ADMIN}" == str(Role.ADMIN) == Role.ADMIN == "admin"
