"""Work that is done by the leader alone: what the blocking and the asyncio way to run it share."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Final

from gocore_etcd._errors import EtcdError, LostError
from gocore_etcd._log import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


def pauses() -> Iterator[float]:
    """Give how long to wait, in seconds, before what has failed is tried again; jittered."""
    pause = _SHORTEST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311
        pause = min(2 * pause, _LONGEST_PAUSE)


class Pace:
    """The pauses between turns of the work: work that ends at once would burn leaderships as fast as etcd gives them.

    After a short turn one that is twice as long as the one before; after a long turn none.
    """

    def __init__(self) -> None:
        self._next = _SHORTEST_PAUSE

    def after(self, turn: float) -> float:
        """Give how long to wait, in seconds, after a turn of so many seconds; jittered."""
        if turn >= _LONGEST_PAUSE:
            self._next = _SHORTEST_PAUSE
            return 0.0
        pause, self._next = self._next, min(2 * self._next, _LONGEST_PAUSE)
        return pause * random.uniform(0.9, 1.1)  # noqa: S311


def check_passes(failure: EtcdError) -> None:
    """Raise a failure, unless it passes by itself: etcd is away, the session was lost."""
    if not failure.retryable and not isinstance(failure, LostError):
        raise failure
    say(logging.DEBUG, "will be tried again: %s", failure)


def was_lost(failure: EtcdError) -> bool:
    """Say whether resigning failed because the leadership had been lost before; another failure does not matter.

    The work is done all the same, and the leadership is given back in the background.
    """
    if isinstance(failure, LostError):
        return True
    say(logging.DEBUG, "resigning after the work failed: %s", failure)
    return False
