"""The lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from gocore_etcd import _native
from gocore_etcd._bytes import Key, Value, key_bytes, text, value_bytes
from gocore_etcd._call import Call, same
from gocore_etcd._calls.held import HeldBase, nothing
from gocore_etcd._errors import DeadlineExceededError
from gocore_etcd._time import Seconds, Timeout, limit, nanoseconds, request_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from gocore_etcd._calls.client import ClientBase

L = TypeVar("L", bound="LockBase")


class LockBase(HeldBase):
    """What blocking and asyncio locks share."""

    _op = "lock"
    _states = ("held", "not held")

    def __init__(self, client: ClientBase, native: _native.Lock) -> None:
        super().__init__(client, native)
        self._native = native

    def is_held(self) -> bool:
        """Say whether the lock is held now; asks a clock, never the network, and never waits.

        A process that was stopped for longer than the TTL sees False in its first look. Once False it stays False.
        """
        return self._native.is_held()

    def _holds(self) -> bool:
        return self._native.is_held()

    def _loss(self, timeout: Timeout) -> Call[bool]:
        native, nanos = self._native, limit("lock.wait_lost", timeout)
        return Call("lock.wait_lost", lambda waiter: _native.lock_loss(native, waiter, nanos), same)

    def _put(self, key: Key, value: Value, lease: int, timeout: Timeout) -> Call[int]:
        op, native = "lock.put", self._native
        wanted, content, nanos = key_bytes(op, "key", key), value_bytes("value", value), request_limit(op, timeout)
        return Call(op, lambda waiter: _native.lock_put(native, waiter, nanos, wanted, content, lease), same)

    def _give_back(self, timeout: Timeout) -> Call[None]:
        native, nanos = self._native, request_limit("lock.unlock", timeout)
        return Call("lock.unlock", lambda waiter: _native.lock_unlock(native, waiter, nanos), nothing, cancels=False)


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
