"""The Python agent, in asyncio: the commands of ``agent.py``, their calls awaited.

``agent_async.py PREFIX ENDPOINT...``
"""

import asyncio
import contextlib
import sys

from agent import Agent
from saying import failed, say

from gocore_etcd import ClosedError, EtcdError, Leading
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


def follow(candidacy, believe):
    """Lead whenever it can, in a task."""

    async def stand():
        while True:
            try:
                state = await candidacy.next()
            except ClosedError:
                return
            except EtcdError as error:
                failed("stand", error)
                continue
            leadership = candidacy.leadership
            if isinstance(state, Leading) and leadership is not None:
                for _ in believe(leadership):
                    await asyncio.sleep(0.001)

    return asyncio.create_task(stand())


def begin(call):
    """Have a call go on meanwhile; what becomes of it is etcd's verdict."""

    async def go():
        with contextlib.suppress(EtcdError):
            await call()

    return asyncio.create_task(go())


async def main():
    prefix, *endpoints = sys.argv[1:]
    try:
        agent = Agent(await Client(endpoints, prefix=prefix, dial_timeout=15), follow, begin)
    except EtcdError as error:
        failed("connect", error)
        return
    say("connected")
    while not agent.closed and (line := await asyncio.to_thread(sys.stdin.readline)):
        await awaiting(agent.obey(line))


if __name__ == "__main__":
    asyncio.run(main())
