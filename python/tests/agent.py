"""The Python agent, blocking: a program that uses the package as its users do and says what happens.

``agent.py PREFIX ENDPOINT...`` speaks the protocol of ``tests/src/bin/agent.rs``: commands on stdin, events on
stdout, one JSON object a line. ``agent_async.py`` is the same program in asyncio: what is called is the same there, so
that the commands, which stand here, only yield their calls, and each program waits for them in its own way.
"""

import contextlib
import json
import logging
import sys
import time

from gocore_etcd import Client, EtcdError, LostError, Op

# Between the events, as the Rust agent has it: shown with them when a test fails.
logging.basicConfig(stream=sys.stdout)


def say(event, **fields):
    # One write: handlers say something too, from threads of their own.
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def failed(what, error):
    # The kind's name as the core has it: the class without its ending.
    kind = type(error).__name__.removesuffix("Error").replace("OperationCancelled", "Cancelled")
    say("failed", do=what, kind=kind, message=str(error))


class Agent:
    """The commands. Each yields what a call gave, and goes on with that, or with what came of awaiting it."""

    def __init__(self, client):
        self.client = client
        self.held = None
        self.closed = False

    def obey(self, line):
        command = json.loads(line)
        what = command.pop("do", "")
        try:
            yield from getattr(self, f"do_{what}", self._unknown)(**command) or ()
        except EtcdError as error:
            failed(what, error)
        self.closed = what == "close"

    def do_lock(self, key="", ttl_ms=0):
        say("waiting", key=key)
        self._acquired((yield self.client.lock(key, ttl_ms / 1000)))

    def do_try_lock(self, key="", ttl_ms=0):
        lock = yield self.client.try_lock(key, ttl_ms / 1000)
        if lock is None:
            say("not_acquired", key=key)
        else:
            self._acquired(lock)

    def do_is_held(self):
        say("held", held=self.held is not None and self.held.is_held(), at_ns=now())

    def do_put(self, key="", value=""):
        # Not `lock.put`, which knows that it is lost: here etcd is to judge.
        result = yield self.client.kv.txn(then=[Op.put(key, value.encode())], guard=self.held)
        say("written", revision=result.revision)

    def do_unlock(self):
        held, self.held = self.held, None
        if held is not None:
            yield held.unlock()
        say("unlocked", at_ns=now())

    def do_count(self, key="", ttl_ms=0, counter="", turns=0):
        # Reads, adds one, writes, all unguarded: only exclusion makes the sum right.
        for _ in range(turns):
            lock = yield self.client.lock(key, ttl_ms / 1000)
            found = yield self.client.kv.get(counter)
            yield self.client.kv.put(counter, b"%d" % (int(found.value if found else 0) + 1))
            # The write is in: what a lost lock endangers is the next turn's exclusion, which the sum would show.
            with contextlib.suppress(LostError):
                yield lock.unlock()
        say("counted", turns=turns)

    def do_close(self):
        yield self.client.close()
        say("closed")

    @staticmethod
    def _unknown(**command):
        say("failed", do=str(command), kind="Unknown", message="no such command")

    def _acquired(self, lock):
        say("acquired", key=lock.key, token=lock.token, at_ns=now())
        lock.on_lost(lambda: say("lost", at_ns=now()))
        self.held = lock


def blocking(steps):
    """Go through the steps of a command: a blocking call has given its result when it is yielded."""
    result = None
    with contextlib.suppress(StopIteration):
        while True:
            result = steps.send(result)


def main():
    prefix, *endpoints = sys.argv[1:]
    try:
        agent = Agent(Client(endpoints, prefix=prefix))
    except EtcdError as error:
        failed("connect", error)
        return
    say("connected")
    while not agent.closed and (line := sys.stdin.readline()):
        blocking(agent.obey(line))


if __name__ == "__main__":
    main()
