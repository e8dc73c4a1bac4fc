"""What the tests share: the sandbox that they are told of, a manager, and fresh schools."""

import json
import os
import urllib.request
import uuid

import pytest

from sis_integrations import Actor, Manager, Role

# Any key will do; raw, because a passphrase takes its time.
MASTER_KEY = "7d1f0c55e2a94b3c8f60d4a1b95e27304c8813fda6722be95f01c3d748ea96b2"
ADMIN = Actor("u-1", Role.ADMIN)


class Sandbox:
    """The look-alike of Twilio. A variable that is not set fails the test: nothing is skipped."""

    def __init__(self):
        self.url = os.environ["SIS_SANDBOX_TWILIO_URL"]
        self.account_sid = os.environ["SIS_SANDBOX_TWILIO_ACCOUNT_SID"]
        self.auth_token = os.environ["SIS_SANDBOX_TWILIO_AUTH_TOKEN"]

    def names(self):
        """What scenarios call `${twilioUrl}` and so on: SIS_SANDBOX_TWILIO_URL, in camelCase."""
        names = {}
        for variable, value in os.environ.items():
            if variable.startswith("SIS_SANDBOX_"):
                first, *rest = variable.removeprefix("SIS_SANDBOX_").lower().split("_")
                names[first + "".join(word.capitalize() for word in rest)] = value
        return names

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/__sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, count=1, **fault):
        self.control("POST", "faults", {"fault": fault, "when": {"kind": "next", "count": count}})

    @property
    def seen(self):
        return self.control("GET", "requests?since=99999999")["seen"]

    def settings(self):
        return {
            "account_sid": self.account_sid,
            "auth_token": self.auth_token,
            "from_number": "+15005550006",
            "base_url": self.url,
        }


@pytest.fixture
def sandbox():
    sandbox = Sandbox()
    sandbox.control("DELETE", "faults")
    yield sandbox
    sandbox.control("DELETE", "faults")


@pytest.fixture
def tenant():
    return f"school-{uuid.uuid4()}"


@pytest.fixture(params=["memory", "sqlite"])
def opening(request, tmp_path):
    """How a manager is opened; call it for another on the same storage."""
    storage = "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'sis.db'}"
    return lambda: Manager.open(storage=storage, master_key=MASTER_KEY, allow_private_addresses=True)


@pytest.fixture
def sms():
    """A call that sends one message."""
    return {
        "provider": "twilio",
        "operation": "sendSms",
        "arguments": {"to": "+15551234567", "body": "School is closed today."},
    }
