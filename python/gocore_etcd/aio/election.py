"""Leader election, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, overload

from gocore_etcd._calls.election import LeadershipBase
from gocore_etcd._handlers import InLoop, Subscription
from gocore_etcd._time import DEFAULT, Timeout

from ._call import run_async
from ._held import Held
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from gocore_etcd._election import Leader


class Leadership(LeadershipBase, Held):
    """A leadership: :class:`gocore_etcd.Leadership`, its waiting methods awaited, entered with ``async with``.

    It lives until it is resigned, lost, or no longer referenced; it outlives the task and the loop that won it.
    """

    async def proclaim(self, identity: str, *, timeout: Timeout = DEFAULT) -> None:
        """Change the identity that others see, as :meth:`gocore_etcd.Leadership.proclaim`.

        Cancelled, it is left open whether it was applied, until the next proclamation.
        """
        await run_async(self._proclaim(identity, timeout))

    async def resign(self, *, timeout: Timeout = DEFAULT) -> None:
        """Give the leadership back, as :meth:`gocore_etcd.Leadership.resign`. Cancelled, it goes on by itself."""
        await run_async(self._give_back(timeout))

    async def leader(self, *, timeout: Timeout = DEFAULT) -> Leader | None:
        """Say who leads this key now, as :meth:`gocore_etcd.Leadership.leader`."""
        return await run_async(self._leader(timeout))

    @overload
    def observe(self, handler: None = None) -> Watch[Leader | None]: ...
    @overload
    def observe(self, handler: Callable[[Leader | None], object]) -> Subscription: ...
    def observe(self, handler: Callable[[Leader | None], object] | None = None) -> Watch[Leader | None] | Subscription:
        """Watch who leads this key, also after this leadership, as :meth:`Client.observe`."""
        events = self._observe()
        if handler is None:
            return Watch(events)
        return Subscription(events, handler, InLoop(asyncio.get_running_loop())).begin()
