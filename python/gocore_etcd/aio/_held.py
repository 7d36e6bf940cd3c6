"""What is held, for asyncio: a lock, a leadership."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from gocore_etcd._calls.held import HeldBase, after_failed_release
from gocore_etcd._errors import DeadlineExceededError
from gocore_etcd._handlers import InLoop
from gocore_etcd._time import DEFAULT, Timeout

from ._call import run_async

if TYPE_CHECKING:
    from types import TracebackType

    from gocore_etcd._bytes import Key, Value
    from gocore_etcd._handlers import Run


class Held(HeldBase):
    """What asyncio's locks and leaderships share."""

    async def wait_lost(self, *, timeout: Timeout = DEFAULT) -> bool:
        """Wait until it is held no longer, as :meth:`gocore_etcd.Lock.wait_lost`."""
        if timeout == 0:
            return not self._holds()
        try:
            await run_async(self._loss(timeout))
        except DeadlineExceededError:
            return False
        return True

    async def put(self, key: Key, value: Value, *, lease: int = 0, timeout: Timeout = DEFAULT) -> int:
        """Write a key if this is still held when it arrives, as :meth:`gocore_etcd.Lock.put`."""
        return await run_async(self._put(key, value, lease, timeout))

    def _runner(self) -> Run:
        return InLoop(asyncio.get_running_loop())

    async def __aenter__(self) -> Self:
        self._check_held()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await run_async(self._give_back(DEFAULT))
        except Exception as failure:  # noqa: BLE001
            after_failed_release(failure, error)
