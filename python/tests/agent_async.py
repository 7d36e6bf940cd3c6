"""The Python agent, in asyncio: agent.py, awaited.

``agent_async.py PREFIX ENDPOINT...`` speaks the protocol of ``tests/src/bin/agent.rs``: commands on stdin, events on
stdout, one JSON object a line.
"""

import asyncio
import contextlib
import json
import sys
import time

from gocore_etcd import EtcdError, LostError, Op
from gocore_etcd.aio import Client


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def failed(what, error):
    # The kind's name as the core has it: the class without its ending.
    kind = type(error).__name__.removesuffix("Error").replace("OperationCancelled", "Cancelled")
    say("failed", do=what, kind=kind, message=str(error))


class Agent:
    def __init__(self, client):
        self.client = client
        self.held = None

    async def obey(self, what, command):
        method = getattr(self, f"do_{what}", None)
        if method is None:
            say("failed", do=what, kind="Unknown", message="no such command")
        else:
            await method(**command)

    async def do_lock(self, key="", ttl_ms=0):
        say("waiting", key=key)
        self._acquired(await self.client.lock(key, ttl_ms / 1000))

    async def do_try_lock(self, key="", ttl_ms=0):
        lock = await self.client.try_lock(key, ttl_ms / 1000)
        if lock is None:
            say("not_acquired", key=key)
        else:
            self._acquired(lock)

    async def do_is_held(self):
        say("held", held=self.held is not None and self.held.is_held(), at_ns=now())

    async def do_put(self, key="", value=""):
        # Not `lock.put`, which knows that it is lost: here etcd is to judge.
        result = await self.client.kv.txn(then=[Op.put(key, value.encode())], guard=self.held)
        say("written", revision=result.revision)

    async def do_unlock(self):
        held, self.held = self.held, None
        if held is not None:
            await held.unlock()
        say("unlocked", at_ns=now())

    async def do_count(self, key="", ttl_ms=0, counter="", turns=0):
        for _ in range(turns):
            await self._turn(key, ttl_ms / 1000, counter)
        say("counted", turns=turns)

    async def do_close(self):
        await self.client.close()
        say("closed")

    async def _turn(self, key, ttl, counter):
        lock = await self.client.lock(key, ttl)
        found = await self.client.kv.get(counter)
        await self.client.kv.put(counter, b"%d" % (int(found.value if found else 0) + 1))
        # The write is in: what a lost lock endangers is the next turn's exclusion, which the sum would show.
        with contextlib.suppress(LostError):
            await lock.unlock()

    def _acquired(self, lock):
        say("acquired", key=lock.key, token=lock.token, at_ns=now())
        # A task that waits, not a handler: also a lock that is given back ends with `lost`, as the Rust agent has it.
        self.telling = asyncio.create_task(self._tell_loss(lock))
        self.held = lock

    @staticmethod
    async def _tell_loss(lock):
        await lock.wait_lost()
        say("lost", at_ns=now())


async def main():
    prefix, *endpoints = sys.argv[1:]
    try:
        client = await Client(endpoints, prefix=prefix)
    except EtcdError as error:
        failed("connect", error)
        return
    say("connected")
    agent = Agent(client)
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        what = command.pop("do", "")
        try:
            await agent.obey(what, command)
        except EtcdError as error:
            failed(what, error)
        if what == "close":
            break


if __name__ == "__main__":
    asyncio.run(main())
