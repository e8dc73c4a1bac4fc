"""The functions of the manager, by the names that Python gives them."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from sis_integrations import Actor, Manager, PermissionDenied, Role

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

    asyncio.run(main())


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
