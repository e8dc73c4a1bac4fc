"""Many calls, calls given up, and managers shared by event loops, threads and the end of the program."""

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time

import pytest

from sis_integrations import Actor, Closed, Manager, Role, SisError

from conftest import ADMIN, MASTER_KEY


async def configure(manager, tenant, sandbox):
    await manager.configure(tenant=tenant, actor=ADMIN, provider="twilio", config=sandbox.settings())


async def ended(manager, tenant, actor, count=1):
    """The audit entries of an actor's calls, as soon as none is under way."""
    for _ in range(200):
        page = await manager.audit(tenant=tenant, actor=ADMIN, actor_id=actor, limit=500)
        entries = [entry for entry in page["entries"] if entry["event"] == "call"]
        if len(entries) == count and all(entry["state"] != "in_progress" for entry in entries):
            return entries
        await asyncio.sleep(0.05)
    raise AssertionError(f"still under way: {entries}")


def test_200_calls_at_once(opening, tenant, sandbox):
    async def main():
        async with opening() as manager:
            await configure(manager, tenant, sandbox)
            calls = [
                manager.execute(
                    tenant=tenant,
                    actor=ADMIN,
                    provider="twilio",
                    operation="sendSms",
                    arguments={"to": f"+1555{number:07}", "body": f"Message {number}"},
                    wait=True,
                )
                for number in range(200)
            ]
            replies = await asyncio.gather(*calls)
            assert [reply["output"]["to"] for reply in replies] == [f"+1555{number:07}" for number in range(200)]
            assert len({reply["requestId"] for reply in replies}) == 200
            assert len({reply["output"]["sid"] for reply in replies}) == 200
            outcomes = [entry["outcome"] for entry in await ended(manager, tenant, "u-1", 200)]
            assert outcomes == ["ok"] * 200
            assert (await manager.verify_audit(tenant=tenant, actor=ADMIN))["intact"]

    asyncio.run(main())


def test_the_event_loop_stays_free(opening, tenant, sandbox, sms):
    async def main():
        async with opening() as manager:
            await configure(manager, tenant, sandbox)
            sandbox.fault(kind="delay", ms=600)
            call = asyncio.create_task(manager.execute(tenant=tenant, actor=ADMIN, **sms))
            turns = 0
            while not call.done():
                turns += 1
                await asyncio.sleep(0.01)
            assert turns > 10
            await call

    asyncio.run(main())


def test_a_coroutine_cancelled_mid_call_leaves_an_outcome(opening, tenant, sandbox, sms):
    async def main():
        async with opening() as manager:
            await configure(manager, tenant, sandbox)
            sandbox.fault(kind="delay", ms=700)
            before = sandbox.seen
            call = asyncio.create_task(manager.execute(tenant=tenant, actor=Actor("t-5", Role.ADMIN), **sms))
            while sandbox.seen == before:
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            # It was sent, so it goes on to its end, and the trail says what truly happened.
            (entry,) = await ended(manager, tenant, "t-5")
            assert (entry["state"], entry["outcome"]) == ("ended", "ok"), entry
            assert (await manager.verify_audit(tenant=tenant, actor=ADMIN))["intact"]

    asyncio.run(main())


def test_a_call_given_up_at_any_moment_leaves_nothing_open(opening, tenant, sandbox, sms):
    async def main():
        async with opening() as manager:
            await configure(manager, tenant, sandbox)
            before = sandbox.seen
            for step in range(30):
                call = manager.execute(tenant=tenant, actor=Actor("t-6", Role.ADMIN), **sms)
                try:
                    await asyncio.wait_for(call, step * 0.0005)
                except asyncio.TimeoutError:
                    pass
            await asyncio.sleep(0.2)
            page = await manager.audit(tenant=tenant, actor=ADMIN, actor_id="t-6", limit=500)
            entries = await ended(manager, tenant, "t-6", len(page["entries"]))
            assert {entry["outcome"] for entry in entries} <= {"ok", "cancelled"}, entries
            # Whatever reached the vendor is on record as what it was.
            assert sum(entry["outcome"] == "ok" for entry in entries) == sandbox.seen - before

    asyncio.run(main())


def test_a_timeout_around_a_call(opening, tenant, sandbox, sms):
    async def main():
        async with opening() as manager:
            await configure(manager, tenant, sandbox)
            sandbox.fault(kind="delay", ms=1000)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(manager.execute(tenant=tenant, actor=ADMIN, **sms), 0.3)
            # Closing waits for it.
            started = time.monotonic()
        assert time.monotonic() - started > 0.2

    asyncio.run(main())


