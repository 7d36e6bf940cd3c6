"""Keys and values, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, overload

from gocore_etcd._calls.kv import KvBase
from gocore_etcd._handlers import InLoop, Subscription
from gocore_etcd._time import DEFAULT, Timeout

from ._call import run_async
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gocore_etcd._bytes import Key, Value
    from gocore_etcd._native import Guard, KeyValue
    from gocore_etcd._txn import Compare, Listing, Op, Range, TxnResult
    from gocore_etcd._updates import WatchUpdate

    from .election import Leadership
    from .lock import Lock


class Kv(KvBase):
    """Keys and values of the whole cluster: :class:`gocore_etcd.Kv`, awaited.

    Cancelling a read is free of consequences; cancelling a write leaves open whether it was applied.

    >>> async def story():
    ...     async with aio.Client(endpoint) as client:
    ...         await client.kv.put("/greeting", b"hello")
    ...         return (await client.kv.get("/greeting")).value
    >>> asyncio.run(story())
    b'hello'
    """

    async def get(self, key: Key, *, timeout: Timeout = DEFAULT) -> KeyValue | None:
        """Read one key; None when it does not exist.

        Those of one moment, such as ``asyncio.gather`` begins, share requests: up to 32 one.
        """
        return await run_async(self._get(key, timeout))

    async def list(self, range: Range, *, timeout: Timeout = DEFAULT) -> Listing:  # noqa: A002
        """Read a range, as :meth:`gocore_etcd.Kv.list`."""
        return await run_async(self._list(range, timeout))

    async def put(self, key: Key, value: Value, *, lease: int = 0, timeout: Timeout = DEFAULT) -> int:
        """Write a key and give the revision of the write, as :meth:`gocore_etcd.Kv.put`."""
        return await run_async(self._put(key, value, lease, timeout))

    async def delete(self, key: Key | Range, *, timeout: Timeout = DEFAULT) -> int:
        """Delete a key or a range and give the number of keys deleted."""
        return await run_async(self._delete(key, timeout))

    async def txn(
        self,
        when: Sequence[Compare] = (),
        then: Sequence[Op] = (),
        otherwise: Sequence[Op] = (),
        *,
        guard: Lock | Leadership | Guard | None = None,
        timeout: Timeout = DEFAULT,
    ) -> TxnResult:
        """Do ``then`` if all conditions hold, else ``otherwise``, as :meth:`gocore_etcd.Kv.txn`."""
        return await run_async(self._txn(when, then, otherwise, guard, timeout))

    @overload
    def watch(self, key: Key | Range, handler: None = None) -> Watch[WatchUpdate]: ...
    @overload
    def watch(self, key: Key | Range, handler: Callable[[WatchUpdate], object]) -> Subscription: ...
    def watch(
        self, key: Key | Range, handler: Callable[[WatchUpdate], object] | None = None
    ) -> Watch[WatchUpdate] | Subscription:
        """Watch a key or a range, as :meth:`gocore_etcd.Kv.watch`; a plain call, iterated with ``async for``.

        >>> async def story():
        ...     async with aio.Client(endpoint) as client, client.kv.watch("/greeting") as watch:
        ...         async for update in watch:
        ...             match update:
        ...                 case Snapshot():
        ...                     await client.kv.put("/greeting", b"hello")
        ...                 case Changes(changes=[Put(kv)]):
        ...                     return kv.value
        >>> asyncio.run(story())
        b'hello'

        A handler runs in the running loop. It may be ``async def``: then it is awaited before the next update, and
        the subscription ends with its loop.
        """
        events = self._watch(key)
        if handler is None:
            return Watch(events)
        return Subscription(events, handler, InLoop(asyncio.get_running_loop())).begin()
