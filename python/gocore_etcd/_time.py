"""Time limits and lengths of time, as users give them and as the native module takes them."""

from __future__ import annotations

import enum
import math
from datetime import timedelta
from typing import Final, TypeAlias

from ._errors import invalid

NANOSECONDS: Final = 1_000_000_000
LONGEST: Final = 2**63 - 1
DEFAULT_LIMIT: Final = -1


class Default(enum.Enum):
    """The type of :data:`DEFAULT`."""

    DEFAULT = "default"

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default.DEFAULT
"""An argument that was not given: the call has its own default."""

Seconds: TypeAlias = float | timedelta
"""A length of time: seconds, or a timedelta."""

Timeout: TypeAlias = float | timedelta | Default | None
"""How long a call may take: seconds or a timedelta; None is no limit, 0 a single try, DEFAULT the call's own."""


def nanoseconds(op: str, argument: str, value: Seconds) -> int:
    """Give the length of time as the native module takes it; InvalidArgumentError when it is none."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    else:
        raise TypeError(f"{argument} must be seconds or a timedelta, not {type(value).__name__}")
    if math.isnan(seconds) or seconds < 0:
        raise invalid(op, argument, f"{value!r} is no length of time")
    if math.isinf(seconds) or seconds > LONGEST // NANOSECONDS:
        raise invalid(op, argument, f"{value!r} is too long; None is no limit" if argument != "ttl" else "is too long")
    # Rounded up: what is above 0 stays above it.
    return math.ceil(seconds * NANOSECONDS)


def limit(op: str, timeout: Timeout) -> int | None:
    """Give the time limit as the native module takes it: nanoseconds, None for no limit, -1 for the default."""
    if timeout is DEFAULT:
        return DEFAULT_LIMIT
    if timeout is None:
        return None
    return nanoseconds(op, "timeout", timeout)


def request_limit(op: str, timeout: Timeout) -> int | None:
    """As :func:`limit`, for a request, which waits for nobody but etcd: a single try has the default limit."""
    if timeout is DEFAULT:
        return DEFAULT_LIMIT
    return limit(op, timeout) or (None if timeout is None else DEFAULT_LIMIT)
