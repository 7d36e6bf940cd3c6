"""Candidacies: campaigning in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gocore_etcd import _native
from gocore_etcd._bytes import text
from gocore_etcd._call import Call
from gocore_etcd._calls.held import nothing
from gocore_etcd._election import CandidacyState, read_state
from gocore_etcd._events import Events
from gocore_etcd._time import Seconds, Timeout, nanoseconds, request_limit

if TYPE_CHECKING:
    from gocore_etcd._calls.client import ClientBase


class CandidacyBase:
    """What blocking and asyncio candidacies share."""

    def __init__(self, client: ClientBase, native: _native.Candidacy) -> None:
        # The client itself too: while its candidacy is in use it is not unclosed.
        self._client = client
        self._native = native

    @property
    def key(self) -> str:
        """The full key of the election, ``{prefix}/elections/{key}``, without the candidate's part."""
        return self._native.key

    @property
    def state(self) -> CandidacyState:
        """How it stands now; never waits. That it leads is as exact as :meth:`is_leader`."""
        return read_state(self._native.state)

    def is_leader(self) -> bool:
        """Say whether it leads now; asks a clock, never the network, and never waits."""
        return self._native.is_leader()

    def __repr__(self) -> str:
        kind = type(self)
        state = "leads" if self.is_leader() else "not leading"
        return f"<{kind.__module__.rpartition('.')[0]}.{kind.__name__} {self.key!r} {state}>"

    def _resign(self, timeout: Timeout) -> Call[None]:
        op, native, nanos = "candidacy.resign", self._native, request_limit("candidacy.resign", timeout)
        return Call(op, lambda waiter: _native.candidacy_resign(native, waiter, nanos), nothing, cancels=False)

    def _news(self) -> Events[CandidacyState]:
        native = self._native
        return Events(self._client, "election.candidacy", lambda: _native.candidacy_news(native), read_state)


def begin(client: ClientBase, key: str, identity: str, ttl: Seconds) -> _native.Candidacy:
    """Begin to campaign in the background."""
    op = "election.candidacy"
    native, name, shown = client._connected(op), text(op, "key", key), text(op, "identity", identity)  # noqa: SLF001
    return _native.election_candidacy(native, name, shown, nanoseconds(op, "ttl", ttl))
