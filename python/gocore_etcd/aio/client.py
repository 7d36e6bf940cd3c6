"""The asyncio client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from gocore_etcd import _dispatch
from gocore_etcd._call import run_async
from gocore_etcd._calls import lock as calls
from gocore_etcd._calls.client import ClientBase
from gocore_etcd._pending import Pending
from gocore_etcd._time import DEFAULT, Seconds, Timeout

from .kv import Kv
from .lock import Lock

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from types import TracebackType

    from gocore_etcd import _native
    from gocore_etcd._config import TlsConfig


class Client(ClientBase):
    """A client of an etcd cluster, for asyncio: :class:`gocore_etcd.Client`, connected by ``await`` or ``async with``.

    >>> async def story():
    ...     client = await Client(endpoint)
    ...     async with client.lock("jobs/cleanup", ttl=10) as lock:
    ...         revision = await lock.put(client.key("cleanup", "last-run"), b"now")
    ...     found = await client.kv.get(client.key("cleanup", "last-run"))
    ...     await client.close()
    ...     return found.value
    >>> asyncio.run(story())
    b'now'

    The arguments and errors are those of :class:`gocore_etcd.Client`.
    """

    def __init__(
        self,
        endpoints: str | Iterable[str],
        *,
        prefix: str = "/go-core",
        username: str | None = None,
        password: str | None = None,
        dial_timeout: Timeout = DEFAULT,
        request_timeout: Timeout = DEFAULT,
        tls: TlsConfig | None = None,
        auto_sync_interval: Seconds | None = None,
    ) -> None:
        super().__init__(
            endpoints,
            prefix=prefix,
            username=username,
            password=password,
            dial_timeout=dial_timeout,
            request_timeout=request_timeout,
            tls=tls,
            auto_sync_interval=auto_sync_interval,
        )

    def __await__(self) -> Generator[Any, None, Self]:
        return self._connect().__await__()

    async def __aenter__(self) -> Self:
        return await self._connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def kv(self) -> Kv:
        """Keys and values; keys are absolute (:meth:`key` makes one below the prefix)."""
        return Kv(self)

    def lock(self, key: str, ttl: Seconds = 30, *, timeout: Timeout = DEFAULT) -> Pending[Lock]:
        """Wait for a lock and take it, as :meth:`gocore_etcd.Client.lock`; awaited, or entered with ``async with``.

        A task that is cancelled while it waits leaves the queue, in the background.
        """

        async def acquire() -> Lock:
            return await run_async(calls.acquire(self, self._make_lock, key, ttl, timeout))

        return Pending("lock(...)", acquire)

    async def try_lock(self, key: str, ttl: Seconds = 30, *, timeout: Timeout = DEFAULT) -> Lock | None:
        """Take a lock if nobody holds it or waits for it, else give None, as :meth:`gocore_etcd.Client.try_lock`."""
        return await run_async(calls.try_acquire(self, self._make_lock, key, ttl, timeout))

    async def close(self) -> None:
        """Give locks back, revoke leases, end everything in the background, as :meth:`gocore_etcd.Client.close`.

        Cancelled, it goes on in the background.
        """
        if self._closed or _dispatch.has_ended():
            return
        if self._handle is None:
            self._closed = True
            return
        call = self._close_call()
        try:
            await run_async(call)
        finally:
            # Not when it was refused, after a fork for instance.
            if self._closing:
                self._mark_closed()

    async def _connect(self) -> Self:
        if self._handle is None:
            self._check_not_closed("client.connect")
            self._adopt(await run_async(self._connect_call()))
        return self

    def _make_lock(self, native: _native.Lock) -> Lock:
        return Lock(self, native)
