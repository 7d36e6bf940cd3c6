"""Work that is done by the leader alone, blocking."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ._calls.run import Pace, check_passes, pauses, was_lost
from ._election import Again
from ._errors import EtcdError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .election import Leadership

T = TypeVar("T")


def run(campaign: Callable[[], Leadership], work: Callable[[Leadership], T | Again]) -> T:
    """Campaign, work while leading, resign, over and over, until the work says that it is done."""
    pace = Pace()
    while True:
        leadership = _persist(campaign)
        begun = time.monotonic()
        try:
            value = work(leadership)
        except LostError:
            # What ends work when the leadership is lost; or something else of its own was lost.
            if not _resign(leadership):
                raise
        except BaseException:
            _resign(leadership)
            raise
        else:
            if isinstance(value, Again):
                # The next campaign would wait behind what is not given back, for as long as the session lives.
                _persist(partial(_give_back, leadership))
            elif not _resign(leadership):
                return value
        time.sleep(pace.after(time.monotonic() - begun))


def _persist(attempt: Callable[[], T]) -> T:
    for pause in pauses():
        try:
            return attempt()
        except EtcdError as failure:
            check_passes(failure)
        time.sleep(pause)
    raise AssertionError


def _give_back(leadership: Leadership) -> None:
    with suppress(LostError):
        leadership.resign()


def _resign(leadership: Leadership) -> bool:
    """Give it back; whether it had been lost before."""
    try:
        leadership.resign()
    except EtcdError as failure:
        return was_lost(failure)
    return False
