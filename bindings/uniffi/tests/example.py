import asyncio
import os

from sis_integrations import Actor, Manager, PermissionDenied, Role


async def main() -> None:
    key = os.environ.get("INTEGRATION_ENCRYPTION_KEY") or os.urandom(32).hex()
    async with Manager.open(storage="memory", master_key=key) as manager:
        admin, student = Actor("u-1", Role.ADMIN), Actor("s-9", Role.STUDENT)
        settings = {"account_sid": "AC" + "0" * 32, "auth_token": "from the console"}
        print(await manager.configure(tenant="tenant-123", actor=admin, provider="twilio", config=settings))
        message = {"to": "+15551234567", "body": "No school tomorrow!"}
        try:
            await manager.execute(
                tenant="tenant-123", actor=student, provider="twilio", operation="sendSms", arguments=message
            )
        except PermissionDenied as error:
            print(error.code, error.operation, error.message)
        for entry in (await manager.audit(tenant="tenant-123", actor=admin))["entries"]:
            print(entry["at"], entry["actorId"], entry["event"], entry["outcome"])


asyncio.run(main())
