"""One call over and over: what it takes from Python. Arguments and output as those of caller.c."""

import asyncio
import json
import sys
import time

from sis_integrations import Manager

ROUNDS, CALLS = 9, 2000


def camel_to_snake(name):
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


async def main():
    options, grant, request = (json.loads(argument) for argument in sys.argv[1:])
    async with Manager.open(**{camel_to_snake(name): value for name, value in options.items()}) as manager:
        await manager.call("setPermissions", grant)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for _ in range(CALLS):
                await manager.call("permissions", request)
            print((time.perf_counter() - start) * 1e6 / CALLS)


asyncio.run(main())
