"""The lock, for asyncio."""

from __future__ import annotations

from gocore_etcd._calls.lock import LockBase
from gocore_etcd._time import DEFAULT, Timeout

from ._call import run_async
from ._held import Held


class Lock(LockBase, Held):
    """A held lock: :class:`gocore_etcd.Lock`, its waiting methods awaited, entered with ``async with``.

    It lives until it is unlocked, lost, or no longer referenced; it outlives the task and the loop that took it.
    """

    async def unlock(self, *, timeout: Timeout = DEFAULT) -> None:
        """Give the lock back, as :meth:`gocore_etcd.Lock.unlock`. Cancelled, it goes on in the background."""
        await run_async(self._give_back(timeout))
