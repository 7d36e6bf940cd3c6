"""How a client reaches etcd."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ._errors import invalid
from ._time import LONGEST, Default, Seconds, Timeout, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

_OP = "client.connect"

Pem: TypeAlias = bytes | str | os.PathLike[str]
"""A PEM document: its bytes, or the path of the file that holds it (read when the client connects)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsConfig:
    """Whom to trust, and who we are.

    ``ca``: the authorities to trust instead of the system's (or of those that the environment variables
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name). ``cert`` and ``key``: our own certificate (and after it those that
    lead to its authority) and its private key. ``server_name``: the name that the server's certificate must carry, else
    the host of the endpoint. PEM is bytes, or the path of a file.
    """

    ca: Pem | None = None
    cert: Pem | None = None
    key: Pem | None = field(default=None, repr=False)
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class _Tls:
    ca: bytes | str | None
    cert: bytes | str | None
    key: bytes | str | None = field(repr=False)
    server_name: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The arguments of a client as the native module takes them; times in nanoseconds, 0 for the default."""

    endpoints: list[str]
    prefix: str
    username: str | None
    password: str | None = field(repr=False)
    dial_timeout: int
    request_timeout: int
    tls: _Tls | None
    auto_sync_interval: int


def settings(
    endpoints: str | Iterable[str],
    *,
    prefix: str,
    username: str | None,
    password: str | None,
    dial_timeout: Timeout,
    request_timeout: Timeout,
    tls: TlsConfig | None,
    auto_sync_interval: Seconds | None,
) -> Settings:
    """Check the arguments of a client as far as they are Python's; the core checks the rest, all at once."""
    return Settings(
        endpoints=[endpoints] if isinstance(endpoints, str) else list(endpoints),
        prefix=prefix,
        username=username,
        password=password,
        dial_timeout=_limit("dial_timeout", dial_timeout, longest=24 * 3600),
        request_timeout=_limit("request_timeout", request_timeout, longest=365 * 24 * 3600),
        tls=None if tls is None else _Tls(_pem(tls.ca), _pem(tls.cert), _pem(tls.key), tls.server_name),
        auto_sync_interval=0
        if auto_sync_interval is None
        else _positive("auto_sync_interval", nanoseconds(_OP, "auto_sync_interval", auto_sync_interval)),
    )


def _limit(argument: str, timeout: Timeout, *, longest: int) -> int:
    # A request always has some limit; the core's longest is none in practice.
    if isinstance(timeout, Default):
        return 0
    if timeout is None:
        return longest * 1_000_000_000
    return _positive(argument, nanoseconds(_OP, argument, timeout))


def _positive(argument: str, nanos: int) -> int:
    if not 0 < nanos <= LONGEST:
        raise invalid(_OP, argument, "must be above 0")
    return nanos


def _pem(pem: Pem | None) -> bytes | str | None:
    return pem if pem is None or isinstance(pem, bytes) else os.fspath(pem)
