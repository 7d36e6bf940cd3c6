"""Keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gocore_etcd import _native
from gocore_etcd._bytes import Key, Value, key_bytes, value_bytes
from gocore_etcd._call import Call, same
from gocore_etcd._events import Events
from gocore_etcd._time import Timeout, request_limit
from gocore_etcd._txn import Listing, Op, Range, TxnResult, as_range, read_listing, read_txn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gocore_etcd._calls.client import ClientBase
    from gocore_etcd._calls.held import HeldBase
    from gocore_etcd._native import KeyValue
    from gocore_etcd._txn import Compare
    from gocore_etcd._updates import WatchUpdate


class KvBase:
    """What blocking and asyncio access to keys share."""

    def __init__(self, client: ClientBase) -> None:
        # The client itself too: while its kv is in use it is not unclosed.
        self._client = client
        self._native = client._connected("kv")  # noqa: SLF001

    def _get(self, key: Key, timeout: Timeout) -> Call[KeyValue | None]:
        native, wanted, limit = self._native, key_bytes("kv.get", "key", key), request_limit("kv.get", timeout)
        return Call("kv.get", lambda waiter: _native.kv_get(native, waiter, limit, wanted), same, together=True)

    def _list(self, range: Range, timeout: Timeout) -> Call[Listing]:  # noqa: A002
        if not isinstance(range, Range):
            raise TypeError(f"range must be a Range, not {type(range).__name__}: say Range.prefix(...)")
        native, limit = self._native, request_limit("kv.list", timeout)
        return Call("kv.list", lambda waiter: _native.kv_list(native, waiter, limit, range), read_listing)

    def _put(self, key: Key, value: Value, lease: int, timeout: Timeout) -> Call[int]:
        op, native = "kv.put", self._native
        wanted, content, limit = key_bytes(op, "key", key), value_bytes("value", value), request_limit(op, timeout)
        return Call(op, lambda waiter: _native.kv_put(native, waiter, limit, wanted, content, lease), same)

    def _delete(self, key: Key | Range, timeout: Timeout) -> Call[int]:
        native, wanted, limit = self._native, as_range("kv.delete", key), request_limit("kv.delete", timeout)
        return Call("kv.delete", lambda waiter: _native.kv_delete(native, waiter, limit, wanted), same)

    def _txn(
        self,
        when: Sequence[Compare],
        then: Sequence[Op],
        otherwise: Sequence[Op],
        guard: HeldBase | _native.Guard | None,
        timeout: Timeout,
    ) -> Call[TxnResult]:
        native, plan, limit = self._native, Op.txn(when, then, otherwise), request_limit("kv.commit", timeout)
        guards = [] if guard is None else [guard if isinstance(guard, _native.Guard) else guard.guard()]
        return Call("kv.commit", lambda waiter: _native.kv_txn(native, waiter, limit, plan, guards), read_txn)

    def _watch(self, key: Key | Range) -> Events[WatchUpdate]:
        native, wanted = self._native, as_range("kv.watch", key)
        return Events(self._client, "kv.watch", lambda: _native.kv_watch(native, wanted), same)
