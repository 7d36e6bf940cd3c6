"""The blocking client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from . import _dispatch
from ._call import run_sync
from ._calls import lock as calls
from ._calls.client import ClientBase
from ._time import DEFAULT, Seconds, Timeout
from .kv import Kv
from .lock import Lock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from . import _native
    from ._config import TlsConfig


class Client(ClientBase):
    """A client of an etcd cluster, for blocking calls from any number of threads.

    It connects at once: to prove it, it reads inside its own prefix.

    >>> with Client(endpoint) as client:
    ...     with client.lock("jobs/cleanup", ttl=10) as lock:
    ...         revision = lock.put(client.key("cleanup", "last-run"), b"now")
    ...     client.kv.get(client.key("cleanup", "last-run")).value
    b'now'

    Args:
        endpoints: one or more of ``host:port``, ``http://host:port``, ``https://host:port``.
        prefix: below it lie all keys of this client.
        username: whom to authenticate as; nobody if None.
        password: that user's.
        dial_timeout: how long connecting may take in all, in seconds; 5 by default.
        request_timeout: how long a single request may take where the call sets no limit, retries included, in
            seconds; 8 by default: etcd itself gives up after 7 and then says what happened.
        tls: for ``https``; the system's roots without it.
        auto_sync_interval: how often, in seconds, the cluster is asked for its members; never if None.

    Raises:
        InvalidArgumentError: everything that is wrong with the arguments, each by its name.
        UnauthenticatedError: user name or password are wrong.
        UnavailableError: no endpoint could be reached.
        DeadlineExceededError: connected, but no answer within ``dial_timeout``.

    Close it, or use it in ``with``: then locks are given back and leases revoked. The end of the program does so too,
    within a second. In a forked child a client of the parent raises WrongContextError; a new one works.

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
        self._adopt(run_sync(self._connect_call()))

    @property
    def kv(self) -> Kv:
        """Keys and values; keys are absolute (:meth:`key` makes one below the prefix)."""
        return Kv(self)

    def lock(self, key: str, ttl: Seconds = 30, *, timeout: Timeout = DEFAULT) -> Lock:
        """Wait for a lock and take it; in order of arrival.

        >>> lock = client.lock("jobs/report", ttl=10, timeout=2.5)
        >>> lock.is_held()
        True
        >>> lock.unlock()

        Args:
            key: below the client's prefix; ``jobs`` and ``jobs/1`` are two locks.
            ttl: seconds after the death of this process, or the loss of its network, until the next may have it; at
                least 1.
            timeout: seconds to wait for others; no limit by default, 0 for a single try. Each single request has the
                client's ``request_timeout`` besides.

        Raises:
            DeadlineExceededError: others held it until the limit.
            LostError: the session died while waiting, and with it the place in the queue; call again.
            UnavailableError: etcd is away.

        Threads exclude each other like machines do. Ctrl-C ends the wait; nothing of it stays in etcd.

        """
        return run_sync(calls.acquire(self, self._make_lock, key, ttl, timeout))

    def try_lock(self, key: str, ttl: Seconds = 30, *, timeout: Timeout = DEFAULT) -> Lock | None:
        """Take a lock if nobody holds it or waits for it, else give None.

        >>> lock = client.try_lock("jobs/report")
        >>> client.try_lock("jobs/report") is None
        True
        >>> lock.unlock()

        Args:
            key: as in :meth:`lock`.
            ttl: as in :meth:`lock`.
            timeout: seconds for the requests; the client's ``request_timeout`` each by default.

        """
        return run_sync(calls.try_acquire(self, self._make_lock, key, ttl, timeout))

    def close(self) -> None:
        """Give locks back, revoke leases, end everything that goes on in the background. Again: no effect.

        Calls that are under way in other threads, and later ones, raise ClosedError.

        Raises:
            DeadlineExceededError: etcd was away for 5 s; what is left there ends with its TTL. The client is closed.

        """
        if self._closed or _dispatch.has_ended():
            return
        call = self._close_call()
        try:
            run_sync(call)
        finally:
            # Not when it was refused, in an event loop for instance.
            if self._closing:
                self._mark_closed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_lock(self, native: _native.Lock) -> Lock:
        return Lock(self, native)
