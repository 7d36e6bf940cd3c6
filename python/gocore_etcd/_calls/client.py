"""Connecting, closing, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gocore_etcd import _dispatch, _native
from gocore_etcd._bytes import text
from gocore_etcd._call import Call, same
from gocore_etcd._config import settings
from gocore_etcd._errors import ClosedError, WrongContextError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gocore_etcd._config import TlsConfig
    from gocore_etcd._time import Seconds, Timeout


class ClientBase:
    """What blocking and asyncio clients share."""

    _handle: _native.Client | None = None
    _closing = False
    """Its owner has begun to close it."""
    _closed = False
    """That was answered, or there was nothing to close."""

    def __init__(
        self,
        endpoints: str | Iterable[str],
        *,
        prefix: str,
        username: str | None,
        password: str | None,
        dial_timeout: Timeout,
        request_timeout: Timeout,
        tls: TlsConfig | None,
        auto_sync_interval: Seconds | None,
    ) -> None:
        self._settings = settings(
            endpoints,
            prefix=prefix,
            username=username,
            password=password,
            dial_timeout=dial_timeout,
            request_timeout=request_timeout,
            tls=tls,
            auto_sync_interval=auto_sync_interval,
        )

    @property
    def prefix(self) -> str:
        """The prefix below which everything of this client lies."""
        return self._connected("client.prefix").prefix

    def key(self, *parts: str) -> str:
        """Give a key below the prefix: each part without its surrounding slashes, empty parts left out."""
        return self._connected("client.key").key([text("client.key", "parts", part) for part in parts])

    def __repr__(self) -> str:
        state = "closed" if self._closing else "open" if self._handle else "not connected"
        kind = type(self)
        return f"<{kind.__module__.removesuffix('.client')}.{kind.__name__} {self._settings.endpoints} {state}>"

    def __del__(self) -> None:
        if self._handle is None or self._closed or self._process is not _dispatch.process():
            return
        unclosed = not self._closing
        _dispatch.close_behind(self)
        if unclosed:
            _dispatch.warn_unclosed(self)

    def _connected(self, op: str) -> _native.Client:
        if self._handle is None:
            raise WrongContextError(f"{op}: wrong context: the client is not connected: await it first", op=op)
        return self._handle

    def _check_not_closed(self, op: str) -> None:
        if self._closing:
            raise ClosedError(f"{op}: closed: the client was closed", op=op)

    def _connect_call(self) -> Call[_native.Client]:
        op = "client.connect"
        queue, wanted = _dispatch.queue(op), self._settings
        return Call(op, lambda waiter: _native.client_connect(queue, waiter, wanted), same)

    def _adopt(self, handle: _native.Client) -> None:
        self._handle = handle
        self._process = _dispatch.process()
        _dispatch.add_client(self)

    def _close_call(self) -> Call[None]:
        native = self._connected("client.close")

        def start(waiter: int) -> _native.Operation:
            operation = _native.client_close(native, waiter)
            self._closing = True
            return operation

        return Call("client.close", start, self._mark_closed, cancels=False)

    def _mark_closed(self, _answer: None = None) -> None:
        # Until then the end of the program waits for it, also when its owner does no longer.
        self._closed = True
        _dispatch.remove_client(self)

    def _begin_close(self, waiter: int) -> None:
        _native.client_close(self._connected("client.close"), waiter)
        self._closing = True
