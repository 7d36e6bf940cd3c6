"""What a watch on keys tells. The same in asyncio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ._txn import KeyValue


@dataclass(frozen=True, slots=True)
class Put:
    """A key was written."""

    kv: KeyValue
    """The key as it is now; ``version`` 1 means that it was created."""

    @property
    def key(self) -> bytes:
        """The key."""
        return self.kv.key

    @property
    def revision(self) -> int:
        """The revision at which it was written."""
        return self.kv.mod_revision


@dataclass(frozen=True, slots=True)
class Delete:
    """A key was deleted, or its lease ended."""

    key: bytes
    """The key."""
    revision: int
    """The revision at which it went."""


Change: TypeAlias = Put | Delete
"""One change of a key."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All there is at this revision: replace your picture by it.

    It comes first, and again whenever the changes since the last update are lost: after a compaction, a restored
    cluster, or when more keys have changed than are kept for a slow consumer.
    """

    revision: int
    """The revision of the store."""
    kvs: tuple[KeyValue, ...]
    """The keys, in order."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one revision, after all earlier ones and none of them twice."""

    revision: int
    """The revision."""
    changes: tuple[Change, ...]
    """In no particular order."""
    coalesced: bool
    """Whether you were slow: then for each key only the newest change is there."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Whether changes come at once, or etcd is away and they will come later. Nothing is lost by it."""

    connected: bool
    """False when etcd is away."""


WatchUpdate: TypeAlias = Snapshot | Changes | Connected
"""What a watch on keys yields."""

_OF_A_SNAPSHOT = 2
_OF_A_DELETE = 2


def read_update(update: tuple[Any, ...] | bool) -> WatchUpdate:
    """Make what a watch yields of what the native one does."""
    if isinstance(update, bool):
        return Connected(update)
    if len(update) == _OF_A_SNAPSHOT:
        revision, kvs = update
        return Snapshot(revision, tuple([KeyValue(*kv) for kv in kvs]))
    revision, changes, coalesced = update
    return Changes(revision, tuple([_read_change(change) for change in changes]), coalesced)


def _read_change(change: tuple[Any, ...]) -> Change:
    return Delete(*change) if len(change) == _OF_A_DELETE else Put(KeyValue(*change))
