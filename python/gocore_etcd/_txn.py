"""The plain values of requests and answers: ranges, compares, operations, what was read. The same in asyncio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Union, Unpack

from ._bytes import Key, Value, key_bytes, value_bytes
from ._errors import invalid
from ._native import KeyValue

if TYPE_CHECKING:
    from collections.abc import Sequence

Order: TypeAlias = Literal["key", "oldest", "newest"]
"""In which order a range is answered: by key, or by the age of the keys."""

Cmp: TypeAlias = Literal["==", "!=", ">", "<"]
"""How a compare judges."""

_OP = "kv.range"
_BIGGEST_LIMIT = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Listing:
    """What a range held."""

    kvs: list[KeyValue]
    """The keys asked for."""
    count: int
    """How many keys the range holds, whatever the limit."""
    more: bool
    """Whether the limit cut the answer."""
    revision: int
    """The revision of the store when it was read."""


class RangeOptions(TypedDict, total=False):
    """What a :class:`Range` may say by name."""

    limit: int
    revision: int
    keys_only: bool
    count_only: bool
    order: Order
    created_until: int


def _successor(prefix: bytes) -> bytes:
    """Give the first key after all that begin with ``prefix``."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else b"\0"


@dataclass(frozen=True, slots=True)
class Range:
    """Which keys to read or delete, and how to read them. Made by :meth:`key`, :meth:`prefix` or :meth:`between`.

    ``limit``: at most this many, 0 for all. ``revision``: as it was then, 0 for now. ``keys_only``: without values.
    ``count_only``: the number of keys alone. ``order``: by ``"key"``, ``"oldest"`` or ``"newest"`` creation first.
    ``created_until``: only keys created at or before this revision, 0 for all.
    """

    first: bytes
    end: bytes = b""
    limit: int = 0
    revision: int = 0
    keys_only: bool = False
    count_only: bool = False
    order: Order = "key"
    created_until: int = 0

    def __post_init__(self) -> None:
        """Check what the native module would refuse less clearly."""
        if not 0 <= self.limit <= _BIGGEST_LIMIT:
            raise invalid(_OP, "limit", f"{self.limit} is not between 0 and {_BIGGEST_LIMIT}")

    @classmethod
    def key(cls, key: Key, **options: Unpack[RangeOptions]) -> Range:
        """Name this one key."""
        return cls(key_bytes(_OP, "key", key), **options)

    @classmethod
    def prefix(cls, prefix: Key, **options: Unpack[RangeOptions]) -> Range:
        """Name every key that begins with ``prefix``; an empty prefix is every key there is."""
        first = key_bytes(_OP, "prefix", prefix)
        return cls(first or b"\0", _successor(first), **options)

    @classmethod
    def between(cls, first: Key, end: Key, **options: Unpack[RangeOptions]) -> Range:
        """Name the keys from ``first`` up to, and without, ``end``; with an empty ``end`` the one key ``first``."""
        return cls(key_bytes(_OP, "first", first), key_bytes(_OP, "end", end), **options)


def as_range(op: str, key: Key | Range) -> Range:
    """Give the range of a key, or the range itself."""
    return key if isinstance(key, Range) else Range(key_bytes(op, "key", key))


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition of a transaction. A key that does not exist has revision, version and lease 0.

    >>> Compare.absent("/jobs/1")
    Compare(target='create_revision', key=b'/jobs/1', cmp='==', operand=0, end=b'')
    """

    target: Literal["create_revision", "mod_revision", "version", "lease", "value"]
    key: bytes
    cmp: Cmp
    operand: int | bytes
    end: bytes = b""

    @classmethod
    def absent(cls, key: Key) -> Compare:
        """Demand that the key does not exist."""
        return cls.create_revision(key, "==", 0)

    @classmethod
    def create_revision(cls, key: Key, cmp: Cmp, revision: int) -> Compare:
        """Judge the revision at which this incarnation of the key was created."""
        return cls("create_revision", key_bytes("kv.commit", "key", key), cmp, revision)

    @classmethod
    def mod_revision(cls, key: Key, cmp: Cmp, revision: int) -> Compare:
        """Judge the revision of the last change of the key."""
        return cls("mod_revision", key_bytes("kv.commit", "key", key), cmp, revision)

    @classmethod
    def version(cls, key: Key, cmp: Cmp, version: int) -> Compare:
        """Judge how often the key was put since its creation."""
        return cls("version", key_bytes("kv.commit", "key", key), cmp, version)

    @classmethod
    def lease(cls, key: Key, cmp: Cmp, lease: int) -> Compare:
        """Judge the lease the key is under."""
        return cls("lease", key_bytes("kv.commit", "key", key), cmp, lease)

    @classmethod
    def value(cls, key: Key, cmp: Cmp, value: Value) -> Compare:
        """Judge the value."""
        return cls("value", key_bytes("kv.commit", "key", key), cmp, value_bytes("value", value))

    def until(self, end: Key) -> Compare:
        """Judge every key from this one up to, and without, ``end``; true for a range without keys."""
        return replace(self, end=key_bytes("kv.commit", "end", end))


@dataclass(frozen=True, slots=True)
class Op:
    """One operation inside a transaction. Made by :meth:`put`, :meth:`get`, :meth:`delete` or :meth:`txn`."""

    kind: Literal["put", "get", "delete", "txn"]
    key: bytes = b""
    value: bytes = b""
    lease: int = 0
    range: Range | None = None
    when: Sequence[Compare] = ()
    then: Sequence[Op] = ()
    otherwise: Sequence[Op] = ()

    @classmethod
    def put(cls, key: Key, value: Value, *, lease: int = 0) -> Op:
        """Write a key; its result is None."""
        return cls("put", key=key_bytes("kv.commit", "key", key), value=value_bytes("value", value), lease=lease)

    @classmethod
    def get(cls, key: Key | Range) -> Op:
        """Read a key or a range; its result is a list of :class:`KeyValue`."""
        return cls("get", range=as_range("kv.commit", key))

    @classmethod
    def delete(cls, key: Key | Range) -> Op:
        """Delete a key or a range; its result is the number of keys deleted."""
        return cls("delete", range=as_range("kv.commit", key))

    @classmethod
    def txn(cls, when: Sequence[Compare] = (), then: Sequence[Op] = (), otherwise: Sequence[Op] = ()) -> Op:
        """Nest a transaction; its result is a :class:`TxnResult`. Its failing compares do not stop the outer one."""
        return cls("txn", when=tuple(when), then=tuple(then), otherwise=tuple(otherwise))


OpResult: TypeAlias = Union[list[KeyValue], int, "TxnResult", None]
"""What one operation of a transaction did, see the methods of :class:`Op`."""


@dataclass(frozen=True, slots=True)
class TxnResult:
    """What a transaction did."""

    succeeded: bool
    """Whether all conditions held."""
    revision: int
    """The revision it was carried out at."""
    results: list[OpResult]
    """One result for each operation, in order."""


def read_listing(answer: tuple[Any, ...]) -> Listing:
    """Make the result of a list."""
    return Listing(*answer)


def read_txn(answer: tuple[Any, ...]) -> TxnResult:
    """Make the result of a transaction."""
    succeeded, revision, results = answer
    return TxnResult(succeeded, revision, [read_txn(each) if isinstance(each, tuple) else each for each in results])
