"""The scenarios of all languages, run verbatim."""

import asyncio
import json
import os
import re
import uuid
from pathlib import Path

import pytest

from sis_integrations import SisError

HERE = Path(__file__).resolve()
FOLDER = Path(os.environ.get("SIS_SCENARIOS") or HERE.parents[3] / "tests/scenarios")
FILES = sorted(FOLDER.glob("*.json"))
NOTHING = object()


def test_there_are_scenarios():
    assert FILES, f"no scenarios in {FOLDER}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenario(file, opening, sandbox):
    names = {
        "tenant": fresh(),
        "otherTenant": fresh(),
        **sandbox.names(),
    }
    asyncio.run(run(json.loads(file.read_text()), opening, names))


def fresh():
    """A school's name in letters: a long number might be taken for a card's."""
    return "school-" + uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


async def run(scenario, opening, names):
    async with opening() as manager:
        for number, step in enumerate(scenario["steps"]):
            where = f"step {number} ({step['do']})"
            try:
                answer = await manager.call(step["do"], filled(step["request"], names))
            except SisError as error:
                assert "error" in step, f"{where} failed: {error}"
                check(where, error.to_json(), filled(step["error"], names))
                continue
            assert "error" not in step, f"{where} was to fail, and answered {answer}"
            check(where, answer, filled(step.get("expect", {}), names))
            for name, pointer in step.get("capture", {}).items():
                names[name] = look_up(answer, pointer)


def filled(value, names):
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: str(names[found[1]]), value)
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, names) for name, item in value.items()}
    return value


def look_up(value, pointer):
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return NOTHING
    return value


def check(where, answer, expected):
    for pointer, wanted in expected.items():
        found = look_up(answer, pointer)
        assert fits(found, wanted), f"{where}: {pointer} is to be {wanted}, in {answer}"


def fits(found, wanted):
    if isinstance(wanted, dict) and len(wanted) == 1:
        ((matcher, value),) = wanted.items()
        if matcher == "exists":
            return (found is not NOTHING) == value
        if matcher == "matches":
            return isinstance(found, str) and re.search(value, found) is not None
        if matcher == "contains":
            return isinstance(found, list) and any(
                isinstance(item, dict) and value.items() <= item.items() for item in found
            )
    # In Python True is 1 and 1.0 is 1; in JSON the first two differ.
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
