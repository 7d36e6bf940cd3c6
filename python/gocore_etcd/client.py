"""The blocking client."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar, overload

from . import _dispatch
from ._call import run_sync
from ._calls import candidacy as candidacies
from ._calls import election as elections
from ._calls import lock as calls
from ._calls.client import ClientBase
from ._errors import DeadlineExceededError
from ._handlers import Subscription, in_thread
from ._run import run
from ._time import DEFAULT, Seconds, Timeout
from .candidacy import Candidacy
from .election import Leadership
from .kv import Kv
from .lock import Lock
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from . import _native
    from ._config import TlsConfig
    from ._election import Again, CandidacyState, Leader

P = ParamSpec("P")
T = TypeVar("T")


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
        auto_sync_interval: how often, in seconds, the cluster is asked for its members; never if None. Below
            0.1 is refused.

    Raises:
        InvalidArgumentError: everything that is wrong with the arguments, each by its name.
        UnauthenticatedError: user name or password are wrong.
        UnavailableError: no endpoint could be reached.
        DeadlineExceededError: connected, but no answer within ``dial_timeout``.

    Close it, or use it in ``with``: then locks and leaderships are given back and leases revoked. The end of the
    program does so too, within a second, and so does that of a process of :mod:`multiprocessing`. In a forked child a
    client of the parent raises WrongContextError; a new one works.

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

        >>> lock = client.lock("jobs/report", ttl=10, timeout=30)
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

    def campaign(self, key: str, identity: str, ttl: Seconds = 15, *, timeout: Timeout = DEFAULT) -> Leadership:
        """Campaign for the leadership of a key and wait for it; in order of arrival.

        >>> with client.campaign("scheduler", "10.0.0.7:8080", ttl=10) as leadership:
        ...     leadership.is_leader()
        True

        Args:
            key: below the client's prefix; ``jobs`` and ``jobs/1`` are two elections.
            identity: what observers see of this candidate once it leads: any text that is not blank and has no NUL, at
                most 1 MiB; kept as given.
            ttl: seconds after the death of this process, or the loss of its network, until the next leads; at least 1.
            timeout: seconds to wait for others; no limit by default, 0 for a single try, which has the client's
                ``request_timeout`` and disturbs nobody. Each single request has that besides. (To stand without
                waiting, see :meth:`candidacy`.)

        Raises:
            InvalidArgumentError: for ``key``, ``identity`` or ``ttl``; nothing was sent.
            DeadlineExceededError: others led until the limit.
            LostError: the session died while waiting, and with it the place in the queue; call again.
            UnavailableError: etcd is away.

        Threads are candidates like machines are. Ctrl-C ends the wait; nothing of it stays in etcd.

        """
        return run_sync(elections.campaign(self, self._make_leadership, key, identity, ttl, timeout))

    def candidacy(
        self, key: str, identity: str, ttl: Seconds = 15, handler: Callable[[CandidacyState], object] | None = None
    ) -> Candidacy:
        """Campaign for the leadership of a key in the background, again whenever it is lost, until it is resigned.

        >>> with client.candidacy("scheduler", "10.0.0.7:8080", ttl=10) as candidacy:
        ...     for state in candidacy:
        ...         match state:
        ...             case Leading(token):
        ...                 print(candidacy.leadership.identity, "leads")
        ...                 candidacy.resign()
        ...             case Waiting() | Lost():
        ...                 pass  # not leading
        ...             case Resigned():
        ...                 print("resigned")
        10.0.0.7:8080 leads
        resigned

        Args:
            key: as in :meth:`campaign`.
            identity: as in :meth:`campaign`.
            ttl: as in :meth:`campaign`.
            handler: called with each state on a daemon thread, one at a time and in order, as an iteration would give
                them; it may do whatever it likes, blocking calls too; what it raises is logged. Resigned is the last.

        It never waits. What fails because etcd is away is tried again after at most 2 s.

        """
        return Candidacy(self, candidacies.begin(self, key, identity, ttl), handler)

    def run_as_leader(
        self, key: str, identity: str, ttl: Seconds = 15
    ) -> Callable[[Callable[Concatenate[Leadership, P], T | Again]], Callable[P, T]]:
        """Decorate work that only the leader does: called, it campaigns, works while leading, resigns.

        >>> @client.run_as_leader("scheduler", "10.0.0.7:8080", ttl=10)
        ... def schedule(leadership, job):
        ...     while leadership.is_leader():
        ...         leadership.put(client.key("scheduler", "done"), job)  # the work, a step at a time
        ...         return "done"
        >>> schedule(b"a job")
        'done'

        Args:
            key: as in :meth:`campaign`.
            identity: as in :meth:`campaign`.
            ttl: as in :meth:`campaign`.

        The work is called with the :class:`Leadership` before its own arguments. It ends, and with it the call, when it
        returns while it leads: its result is the call's. When it returns after the leadership was lost, or ends with a
        LostError of it, all starts over; and when it returns :data:`AGAIN`: resign, let others lead, campaign again.
        What it raises otherwise is raised, after it has resigned. Work that has taken less than 2 s is begun again
        after a pause: 50 ms at first, twice as long each further time, 2 s at most (10 % more or less).

        A function cannot be stopped from outside: the work must ask ``leadership.is_leader()``, or be told by
        ``on_lost`` or ``wait_lost``, and return soon. As long as it has not, there is no other campaign: two calls of
        the work never run at once. (In asyncio it is cancelled.)

        What fails because etcd is away, or because the session was lost while waiting, is tried again after at most
        2 s. Ctrl-C ends it anywhere; it resigns or leaves the queue.

        Raises, when called:
            InvalidArgumentError: for ``key``, ``identity`` or ``ttl``.
            PermissionDeniedError: and other failures that do not pass by themselves.
            ClosedError: the client was closed.

        """

        def decorate(work: Callable[Concatenate[Leadership, P], T | Again]) -> Callable[P, T]:
            if inspect.iscoroutinefunction(work):
                raise TypeError("work that is async is for gocore_etcd.aio")

            @functools.wraps(work)
            def run_work(*args: P.args, **kwargs: P.kwargs) -> T:
                return run(
                    lambda: self.campaign(key, identity, ttl), lambda leadership: work(leadership, *args, **kwargs)
                )

            return run_work

        return decorate

    def leader(self, key: str, *, timeout: Timeout = DEFAULT) -> Leader | None:
        """Say who leads a key now; None when nobody does. No candidacy is needed.

        >>> client.leader("nobody/ever") is None
        True

        Args:
            key: as in :meth:`campaign`.
            timeout: seconds; the client's ``request_timeout`` by default.

        Raises:
            MalformedError: the leader's identity is not UTF-8.

        """
        return run_sync(elections.leader(self, key, timeout))

    @overload
    def observe(self, key: str, handler: None = None) -> Watch[Leader | None]: ...
    @overload
    def observe(self, key: str, handler: Callable[[Leader | None], object]) -> Subscription: ...
    def observe(
        self, key: str, handler: Callable[[Leader | None], object] | None = None
    ) -> Watch[Leader | None] | Subscription:
        """Observe who leads a key: first who does now, then every change, None being "no leader".

        >>> with client.observe("reporter") as leaders:
        ...     next(leaders) is None
        ...     with client.campaign("reporter", "a"):
        ...         next(leaders).identity
        True
        'a'

        Args:
            key: as in :meth:`campaign`. Nobody need ever have been a candidate.
            handler: called with each leader or None on a daemon thread, one at a time and in order; it may do whatever
                it likes, blocking calls too; what it raises is logged, and the next comes all the same. It ends with
                the subscription's ``cancel()``, or with the client.

        Leaders come in the order in which they led, over any failure, and never one older than one that was seen (after
        a cluster was restored from a backup all begins anew, tokens too); one that leads no longer may be left out if
        you are slow. A proclamation is a change with the same token. Starting never waits.

        What cannot be told, such as a leader whose identity is not UTF-8 (MalformedError), is raised in its place; go
        on iterating. For a handler it is logged.

        """
        events = elections.observe(self, key)
        return Watch(events) if handler is None else Subscription(events, handler, in_thread).begin()

    def close(self) -> None:
        """Give locks and leaderships back, revoke leases, end what goes on in the background. Again: no effect.

        Calls that are under way in other threads, and later ones, raise ClosedError. Interrupted, as by Ctrl-C, it goes
        on in the background: another call waits for it, and so does the end of the program.

        Raises:
            DeadlineExceededError: etcd was away for 5 s; what is left there ends with its TTL. The client is closed.

        """
        if self._closed or _dispatch.has_ended():
            return
        try:
            run_sync(self._close_call())
        except DeadlineExceededError:
            self._mark_closed()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_lock(self, native: _native.Lock) -> Lock:
        return Lock(self, native)

    def _make_leadership(self, native: _native.Leadership) -> Leadership:
        return Leadership(self, native)
