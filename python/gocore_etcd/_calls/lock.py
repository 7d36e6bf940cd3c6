"""The lock."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from gocore_etcd import _native
from gocore_etcd._bytes import Key, Value, key_bytes, text, value_bytes
from gocore_etcd._call import Call, same
from gocore_etcd._errors import DeadlineExceededError, LostError
from gocore_etcd._handlers import Once, Run, Subscription
from gocore_etcd._time import Seconds, Timeout, limit, nanoseconds, request_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from gocore_etcd._calls.client import ClientBase

L = TypeVar("L", bound="LockBase")


class LockBase:
    """What blocking and asyncio locks share."""

    def __init__(self, client: ClientBase, native: _native.Lock) -> None:
        # The client itself too: while its lock is in use it is not unclosed.
        self._client = client
        self._native = native
        self._given_back = False

    @property
    def key(self) -> str:
        """The full key of the lock, ``{prefix}/locks/{key}``, without the contender's part."""
        return self._native.key

    @property
    def token(self) -> int:
        """The fencing token: strictly increasing over the owners of this lock.

        (Until the cluster is restored from a backup.) Give it to systems that can refuse a lower one.
        """
        return self._native.token

    def is_held(self) -> bool:
        """Say whether the lock is held now; asks a clock, never the network, and never waits.

        A process that was stopped for longer than the TTL sees False in its first look. Once False it stays False.
        """
        return self._native.is_held()

    def on_lost(self, handler: Callable[[], object]) -> Subscription:
        """Have ``handler()`` called once if the lock is lost: not when it is given back by unlocking or closing.

        Blocking locks call it on a daemon thread, asyncio locks in the running loop, where it may be ``async def``. It
        may do whatever it likes, blocking calls too; what it raises is logged. Use :meth:`is_held` for what must be
        exact: a handler comes after the fact.
        """
        # Without keeping the lock: letting it go gives it back.
        lock = weakref.ref(self)
        loss = Once(
            self._wait_lost(None),
            lambda: (held := lock()) is not None and not held._is_given_back(),  # noqa: SLF001
        )
        return Subscription(loss, lambda _: handler(), self._runner()).begin()

    def guard(self) -> _native.Guard:
        """Give the condition that etcd itself checks, for ``kv.txn(guard=...)``: true as long as this owner holds."""
        return self._native.guard()

    def __repr__(self) -> str:
        kind = type(self)
        state = "held" if self.is_held() else "not held"
        return f"<{kind.__module__.removesuffix('.lock')}.{kind.__name__} {self.key!r} token={self.token} {state}>"

    def _runner(self) -> Run:
        raise NotImplementedError

    def _is_given_back(self) -> bool:
        return self._given_back or self._client._is_closing()  # noqa: SLF001

    def _check_held(self) -> None:
        if not self.is_held():
            raise LostError(f"lock.enter: lost: it is not held any more key={self.key}", op="lock.enter", key=self.key)

    def _wait_lost(self, timeout: Timeout) -> Call[None]:
        native, nanos = self._native, limit("lock.wait_lost", timeout)
        return Call("lock.wait_lost", lambda waiter: _native.lock_wait_lost(native, waiter, nanos), nothing)

    def _put(self, key: Key, value: Value, timeout: Timeout) -> Call[int]:
        op, native = "lock.put", self._native
        wanted, content, nanos = key_bytes(op, "key", key), value_bytes("value", value), request_limit(op, timeout)
        return Call(op, lambda waiter: _native.lock_put(native, waiter, nanos, wanted, content), same)

    def _unlock(self, timeout: Timeout) -> Call[None]:
        native, nanos = self._native, request_limit("lock.unlock", timeout)
        self._given_back = self._given_back or self.is_held()
        return Call("lock.unlock", lambda waiter: _native.lock_unlock(native, waiter, nanos), nothing, cancels=False)


def nothing(_: Any) -> None:
    """Make the result of a call that has none."""


def acquire(client: ClientBase, make: Callable[[_native.Lock], L], key: str, ttl: Seconds, timeout: Timeout) -> Call[L]:
    """Wait for a lock, or try once when the limit is 0."""
    op = "lock.acquire"
    native, name = client._connected(op), text(op, "key", key)  # noqa: SLF001
    nanos, ttl_nanos = limit(op, timeout), nanoseconds(op, "ttl", ttl)
    if nanos != 0:
        return Call(op, lambda waiter: _native.lock_acquire(native, waiter, nanos, name, ttl_nanos), make)

    def taken(lock: _native.Lock | None) -> L:
        if lock is None:
            message = f"{op}: deadline exceeded: somebody else holds it key={name} (retryable)"
            raise DeadlineExceededError(message, op=op, key=name, retryable=True)
        return make(lock)

    return Call(op, lambda waiter: _native.lock_try_acquire(native, waiter, -1, name, ttl_nanos), taken)


def try_acquire(
    client: ClientBase, make: Callable[[_native.Lock], L], key: str, ttl: Seconds, timeout: Timeout
) -> Call[L | None]:
    """Take a lock if nobody holds it or waits for it."""
    op = "lock.try_acquire"
    native, name = client._connected(op), text(op, "key", key)  # noqa: SLF001
    nanos, ttl_nanos = request_limit(op, timeout), nanoseconds(op, "ttl", ttl)

    def taken(lock: _native.Lock | None) -> L | None:
        return None if lock is None else make(lock)

    return Call(op, lambda waiter: _native.lock_try_acquire(native, waiter, nanos, name, ttl_nanos), taken)


def after_failed_unlock(failure: Exception, body: BaseException | None) -> None:
    """Decide what leaves a ``with`` whose lock could not be given back: this failure, or what left the body.

    Lost is always told, save where the body is being torn down or says so itself. Another failure (etcd is away) does
    not hide what left the body: the lock goes with its TTL.
    """
    if body is None or (isinstance(failure, LostError) and isinstance(body, Exception)):
        if isinstance(body, LostError):
            return
        # Raised where it is being handled itself, it would not be chained.
        failure.__context__ = body
        raise failure
    body.add_note(f"and while giving the lock back: {failure}")
