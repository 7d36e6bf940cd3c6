"""A watch, for asyncio: an async iterator over what happens, for as long as you like."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, TypeVar

from gocore_etcd._call import in_loop
from gocore_etcd._calls.watch import WatchBase
from gocore_etcd._errors import ClosedError
from gocore_etcd._events import NOTHING
from gocore_etcd._time import DEFAULT, NANOSECONDS, Timeout, limit

if TYPE_CHECKING:
    from types import TracebackType

    from gocore_etcd._dispatch import Batch
    from gocore_etcd._native import Answer

E = TypeVar("E")


class Watch(WatchBase[E]):
    """What happens, one update after the other: :class:`gocore_etcd.Watch`, iterated with ``async for``.

    Cancelling a task that waits for the next update, with ``asyncio.wait_for`` for instance, loses none. A watch
    belongs to no event loop.
    """

    async def next(self, *, timeout: Timeout = DEFAULT) -> E:
        """Wait for the next update, as :meth:`gocore_etcd.Watch.next`."""
        nanos = limit(self._events.op, timeout)
        now = asyncio.get_running_loop().time()
        return await self._next(None if nanos is None or nanos < 0 else now + nanos / NANOSECONDS)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        try:
            return await self._next(None)
        except ClosedError:
            if self._events.is_closed:
                raise StopAsyncIteration from None
            raise

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _next(self, until: float | None) -> E:
        # Nothing is awaited between taking an update and giving it: a cancellation finds it still here.
        has_waited = False
        while (event := self._events.pop()) is NOTHING:
            if not self._events.fill():
                await self._wait(until)
            elif not has_waited:
                # Where there always is another batch the loop must have its turn all the same.
                await asyncio.sleep(0)
            has_waited = True
        return event

    async def _wait(self, until: float | None) -> None:
        loop = asyncio.get_running_loop()
        if until is not None and until <= loop.time():
            raise self._expired()
        future: asyncio.Future[Answer | None] = loop.create_future()
        expiry = None if until is None else loop.call_at(until, _expire, future)
        waiter = _Awaited(loop, future)
        try:
            self._events.wait(waiter)
            answer = await future
        finally:
            self._events.forget(waiter)
            if expiry is not None:
                expiry.cancel()
        if answer is None:
            raise self._expired()
        self._told(answer)


class _Awaited:
    """A future that is told, by way of its loop."""

    __slots__ = ("_future", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Answer | None]) -> None:
        self._loop = loop
        self._future = future

    def complete(self, answer: Answer, batch: Batch) -> None:
        """Have the future done; on the dispatcher's thread."""
        in_loop(self._loop, batch, self._deliver, answer)

    def _deliver(self, answer: Answer) -> None:
        if not self._future.done():
            self._future.set_result(answer)


def _expire(future: asyncio.Future[Answer | None]) -> None:
    if not future.done():
        future.set_result(None)
