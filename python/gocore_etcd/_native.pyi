from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self, TypeAlias, final

__all__ = [
    "VERSION",
    "Answer",
    "Candidacy",
    "Changes",
    "Client",
    "Connected",
    "Delete",
    "Failure",
    "Feed",
    "Guard",
    "KeyValue",
    "Leadership",
    "Lock",
    "Log",
    "Operation",
    "Put",
    "Queue",
    "Snapshot",
    "candidacy_news",
    "candidacy_resign",
    "client_close",
    "client_connect",
    "election_campaign",
    "election_candidacy",
    "election_leader",
    "election_observe",
    "election_try_campaign",
    "error_kinds",
    "kv_delete",
    "kv_get",
    "kv_list",
    "kv_put",
    "kv_txn",
    "kv_watch",
    "leadership_leader",
    "leadership_loss",
    "leadership_observe",
    "leadership_proclaim",
    "leadership_put",
    "leadership_resign",
    "lock_acquire",
    "lock_loss",
    "lock_put",
    "lock_try_acquire",
    "lock_unlock",
]

VERSION: Final[str]

# Nanoseconds; None is no limit, -1 the call's default.
_Limit: TypeAlias = int | None

class _Tls(Protocol):
    @property
    def ca(self) -> bytes | str | None: ...
    @property
    def cert(self) -> bytes | str | None: ...
    @property
    def key(self) -> bytes | str | None: ...
    @property
    def server_name(self) -> str | None: ...

class _Settings(Protocol):
    @property
    def endpoints(self) -> Sequence[str]: ...
    @property
    def prefix(self) -> str: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def dial_timeout(self) -> int: ...
    @property
    def request_timeout(self) -> int: ...
    @property
    def tls(self) -> _Tls | None: ...
    @property
    def auto_sync_interval(self) -> int: ...

class _Range(Protocol):
    @property
    def first(self) -> bytes: ...
    @property
    def end(self) -> bytes: ...
    @property
    def limit(self) -> int: ...
    @property
    def revision(self) -> int: ...
    @property
    def keys_only(self) -> bool: ...
    @property
    def count_only(self) -> bool: ...
    @property
    def order(self) -> str: ...
    @property
    def created_until(self) -> int: ...

class _Plan(Protocol):
    # Compare and Op objects; what they are made of is read when the transaction starts.
    @property
    def when(self) -> Sequence[Any]: ...
    @property
    def then(self) -> Sequence[Any]: ...
    @property
    def otherwise(self) -> Sequence[Any]: ...

@final
class Answer:
    def take(self) -> Any: ...

@final
class Operation:
    def hand_over(self, waiter: int) -> Answer | None: ...
    def cancel(self) -> None: ...

@final
class Feed:
    # The first last; what could not be had, as a Failure, or an exception. True when nothing will ever follow.
    def take(self, into: list[Any], most: int) -> bool: ...
    def wait(self, waiter: int) -> None: ...
    def linger(self, queue: Queue, waiter: int, nanos: int) -> bool: ...
    def close(self) -> None: ...

@final
class Failure:
    def exception(self) -> BaseException: ...

@final
class Queue:
    def __new__(cls) -> Queue: ...
    def take(self) -> list[tuple[int, Answer]] | None: ...
    def wait(self, operation: Operation, nanos: int) -> Answer | None: ...
    def leave_behind(self) -> None: ...
    def close(self) -> None: ...

@final
class Log:
    def __new__(cls) -> Log: ...
    def take(self) -> tuple[list[tuple[int, str, str]], int] | None: ...
    def close(self) -> None: ...

@final
class Client:
    @property
    def prefix(self) -> str: ...
    def key(self, parts: Sequence[str]) -> str: ...

@final
class Lock:
    @property
    def key(self) -> str: ...
    @property
    def token(self) -> int: ...
    def is_held(self) -> bool: ...
    def guard(self) -> Guard: ...

@final
class Leadership:
    @property
    def key(self) -> str: ...
    @property
    def token(self) -> int: ...
    @property
    def identity(self) -> str: ...
    def is_leader(self) -> bool: ...
    def guard(self) -> Guard: ...

@final
class Candidacy:
    @property
    def key(self) -> str: ...
    @property
    def state(self) -> tuple[Any, ...]: ...
    def is_leader(self) -> bool: ...
    @property
    def leadership(self) -> Leadership | None: ...

@final
class Guard: ...

# Made by native code, and dataclasses to all who look at them.

@final
@dataclass(init=False, frozen=True, slots=True)
class KeyValue:
    """A key with its value and its history in short."""

    key: bytes
    """The key."""
    value: bytes
    """The value; empty when only keys were asked for."""
    create_revision: int
    """The revision at which this incarnation of the key was created."""
    mod_revision: int
    """The revision of its last change."""
    version: int
    """How often it was put since its creation."""
    lease: int
    """The lease it is under, 0 for none."""

    def __new__(
        cls, key: bytes, value: bytes, create_revision: int, mod_revision: int, version: int, lease: int
    ) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...

