"""Work that is done by the leader alone, for asyncio."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gocore_etcd._calls.run import Pace, check_passes, pauses, was_lost
from gocore_etcd._election import AGAIN, Again
from gocore_etcd._errors import EtcdError, LostError
from gocore_etcd._handlers import InLoop, Once, Subscription

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .election import Leadership

T = TypeVar("T")


async def run(campaign: Callable[[], Awaitable[Leadership]], work: Callable[[Leadership], Awaitable[T | Again]]) -> T:
    """Campaign, work while leading, resign, over and over, until the work says that it is done."""
    pace = Pace()
    while True:
        leadership = await _persist(campaign)
        begun = time.monotonic()
        try:
            value = await _while_leading(leadership, work)
        except LostError:
            # What ends work when the leadership is lost; or something else of its own was lost.
            if not await _resign(leadership):
                raise
        except (Exception, asyncio.CancelledError):
            await _resign(leadership)
            raise
        else:
            if isinstance(value, Again):
                # The next campaign would wait behind what is not given back, for as long as the session lives.
                await _persist(partial(_give_back, leadership))
            elif not await _resign(leadership):
                return value
        await asyncio.sleep(pace.after(time.monotonic() - begun))


async def _persist(attempt: Callable[[], Awaitable[T]]) -> T:
    for pause in pauses():
        try:
            return await attempt()
        except EtcdError as failure:
            check_passes(failure)
        await asyncio.sleep(pause)
    raise AssertionError


async def _while_leading(leadership: Leadership, work: Callable[[Leadership], Awaitable[T | Again]]) -> T | Again:
    """Await the work, in this very task; cancel it when the leadership is lost, or its client closed.

    Work that resigns by itself is not stopped for that.
    """
    loop = asyncio.get_running_loop()
    try:
        # A limit without a time, until its time has come: cancelling the work, and telling that from a cancellation of
        # this task by somebody else, is what it does.
        async with asyncio.timeout(None) as limit:

            def over(lost: bool) -> None:
                if lost or leadership._client._closing:  # noqa: SLF001
                    limit.reschedule(loop.time())

            with Subscription(Once(leadership._loss(None)), over, InLoop(loop)).begin():  # noqa: SLF001
                return await work(leadership)
    except TimeoutError as error:
        if limit.expired() and isinstance(error.__cause__, asyncio.CancelledError):
            return AGAIN
        raise


async def _give_back(leadership: Leadership) -> None:
    with suppress(LostError):
        await leadership.resign()


async def _resign(leadership: Leadership) -> bool:
    """Give it back; whether it had been lost before."""
    try:
        await leadership.resign()
    except EtcdError as failure:
        return was_lost(failure)
    return False
