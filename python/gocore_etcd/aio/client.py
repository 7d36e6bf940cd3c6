"""The asyncio client."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, overload

from gocore_etcd import _dispatch
from gocore_etcd._calls import candidacy as candidacies
from gocore_etcd._calls import election as elections
from gocore_etcd._calls import lock as calls
from gocore_etcd._calls.client import ClientBase
from gocore_etcd._errors import DeadlineExceededError
from gocore_etcd._handlers import InLoop, Subscription
from gocore_etcd._pending import Pending
from gocore_etcd._time import DEFAULT, Seconds, Timeout

from ._call import run_async
from ._run import run
from .candidacy import Candidacy
from .election import Leadership
from .kv import Kv
from .lock import Lock
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
    from types import TracebackType

    from gocore_etcd import _native
    from gocore_etcd._config import TlsConfig
    from gocore_etcd._election import Again, CandidacyState, Leader

P = ParamSpec("P")
T = TypeVar("T")


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

    def campaign(
        self, key: str, identity: str, ttl: Seconds = 15, *, timeout: Timeout = DEFAULT
    ) -> Pending[Leadership]:
        """Campaign and wait for leadership, as :meth:`gocore_etcd.Client.campaign`; awaited, or entered.

        A task that is cancelled while it waits leaves the queue, in the background.
        """

        async def campaign() -> Leadership:
            return await run_async(elections.campaign(self, self._make_leadership, key, identity, ttl, timeout))

        return Pending("campaign(...)", campaign)

    def candidacy(
        self, key: str, identity: str, ttl: Seconds = 15, handler: Callable[[CandidacyState], object] | None = None
    ) -> Candidacy:
        """Campaign in the background, as :meth:`gocore_etcd.Client.candidacy`; a plain call.

        >>> async def story():
        ...     async with aio.Client(endpoint) as client, client.candidacy("scheduler", "me", ttl=10) as candidacy:
        ...         async for state in candidacy:
        ...             if isinstance(state, Leading):
        ...                 return candidacy.leadership.identity
        >>> asyncio.run(story())
        'me'

        A handler runs in the running loop. It may be ``async def``: then it is awaited before the next state, and is no
        longer called when its loop has ended; the candidacy goes on.
        """
        return Candidacy(self, candidacies.begin(self, key, identity, ttl), handler)

    def run_as_leader(
        self, key: str, identity: str, ttl: Seconds = 15
    ) -> Callable[[Callable[Concatenate[Leadership, P], Awaitable[T | Again]]], Callable[P, Coroutine[Any, Any, T]]]:
        """Decorate work that only the leader does, as :meth:`gocore_etcd.Client.run_as_leader`: awaited, it campaigns.

        >>> async def story():
        ...     async with aio.Client(endpoint) as client:
        ...
        ...         @client.run_as_leader("scheduler", "10.0.0.7:8080", ttl=10)
        ...         async def schedule(leadership, job):
        ...             await leadership.put(client.key("scheduler", "done"), job)  # the work
        ...             return "done"
        ...
        ...         return await schedule(b"a job")
        >>> asyncio.run(story())
        'done'

        The work runs in the task that awaits the call. When the leadership is lost, or the client closed, it is
        cancelled, and all starts over (or ClosedError is raised) once it has ended: work that holds its cancellation up
        holds up the next campaign, so that two calls of it never run at once. Work that resigns by itself is not
        cancelled for that. Cancelling the task cancels the work, and resigns or leaves the queue.
        """

        def decorate(
            work: Callable[Concatenate[Leadership, P], Awaitable[T | Again]],
        ) -> Callable[P, Coroutine[Any, Any, T]]:
            @functools.wraps(work)
            async def run_work(*args: P.args, **kwargs: P.kwargs) -> T:
                return await run(
                    lambda: self.campaign(key, identity, ttl), lambda leadership: work(leadership, *args, **kwargs)
                )

            return run_work

        return decorate

    async def leader(self, key: str, *, timeout: Timeout = DEFAULT) -> Leader | None:
        """Say who leads a key now, as :meth:`gocore_etcd.Client.leader`."""
        return await run_async(elections.leader(self, key, timeout))

    @overload
    def observe(self, key: str, handler: None = None) -> Watch[Leader | None]: ...
    @overload
    def observe(self, key: str, handler: Callable[[Leader | None], object]) -> Subscription: ...
    def observe(
        self, key: str, handler: Callable[[Leader | None], object] | None = None
    ) -> Watch[Leader | None] | Subscription:
        """Observe who leads a key, as :meth:`gocore_etcd.Client.observe`; a plain call, iterated with ``async for``.

        >>> async def story():
        ...     async with aio.Client(endpoint) as client, client.observe("reporter") as leaders:
        ...         async for leader in leaders:
        ...             return leader
        >>> asyncio.run(story()) is None
        True

        A handler runs in the running loop. It may be ``async def``: then it is awaited before the next, and the
        subscription ends with its loop.
        """
        events = elections.observe(self, key)
        if handler is None:
            return Watch(events)
        return Subscription(events, handler, InLoop(asyncio.get_running_loop())).begin()

    async def close(self) -> None:
        """Give everything back and end it, as :meth:`gocore_etcd.Client.close`.

        Cancelled, it goes on in the background; another call waits for it, and so does the end of the program.
        """
        if self._closed or _dispatch.has_ended():
            return
        if self._handle is None:
            self._closing = self._closed = True
            return
        try:
            await run_async(self._close_call())
        except DeadlineExceededError:
            self._mark_closed()
            raise

    async def _connect(self) -> Self:
        if self._handle is None:
            self._check_not_closed("client.connect")
            handle = await run_async(self._connect_call())
            # Meanwhile another task may have connected it, or closed it. What is not adopted closes in the background,
            # once this frame, to which a trace refers, has let it go.
            if self._handle is None and not self._closing:
                self._adopt(handle)
            del handle
            self._check_not_closed("client.connect")
        return self

    def _make_lock(self, native: _native.Lock) -> Lock:
        return Lock(self, native)

    def _make_leadership(self, native: _native.Leadership) -> Leadership:
        return Leadership(self, native)
