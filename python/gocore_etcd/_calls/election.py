"""Elections."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from gocore_etcd import _native
from gocore_etcd._bytes import Key, Value, key_bytes, text, value_bytes
from gocore_etcd._call import Call, same
from gocore_etcd._calls.held import HeldBase, nothing
from gocore_etcd._election import Leader, read_leader
from gocore_etcd._errors import DeadlineExceededError
from gocore_etcd._events import Events
from gocore_etcd._time import Seconds, Timeout, limit, nanoseconds, request_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from gocore_etcd._calls.client import ClientBase

L = TypeVar("L", bound="LeadershipBase")


class LeadershipBase(HeldBase):
    """What blocking and asyncio leaderships share."""

    _op = "election"
    _states = ("leads", "not leading")

    def __init__(self, client: ClientBase, native: _native.Leadership) -> None:
        super().__init__(client, native)
        self._native = native

    @property
    def identity(self) -> str:
        """What this leader is known as: what it has proclaimed last, at first what it campaigned with."""
        return self._native.identity

    def is_leader(self) -> bool:
        """Say whether this leads now; asks a clock, never the network, and never waits.

        A process that was stopped for longer than the TTL sees False in its first look. Once False it stays False.
        """
        return self._native.is_leader()

    def _holds(self) -> bool:
        return self._native.is_leader()

    def _loss(self, timeout: Timeout) -> Call[bool]:
        native, nanos = self._native, limit("election.wait_lost", timeout)
        return Call("election.wait_lost", lambda waiter: _native.leadership_loss(native, waiter, nanos), same)

    def _put(self, key: Key, value: Value, lease: int, timeout: Timeout) -> Call[int]:
        op, native = "election.put", self._native
        wanted, content, nanos = key_bytes(op, "key", key), value_bytes("value", value), request_limit(op, timeout)
        return Call(op, lambda waiter: _native.leadership_put(native, waiter, nanos, wanted, content, lease), same)

    def _give_back(self, timeout: Timeout) -> Call[None]:
        op, native, nanos = "election.resign", self._native, request_limit("election.resign", timeout)
        return Call(op, lambda waiter: _native.leadership_resign(native, waiter, nanos), nothing, cancels=False)

    def _proclaim(self, identity: str, timeout: Timeout) -> Call[None]:
        op, native = "election.proclaim", self._native
        name, nanos = text(op, "identity", identity), request_limit(op, timeout)
        return Call(op, lambda waiter: _native.leadership_proclaim(native, waiter, nanos, name), nothing)

    def _leader(self, timeout: Timeout) -> Call[Leader | None]:
        op, native, nanos = "election.leader", self._native, request_limit("election.leader", timeout)
        return Call(op, lambda waiter: _native.leadership_leader(native, waiter, nanos), read_leader)

    def _observe(self) -> Events[Leader | None]:
        native = self._native
        return Events(self._client, "election.observe", lambda: _native.leadership_observe(native), read_leader)


def campaign(  # noqa: PLR0917
    client: ClientBase,
    make: Callable[[_native.Leadership], L],
    key: str,
    identity: str,
    ttl: Seconds,
    timeout: Timeout,
) -> Call[L]:
    """Wait for leadership, or try once when the limit is 0."""
    op = "election.campaign"
    native, name, shown = client._connected(op), text(op, "key", key), text(op, "identity", identity)  # noqa: SLF001
    nanos, ttl_nanos = limit(op, timeout), nanoseconds(op, "ttl", ttl)
    if nanos != 0:
        return Call(op, lambda waiter: _native.election_campaign(native, waiter, nanos, name, shown, ttl_nanos), make)

    def taken(leadership: _native.Leadership | None) -> L:
        if leadership is None:
            message = f"{op}: deadline exceeded: somebody else leads or campaigns key={name} (retryable)"
            raise DeadlineExceededError(message, op=op, key=name, retryable=True)
        return make(leadership)

    return Call(op, lambda waiter: _native.election_try_campaign(native, waiter, name, shown, ttl_nanos), taken)


def leader(client: ClientBase, key: str, timeout: Timeout) -> Call[Leader | None]:
    """Ask who leads."""
    op = "election.leader"
    native, name, nanos = client._connected(op), text(op, "key", key), request_limit(op, timeout)  # noqa: SLF001
    return Call(op, lambda waiter: _native.election_leader(native, waiter, nanos, name), read_leader)


def observe(client: ClientBase, key: str) -> Events[Leader | None]:
    """Begin to observe who leads."""
    op = "election.observe"
    native, name = client._connected(op), text(op, "key", key)  # noqa: SLF001
    return Events(client, op, lambda: _native.election_observe(native, name), read_leader)
