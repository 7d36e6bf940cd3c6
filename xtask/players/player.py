"""The benchmark's player in Python, blocking: ``player.py ENDPOINT``. The protocol is that of player.c."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import gocore_etcd
from gocore_etcd import Changes, Client, Range, Snapshot
from protocol import KEY, answer, orders, prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from gocore_etcd import WatchUpdate

AT_ONCE = 32


def play(work: Callable[[], object], until: int, took: list[int]) -> None:
    """Work, one after another, until then."""
    began = time.perf_counter_ns()
    while began < until:
        work()
        ended = time.perf_counter_ns()
        took.append(ended - began)
        began = ended


class Events:
    """What a handler has seen of a watch. Who waits is woken once, at the end: that is not what is measured."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watching = False
        self._seen = 0
        self._wanted = 0

    def handle(self, update: WatchUpdate) -> None:
        """Take an update."""
        with self._changed:
            if isinstance(update, Changes):
                self._seen += len(update.changes)
            elif isinstance(update, Snapshot):
                self._watching = True
            if self._seen >= self._wanted:
                self._changed.notify_all()

    def began(self) -> None:
        """Wait until the watch has begun."""
        with self._changed:
            self._changed.wait_for(lambda: self._watching)

    def took(self, wanted: int) -> int:
        """Wait for so many changes, and say what processor time they took."""
        began = time.process_time_ns()
        with self._changed:
            self._wanted = wanted
            self._changed.wait_for(lambda: self._seen >= wanted)
            self._seen = 0
        return time.process_time_ns() - began


def lock(client: Client) -> None:
    """Lock and unlock."""
    client.lock("sync", ttl=60).unlock()


def main() -> None:
    """Obey."""
    with gocore_etcd.Client([sys.argv[1]]) as client:
        kv, events = client.kv, Events()
        works: dict[str, Callable[[], object]] = {"get": lambda: kv.get(KEY), "lock": lambda: lock(client)}
        for what, number in orders():
            took: list[int] = []
            until = time.perf_counter_ns() + number * 1_000_000
            if what == "watch":
                kv.watch(Range.prefix(prefix(number)), handler=events.handle)
                events.began()
            elif what == "events":
                took = [events.took(number)]
            elif what == "gets":
                threads = [threading.Thread(target=play, args=[works["get"], until, took]) for _ in range(AT_ONCE)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            else:
                play(works[what], until, took)
            answer(took)


main()
