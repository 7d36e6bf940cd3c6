"""The lock, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from gocore_etcd._call import run_async
from gocore_etcd._calls.lock import LockBase, after_failed_unlock
from gocore_etcd._errors import DeadlineExceededError
from gocore_etcd._handlers import InLoop
from gocore_etcd._time import DEFAULT, Timeout

if TYPE_CHECKING:
    from types import TracebackType

    from gocore_etcd._bytes import Key, Value
    from gocore_etcd._handlers import Run


class Lock(LockBase):
    """A held lock: :class:`gocore_etcd.Lock`, its waiting methods awaited, entered with ``async with``.

    It lives until it is unlocked, lost, or no longer referenced; it outlives the task and the loop that took it.
    """

    async def wait_lost(self, *, timeout: Timeout = DEFAULT) -> bool:
        """Wait until the lock is held no longer, as :meth:`gocore_etcd.Lock.wait_lost`."""
        if timeout == 0:
            return not self.is_held()
        try:
            await run_async(self._wait_lost(timeout))
        except DeadlineExceededError:
            return False
        return True

    async def put(self, key: Key, value: Value, *, timeout: Timeout = DEFAULT) -> int:
        """Write a key if the lock is still held when it arrives, as :meth:`gocore_etcd.Lock.put`."""
        return await run_async(self._put(key, value, timeout))

    async def unlock(self, *, timeout: Timeout = DEFAULT) -> None:
        """Give the lock back, as :meth:`gocore_etcd.Lock.unlock`. Cancelled, it goes on in the background."""
        await run_async(self._unlock(timeout))

    def _runner(self) -> Run:
        return InLoop(asyncio.get_running_loop())

    async def __aenter__(self) -> Self:
        self._check_held()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.unlock()
        except Exception as failure:  # noqa: BLE001
            after_failed_unlock(failure, error)
