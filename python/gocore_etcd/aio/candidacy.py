"""A candidacy, for asyncio: campaigning in the background."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from gocore_etcd._calls.candidacy import CandidacyBase
from gocore_etcd._calls.held import after_failed_release
from gocore_etcd._errors import ClosedError
from gocore_etcd._handlers import InLoop, Subscription
from gocore_etcd._time import DEFAULT, Timeout

from ._call import run_async
from .election import Leadership
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from gocore_etcd import _native
    from gocore_etcd._calls.client import ClientBase
    from gocore_etcd._election import CandidacyState


class Candidacy(CandidacyBase):
    """A candidacy in the background: :class:`gocore_etcd.Candidacy`, iterated with ``async for``, its calls awaited.

    Cancelling a task that waits for the next state loses none. A candidacy belongs to no event loop.
    """

    def __init__(
        self, client: ClientBase, native: _native.Candidacy, handler: Callable[[CandidacyState], object] | None
    ) -> None:
        super().__init__(client, native)
        self._watch = Watch(self._news())
        if handler is not None:
            Subscription(self._news(), handler, InLoop(asyncio.get_running_loop())).begin()

    @property
    def leadership(self) -> Leadership | None:
        """The leadership while it leads, as :attr:`gocore_etcd.Candidacy.leadership`."""
        native = self._native.leadership
        return None if native is None else Leadership(self._client, native)

    async def next(self, *, timeout: Timeout = DEFAULT) -> CandidacyState:
        """Wait for the next change, as :meth:`gocore_etcd.Candidacy.next`."""
        return await self._watch.next(timeout=timeout)

    async def resign(self, *, timeout: Timeout = DEFAULT) -> None:
        """End it, as :meth:`gocore_etcd.Candidacy.resign`. Cancelled, it goes on in the background."""
        await run_async(self._resign(timeout))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CandidacyState:
        try:
            return await anext(self._watch)
        except ClosedError:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.resign()
        except Exception as failure:  # noqa: BLE001
            after_failed_release(failure, error)
