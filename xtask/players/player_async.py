"""The benchmark's player in Python, asyncio: ``player_async.py ENDPOINT``. The protocol is that of player.c."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from gocore_etcd import Changes, Range, Snapshot, aio
from protocol import KEY, answer, orders, prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gocore_etcd import WatchUpdate
    from gocore_etcd.aio import Watch

AT_ONCE = 32


async def play(work: Callable[[], Awaitable[object]], until: int, took: list[int]) -> None:
    """Work, one after another, until then."""
    began = time.perf_counter_ns()
    while began < until:
        await work()
        ended = time.perf_counter_ns()
        took.append(ended - began)
        began = ended


async def events(watch: Watch[WatchUpdate], wanted: int) -> int:
    """Wait for so many changes, and say what processor time they took."""
    seen, began = 0, time.process_time_ns()
    while seen < wanted:
        update = await anext(watch)
        if isinstance(update, Changes):
            seen += len(update.changes)
    return time.process_time_ns() - began


async def main() -> None:
    """Obey; nothing else runs in this loop while an order is awaited."""
    async with aio.Client([sys.argv[1]]) as client:
        kv, watch = client.kv, None

        async def lock() -> None:
            await (await client.lock("async", ttl=60)).unlock()

        works: dict[str, Callable[[], Awaitable[object]]] = {"get": lambda: kv.get(KEY), "lock": lock}
        for what, number in orders():
            took: list[int] = []
            until = time.perf_counter_ns() + number * 1_000_000
            if what == "watch":
                watch = kv.watch(Range.prefix(prefix(number)))
                while not isinstance(await anext(watch), Snapshot):
                    pass
            elif what == "events" and watch is not None:
                took = [await events(watch, number)]
            elif what == "gets":
                await asyncio.gather(*(play(works["get"], until, took) for _ in range(AT_ONCE)))
            else:
                await play(works[what], until, took)
            answer(took)


asyncio.run(main())
