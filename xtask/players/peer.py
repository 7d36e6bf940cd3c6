"""The other packages, doing the same: ``peer.py ENDPOINT PACKAGE``. The protocol is that of player.c, without locks."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from protocol import KEY, answer, orders, prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

AT_ONCE = 32


async def play(work: Callable[[], Awaitable[object]], until: int, took: list[int]) -> None:
    """Work, one after another, until then."""
    began = time.perf_counter_ns()
    while began < until:
        await work()
        ended = time.perf_counter_ns()
        took.append(ended - began)
        began = ended


async def obey(get: Callable[[], Awaitable[object]]) -> None:
    """Carry out what asyncio peers are asked for."""
    for what, number in orders():
        took: list[int] = []
        until = time.perf_counter_ns() + number * 1_000_000
        at_once = AT_ONCE if what == "gets" else 1
        await asyncio.gather(*(play(get, until, took) for _ in range(at_once)))
        answer(took)


async def etcetra(host: str, port: int) -> None:
    """Play with the package etcetra."""
    from etcetra import EtcdClient, HostPortPair  # noqa: PLC0415

    async with EtcdClient(HostPortPair(host, port)).connect() as client:
        await obey(lambda: client.get(KEY.decode()))


async def etcd_client(host: str, port: int) -> None:
    """Play with the package etcd-client-py."""
    from etcd_client import Client  # noqa: PLC0415

    async with Client([f"http://{host}:{port}"]).connect() as client:
        await obey(lambda: client.get(KEY))


async def aetcd(host: str, port: int) -> None:
    """Play with the package aetcd."""
    from aetcd import Client  # noqa: PLC0415

    async with Client(host=host, port=port) as client:
        await obey(lambda: client.get(KEY))


def etcd3(host: str, port: int) -> None:
    """Play with the package etcd3, which blocks."""
    import etcd3 as package  # noqa: PLC0415

    client: Any = package.client(host=host, port=port)
    changed = threading.Condition()
    seen = wanted = 0

    def handle(response: Any) -> None:
        nonlocal seen
        with changed:
            seen += len(response.events)
            if seen >= wanted:
                changed.notify_all()

    def have_come() -> bool:
        return seen >= wanted

    for what, number in orders():
        took: list[int] = []
        if what == "watch":
            client.add_watch_prefix_callback(prefix(number), handle)
        elif what == "events":
            began = time.process_time_ns()
            with changed:
                wanted = number
                changed.wait_for(have_come)
                seen = 0
            took = [time.process_time_ns() - began]
        else:
            until = time.perf_counter_ns() + number * 1_000_000
            began = time.perf_counter_ns()
            while began < until:
                client.get(KEY)
                ended = time.perf_counter_ns()
                took.append(ended - began)
                began = ended
        answer(took)


def main() -> None:
    """Play with the package named."""
    host, _, port = sys.argv[1].removeprefix("http://").partition(":")
    if sys.argv[2] == "etcd3":
        etcd3(host, int(port))
    else:
        peers = {"etcetra": etcetra, "etcd-client-py": etcd_client, "aetcd": aetcd}
        asyncio.run(peers[sys.argv[2]](host, int(port)))


main()
