"""The Python agent, in asyncio: the commands of ``agent.py``, their calls awaited.

``agent_async.py PREFIX ENDPOINT...``
"""

import asyncio
import contextlib
import sys

from agent import Agent, failed, say

from gocore_etcd import EtcdError
from gocore_etcd.aio import Client


async def awaiting(steps):
    """Go through the steps of a command: await each call, and give back what it came to."""
    with contextlib.suppress(StopIteration):
        call = next(steps)
        while True:
            try:
                result = await call
            except EtcdError as error:
                call = steps.throw(error)
            else:
                call = steps.send(result)


async def main():
    prefix, *endpoints = sys.argv[1:]
    try:
        agent = Agent(await Client(endpoints, prefix=prefix))
    except EtcdError as error:
        failed("connect", error)
        return
    say("connected")
    while not agent.closed and (line := await asyncio.to_thread(sys.stdin.readline)):
        await awaiting(agent.obey(line))


if __name__ == "__main__":
    asyncio.run(main())