@final
@dataclass(init=False, frozen=True, slots=True)
class Put:
    """A key was written."""

    kv: KeyValue
    """The key as it is now; ``version`` 1 means that it was created."""

    def __new__(cls, kv: KeyValue) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...
    @property
    def key(self) -> bytes:
        """The key."""

    @property
    def revision(self) -> int:
        """The revision at which it was written."""

@final
@dataclass(init=False, frozen=True, slots=True)
class Delete:
    """A key was deleted, or its lease ended."""

    key: bytes
    """The key."""
    revision: int
    """The revision at which it went."""

    def __new__(cls, key: bytes, revision: int) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...

@final
@dataclass(init=False, frozen=True, slots=True)
class Snapshot:
    """All there is at this revision: replace your picture by it.

    It comes first, and again whenever the changes since the last update are lost: after a compaction, a restored
    cluster, or when more keys have changed than are kept for a slow consumer.
    """

    revision: int
    """The revision of the store."""
    kvs: tuple[KeyValue, ...]
    """The keys, in order."""

    def __new__(cls, revision: int, kvs: tuple[KeyValue, ...]) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...

@final
@dataclass(init=False, frozen=True, slots=True)
class Changes:
    """The changes of one revision, after all earlier ones and none of them twice."""

    revision: int
    """The revision."""
    changes: tuple[Put | Delete, ...]
    """In no particular order."""
    coalesced: bool
    """Whether you were slow: then for each key only the newest change is there."""

    def __new__(cls, revision: int, changes: tuple[Put | Delete, ...], coalesced: bool) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...

@final
@dataclass(init=False, frozen=True, slots=True)
class Connected:
    """Whether changes come at once, or etcd is away and they will come later. Nothing is lost by it."""

    connected: bool
    """False when etcd is away."""

    def __new__(cls, connected: bool) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...

def error_kinds() -> list[tuple[int, str]]: ...
def client_connect(queue: Queue, waiter: int, settings: _Settings) -> Operation: ...
def client_close(client: Client, waiter: int) -> Operation: ...
def kv_get(client: Client, waiter: int, limit: _Limit, key: bytes) -> Operation: ...
def kv_list(client: Client, waiter: int, limit: _Limit, wanted: _Range) -> Operation: ...
def kv_put(client: Client, waiter: int, limit: _Limit, key: bytes, value: bytes, lease: int) -> Operation: ...
def kv_delete(client: Client, waiter: int, limit: _Limit, wanted: _Range) -> Operation: ...
def kv_txn(client: Client, waiter: int, limit: _Limit, transaction: _Plan, guards: Sequence[Guard]) -> Operation: ...
def kv_watch(client: Client, wanted: _Range) -> Feed: ...
def lock_acquire(client: Client, waiter: int, limit: _Limit, key: str, ttl: int) -> Operation: ...
def lock_try_acquire(client: Client, waiter: int, limit: _Limit, key: str, ttl: int) -> Operation: ...
def lock_loss(lock: Lock, waiter: int, limit: _Limit) -> Operation: ...
def lock_put(lock: Lock, waiter: int, limit: _Limit, key: bytes, value: bytes, lease: int) -> Operation: ...
def lock_unlock(lock: Lock, waiter: int, limit: _Limit) -> Operation: ...
def election_campaign(client: Client, waiter: int, limit: _Limit, key: str, identity: str, ttl: int) -> Operation: ...
def election_candidacy(client: Client, key: str, identity: str, ttl: int) -> Candidacy: ...
def election_leader(client: Client, waiter: int, limit: _Limit, key: str) -> Operation: ...
def election_observe(client: Client, key: str) -> Feed: ...
def election_try_campaign(client: Client, waiter: int, key: str, identity: str, ttl: int) -> Operation: ...
def leadership_loss(leadership: Leadership, waiter: int, limit: _Limit) -> Operation: ...
def leadership_put(
    leadership: Leadership, waiter: int, limit: _Limit, key: bytes, value: bytes, lease: int
) -> Operation: ...
def leadership_proclaim(leadership: Leadership, waiter: int, limit: _Limit, identity: str) -> Operation: ...
def leadership_resign(leadership: Leadership, waiter: int, limit: _Limit) -> Operation: ...
def leadership_leader(leadership: Leadership, waiter: int, limit: _Limit) -> Operation: ...
def leadership_observe(leadership: Leadership) -> Feed: ...
def candidacy_news(candidacy: Candidacy) -> Feed: ...
def candidacy_resign(candidacy: Candidacy, waiter: int, limit: _Limit) -> Operation: ...
