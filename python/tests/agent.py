"""The Python agent, blocking: a program that uses the package as its users do and says what happens.

``agent.py PREFIX ENDPOINT...`` speaks the protocol of ``tests/src/bin/agent.rs``: commands on stdin, events on
stdout, one JSON object a line. ``agent_async.py`` is the same program in asyncio: what is called is the same there, so
that the commands, which stand here, only yield their calls, and each program waits for them in its own way.
"""

import contextlib
import json
import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from electing import Elections
from saying import failed, now, say

from gocore_etcd import Client, ClosedError, EtcdError, Leading, LostError, Op

# Between the events, as the Rust agent has it: shown with them when a test fails.
logging.basicConfig(stream=sys.stdout)


class Agent(Elections):
    """The commands. Each yields what a call gave, and goes on with that, or with what came of awaiting it."""

    def __init__(self, client, follow, begin):
        super().__init__(client, follow, begin)
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


def follow(candidacy, believe):
    """Lead whenever it can, on a thread."""

    def stand():
        while True:
            try:
                state = candidacy.next()
            except ClosedError:
                return
            except EtcdError as error:
                failed("stand", error)
                continue
            leadership = candidacy.leadership
            if isinstance(state, Leading) and leadership is not None:
                for _ in believe(leadership):
                    time.sleep(0.001)

    thread = threading.Thread(target=stand, daemon=True)
    thread.start()
    return thread


pool = ThreadPoolExecutor()


def main():
    prefix, *endpoints = sys.argv[1:]
    try:
        agent = Agent(Client(endpoints, prefix=prefix, dial_timeout=15), follow, pool.submit)
    except EtcdError as error:
        failed("connect", error)
        return
    say("connected")
    while not agent.closed and (line := sys.stdin.readline()):
        blocking(agent.obey(line))
    if agent.closed:
        # They have still something to say, and to write in vain.
        for thread in agent.standing:
            thread.join()


if __name__ == "__main__":
    main()
