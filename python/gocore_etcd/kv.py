"""Keys and values, blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from ._call import run_sync
from ._calls.kv import KvBase
from ._handlers import Subscription, in_thread
from ._time import DEFAULT, Timeout
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._bytes import Key, Value
    from ._native import Guard, KeyValue
    from ._txn import Compare, Listing, Op, Range, TxnResult
    from ._updates import WatchUpdate
    from .election import Leadership
    from .lock import Lock


class Kv(KvBase):
    """Keys and values of the whole cluster: keys are absolute, nothing is prefixed; values are bytes.

    Each call is one request (gets that are begun together may share one) and may be made from any thread. ``timeout``
    is in seconds, retries included; the client's ``request_timeout`` by default. All raise DeadlineExceededError and
    UnavailableError when etcd is away, PermissionDeniedError, ClosedError. A failed write says by ``maybe_applied``
    whether it may have happened; what may have been applied is not sent again.

    >>> client.kv.put("/greeting", b"hello") > 0
    True
    >>> client.kv.get("/greeting").value
    b'hello'
    """

    def get(self, key: Key, *, timeout: Timeout = DEFAULT) -> KeyValue | None:
        """Read one key; None when it does not exist."""
        return run_sync(self._get(key, timeout))

    def list(self, range: Range, *, timeout: Timeout = DEFAULT) -> Listing:  # noqa: A002
        """Read a range, such as ``Range.prefix("/jobs/", limit=100)``.

        Raises:
            CompactedError: the revision asked for is gone.

        """
        return run_sync(self._list(range, timeout))

    def put(self, key: Key, value: Value, *, lease: int = 0, timeout: Timeout = DEFAULT) -> int:
        """Write a key, under a lease if that is not 0, and give the revision of the write.

        Raises:
            NotFoundError: there is no such lease.

        """
        return run_sync(self._put(key, value, lease, timeout))

    def delete(self, key: Key | Range, *, timeout: Timeout = DEFAULT) -> int:
        """Delete a key or a range and give the number of keys deleted."""
        return run_sync(self._delete(key, timeout))

    def txn(
        self,
        when: Sequence[Compare] = (),
        then: Sequence[Op] = (),
        otherwise: Sequence[Op] = (),
        *,
        guard: Lock | Leadership | Guard | None = None,
        timeout: Timeout = DEFAULT,
    ) -> TxnResult:
        """Do ``then`` if all conditions hold, else ``otherwise``; atomically, in one revision.

        >>> client.kv.txn([Compare.absent("/owner")], [Op.put("/owner", b"me")], [Op.get("/owner")]).succeeded
        True

        With a ``guard`` it is also a condition that this lock or leadership is still held, judged by etcd.

        Raises:
            LostError: the guard alone refused it, and there was nothing to do otherwise.

        """
        return run_sync(self._txn(when, then, otherwise, guard, timeout))

    @overload
    def watch(self, key: Key | Range, handler: None = None) -> Watch[WatchUpdate]: ...
    @overload
    def watch(self, key: Key | Range, handler: Callable[[WatchUpdate], object]) -> Subscription: ...
    def watch(
        self, key: Key | Range, handler: Callable[[WatchUpdate], object] | None = None
    ) -> Watch[WatchUpdate] | Subscription:
        """Watch a key or a range: first what there is, then every change, without gap or duplicate, over any failure.

        >>> with client.kv.watch(Range.prefix("/flags/")) as watch:
        ...     for update in watch:
        ...         match update:
        ...             case Snapshot(revision, kvs):
        ...                 print(len(kvs), "flags")
        ...                 revision = client.kv.put("/flags/dark", b"on")
        ...             case Changes(revision, changes, coalesced):
        ...                 print(changes[0].key)
        ...                 watch.close()
        ...             case Connected(connected):
        ...                 pass  # etcd is there, or away: then changes come later
        0 flags
        b'/flags/dark'

        Args:
            key: the key, or a range; of a range its keys alone matter.
            handler: called with each update on a daemon thread, one at a time and in order; it may do whatever it
                likes, blocking calls too; what it raises is logged, and the next update comes all the same. It ends
                with the subscription's ``cancel()``, or with the client.

        Starting never waits. The changes that wait for you are bounded: 4,096 changes or 32 MB, then the newest of each
        key, and beyond that a new snapshot.

        That etcd does not let you read (PermissionDeniedError and the like) is raised once, in place of an update, and
        tried again: go on iterating, a snapshot follows once it does. For a handler it is logged.

        """
        events = self._watch(key)
        return Watch(events) if handler is None else Subscription(events, handler, in_thread).begin()
