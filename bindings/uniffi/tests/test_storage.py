"""A storage that is full, damaged or locked, and more than an operation takes: what a program then gets."""

import asyncio
import contextlib
import subprocess
import sys

import pytest

from sis_integrations import InvalidArgument, Manager, StorageCorrupt, StorageFull, StorageUnavailable

from conftest import ADMIN, MASTER_KEY


def opened(path, **options):
    return Manager.open(storage=f"sqlite:{path}", master_key=MASTER_KEY, **options)


async def grant(manager, tenant, user):
    await manager.grant(tenant=tenant, actor=ADMIN, user_id=user, provider="twilio", allow=["*"])


def test_a_full_database(tmp_path, tenant):
    async def main():
        async with opened(tmp_path / "sis.db", max_database_bytes=400_000) as manager:
            await grant(manager, tenant, "u-0")
            with pytest.raises(StorageFull) as caught:
                for number in range(5000):
                    await grant(manager, tenant, f"u-{number}")
            assert caught.value.retry == "never"
            assert (await manager.verify_audit(tenant=tenant, actor=ADMIN))["intact"]
        # With more room it goes on.
        async with opened(tmp_path / "sis.db") as manager:
            await grant(manager, tenant, "u-5001")

    asyncio.run(main())


def test_a_damaged_database(tmp_path):
    async def main():
        (tmp_path / "sis.db").write_bytes(b"no database, but long enough to have been one" * 1000)
        with pytest.raises(StorageCorrupt):
            await opened(tmp_path / "sis.db")

    asyncio.run(main())


# A process of its own: within one, locks of two SQLite libraries do not hold each other.
KEEPER = """
import sqlite3, sys
keeping = sqlite3.connect(sys.argv[1], isolation_level=None)
keeping.execute("BEGIN EXCLUSIVE")
print("kept", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(path):
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert keeper.stdout.readline() == "kept\n"
        yield
    finally:
        keeper.communicate()


def test_a_locked_database(tmp_path, tenant):
    async def main():
        async with opened(tmp_path / "sis.db", busy_timeout_ms=200) as manager:
            await grant(manager, tenant, "u-1")
            with locked(tmp_path / "sis.db"), pytest.raises(StorageUnavailable) as caught:
                await grant(manager, tenant, "u-2")
            assert caught.value.retry == "after"
            await grant(manager, tenant, "u-2")

    asyncio.run(main())


def test_an_alarm_leaves_while_the_database_is_locked(tmp_path, tenant, sandbox):
    (tmp_path / "elsewhere").mkdir()
    journal = tmp_path / "elsewhere" / "alarm"
    recipients = [{"phone": "+15551230001", "name": "Ada"}, {"phone": "+15551230002", "name": "Ben"}]
    alarm = {"recipients": recipients, "message": "Leave the building.", "alertType": "drill", "channels": ["sms"]}
    options = {"journal": str(journal), "busy_timeout_ms": 200, "allow_private_addresses": True}

    async def main():
        async with opened(tmp_path / "sis.db", **options) as manager:
            school = {"tenant": tenant, "actor": ADMIN, "provider": "twilio"}
            send = {"operation": "sendEmergencyAlert", "arguments": alarm, "idempotency_key": "drill"}
            await manager.configure(**school, config=sandbox.settings())
            await manager.execute(**school, operation="getBalance")
            with locked(tmp_path / "sis.db"):
                first = await manager.execute(**school, **send)
                again = await manager.execute(**school, **send)
                assert [file for file in journal.parent.iterdir() if file.suffix != ".reserve"]
            assert [(of["name"], of["state"]) for of in first["output"]["recipients"]] == [
                ("Ada", "accepted"),
                ("Ben", "accepted"),
            ]
            assert again["replayed"] and again["output"] == first["output"]

    asyncio.run(main())


def test_where_the_journal_is():
    async def main():
        with pytest.raises(InvalidArgument) as caught:
            await Manager.open(storage="memory", master_key=MASTER_KEY, journal="")
        assert caught.value.field == "journal"

    asyncio.run(main())


def test_what_is_of_sqlite_alone():
    async def main():
        for option in ["max_database_bytes", "busy_timeout_ms"]:
            with pytest.raises(InvalidArgument):
                await Manager.open(storage="memory", master_key=MASTER_KEY, **{option: 1})

    asyncio.run(main())


def test_more_recipients_than_an_alert_takes(opening, tenant):
    async def main():
        async with opening() as manager:
            with pytest.raises(InvalidArgument) as caught:
                await manager.execute(
                    tenant=tenant,
                    actor=ADMIN,
                    provider="twilio",
                    operation="sendEmergencyAlert",
                    arguments={"recipients": [{"phone": "+15551234567"}] * 100_001, "message": "Closed"},
                )
            assert caught.value.field == "recipients" and "100000" in caught.value.message

    asyncio.run(main())
