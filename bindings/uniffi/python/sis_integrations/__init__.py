"""Connects a School Information System to the outside services a school uses.

    async with Manager.open(storage="sqlite:sis.db") as manager:
        reply = await manager.execute(
            tenant="tenant-123",
            actor=Actor("u-1", Role.ADMIN),
            provider="twilio",
            operation="sendSms",
            arguments={"to": "+15551234567", "body": "School is closed today."},
        )

Arguments of Python are snake_case; names inside of JSON are the API's own. A call that fails raises the subclass of
`SisError` of its code, such as `PermissionDenied`.
"""

from . import exceptions
from ._manager import Actor, Manager, Role
from .exceptions import *  # noqa: F403

__all__ = ["Actor", "Manager", "Role", "exceptions"]
__all__ += [name for name in exceptions.__all__ if name != "BY_CODE"]