def test_two_event_loops_share_a_manager(opening, tenant, sandbox, sms):
    async def first():
        manager = await opening()
        await configure(manager, tenant, sandbox)
        return manager

    manager = asyncio.run(first())
    answers, start = [], threading.Barrier(2)

    def work(actor):
        async def main():
            calls = (manager.execute(tenant=tenant, actor=Actor(actor, Role.ADMIN), **sms) for _ in range(20))
            return await asyncio.gather(*calls)

        start.wait()
        answers.append(asyncio.run(main()))

    threads = [threading.Thread(target=work, args=(actor,)) for actor in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(replies) for replies in answers) == 40
    assert len({reply["requestId"] for replies in answers for reply in replies}) == 40
    asyncio.run(manager.close())


def test_close_lets_calls_end_and_refuses_others(opening, tenant, sandbox, sms):
    async def main():
        manager = await opening()
        await configure(manager, tenant, sandbox)
        sandbox.fault(kind="delay", ms=500)
        before = sandbox.seen
        call = asyncio.create_task(manager.execute(tenant=tenant, actor=ADMIN, **sms))
        while sandbox.seen == before:
            await asyncio.sleep(0.01)
        closing = asyncio.create_task(manager.close())
        await asyncio.sleep(0.1)
        with pytest.raises(Closed):
            await manager.execute(tenant=tenant, actor=ADMIN, **sms)
        assert (await call)["output"]["sid"]
        await closing

    asyncio.run(main())


def test_a_manager_that_is_forgotten_does_no_harm(opening, tenant, sms):
    async def main():
        for _ in range(5):
            manager = await opening()
            with pytest.raises(SisError):
                await manager.execute(tenant=tenant, actor=ADMIN, **sms)
            del manager
            gc.collect()

    asyncio.run(main())


PROGRAM = """
import asyncio
from sis_integrations import Actor, Manager, NotConfigured, Role

async def main():
    manager = await Manager.open(storage="memory", master_key="{key}")
    call = lambda: manager.health(tenant="t", actor=Actor("u", Role.ADMIN), provider="twilio")
    waiting = [asyncio.create_task(call()) for _ in range(20)]
    {end}

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["await manager.close()", "await call()", "pass", "await asyncio.sleep(0.001)"])
def test_a_program_may_end_at_any_moment(end):
    """Before 3.14 an interpreter that ends kills threads that run Python: none of the library's may then."""
    program = PROGRAM.format(key=MASTER_KEY, end=end)
    for _ in range(8):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "FATAL" not in done.stderr, done.stderr


def test_a_fork_does_not_take_the_manager_along():
    program = """
import asyncio, os, sys
from sis_integrations import Actor, Closed, Manager, Role

ask = lambda manager: manager.configs(tenant="t", actor=Actor("u", Role.ADMIN))

async def first():
    return await Manager.open(storage="memory", master_key="{key}")

manager = asyncio.run(first())
child = os.fork()
if child == 0:
    try:
        asyncio.run(ask(manager))
    except Closed:
        os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert asyncio.run(ask(manager)) == {{"integrations": []}}
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program.format(key=MASTER_KEY)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_child_forked_under_load_lets_go_of_the_manager_and_ends(tmp_path):
    """What the parent's threads held at the fork is held for ever in the child: it must not wait for that."""
    program = """
import asyncio, gc, os, signal, sys, time
from sis_integrations import Actor, Manager, Role

admin = Actor("u", Role.ADMIN)

async def opened():
    return await Manager.open(storage="sqlite:{storage}", master_key="{key}")

async def burst():
    def grant(user):
        return manager.grant(tenant="t", actor=admin, user_id=user, provider="twilio", allow=["*"])
    calls = [asyncio.ensure_future(grant(f"u-{{number}}")) for number in range(50)]
    await asyncio.sleep(0.003)
    # Given up: the library's threads go on with what was begun, and nothing here holds the manager for them.
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)

manager = asyncio.run(opened())
for _ in range(20):
    asyncio.run(burst())
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        manager = None
        gc.collect()
        # Not os._exit: the interpreter ends as it does, and shuts the gate.
        sys.exit(0)
    began = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert time.monotonic() - began < 4
asyncio.run(manager.close())
"""
    program = program.format(storage=tmp_path / "sis.db", key=MASTER_KEY)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_only_what_looks_at_a_few_rows_is_done_on_the_event_loops_thread(tenant):
    async def main():
        async with Manager.open(storage="memory", master_key=MASTER_KEY) as manager:
            school = {"tenant": tenant, "actor": {"id": "u-1", "role": "admin"}}
            await manager.call("setPermissions", {**school, "userId": "u", "provider": "twilio", "permissions": {}})

            def at_once(function, **request):
                request = json.dumps({"function": function, "request": {**school, **request}})
                return manager._native.begin(request).is_answered()

            # In memory nothing waits for anything: without a choice all of them would be.
            assert at_once("permissions", userId="u", provider="twilio")
            for function in ("verifyAudit", "audit", "stats", "webhooks"):
                assert not at_once(function), function
            request = json.dumps({"function": "provider", "request": {"provider": "google_workspace"}})
            assert not manager._native.begin(request).is_answered()

    asyncio.run(main())
