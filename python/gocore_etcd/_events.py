"""What goes on and on: taken by its consumer in batches, in order, each event once.

The events stay in the core, which bounds and coalesces them, until a consumer has time for them. It takes a batch, and
when there is none it is told once, by the dispatcher, as soon as there is one.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from copy import copy
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from . import _dispatch
from ._errors import ClosedError, EtcdError, WrongContextError
from ._native import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._native import Answer, Feed

E = TypeVar("E")

BATCH: Final = 256
"""How many events a consumer takes at once."""


class Nothing(Enum):
    """The type of :data:`NOTHING`."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING
"""There is no event: not now, or never again."""


class Source(ABC, Generic[E]):
    """Where a handler's events come from."""

    @abstractmethod
    def pop(self) -> E | Nothing:
        """Give the next event that was taken, or raise what came in its place."""

    @abstractmethod
    def fill(self) -> bool:
        """Take what there is now; whether there is something. Raises when there never will be. Never waits."""

    @abstractmethod
    def linger(self, nanos: int) -> bool:
        """Wait for something to take on this thread, deaf to signals, for at most so long; whether it has come."""

    @abstractmethod
    def wait(self, waiter: _dispatch.Waiter) -> None:
        """Have the waiter told, once, as soon as there may be something to take."""

    @abstractmethod
    def close(self) -> None:
        """End it. Never waits."""


class Events(Source[E]):
    """The events of one native feed. Any thread may use it; each event goes to one of them.

    Nothing is lost when a signal strikes: up to the very return from :meth:`pop` the event is still here.
    """

    def __init__(self, owner: object, op: str, start: Callable[[], Feed], read: Callable[[Any], E]) -> None:
        # The client: while this is in use it is not unclosed.
        self._owner = owner
        self._op = op
        self._read = read
        self._process = _dispatch.process()
        # Against other consumers. The dispatcher never waits for it: a signal's handler, which may call, may have
        # interrupted who holds it.
        self._lock = threading.RLock()
        # The next is at the end.
        self._taken: list[Any] = []
        self._waiting: set[_dispatch.Waiter] = set()
        self._failure: EtcdError | None = None
        self._closed = False
        self._number = _dispatch.stay(op, self)
        self._feed = start()

    @property
    def op(self) -> str:
        """Its name in errors."""
        return self._op

    @property
    def is_closed(self) -> bool:
        """Whether its owner has closed it."""
        return self._closed

    def pop(self) -> E | Nothing:
        """Give the next event that was taken, or raise what came in its place."""
        self._check()
        event: Any = NOTHING
        taken: Any = NOTHING
        failed, failure = False, None
        try:
            with self._lock:
                if not self._taken:
                    return NOTHING
                last = self._taken[-1]
                if isinstance(last, Failure):
                    event, failed = last.exception(), True
                elif isinstance(last, BaseException):
                    event, failed = last, True
                else:
                    event = self._read(last)
                if failed and isinstance(event, EtcdError):
                    failure = copy(event)
                taken = last
                # Signals are seen to after calls, of which none follows but the lock's own release.
                del self._taken[-1]
        except BaseException:
            if taken is not NOTHING:
                self._taken.append(taken)
            raise
        # What came before was not its end.
        self._failure = failure
        if failed:
            try:
                raise event
            finally:
                # Else its own trace would refer to it, see `_call.result`.
                del event, taken, last
        return event  # type: ignore[no-any-return]

    def fill(self) -> bool:
        """Take what there is now; whether there is something. Never waits."""
        self._check()
        with self._lock:
            if not self._taken and self._feed.take(self._taken, BATCH) and not self._taken:
                raise self._end()
        return bool(self._taken)

    def linger(self, nanos: int) -> bool:
        """Wait for something to take on this thread, deaf to signals, for at most so long; whether it has come."""
        self._check()
        return self._feed.linger(_dispatch.begin(self._op), self._number, nanos)

    def wait(self, waiter: _dispatch.Waiter) -> None:
        """Have the waiter told, once, as soon as there may be something to take."""
        self._check()
        self._waiting.add(waiter)
        self._feed.wait(self._number)

    def forget(self, waiter: _dispatch.Waiter) -> None:
        """Do not tell it any more."""
        self._waiting.discard(waiter)

    def complete(self, answer: Answer, batch: _dispatch.Batch) -> None:
        """Tell all who wait; on the dispatcher's thread."""
        # Those of now: one that is told may wait again before all have been.
        for waiter in list(self._waiting):
            self._waiting.discard(waiter)
            waiter.complete(answer, batch)

    def close(self) -> None:
        """End it: what waits is told, what was taken is gone. Never waits. In a forked child it is the parent's."""
        if self._process is _dispatch.process():
            self._closed = True
            self._feed.close()

    def _check(self) -> None:
        if self._process is not _dispatch.process():
            why = "made before a fork: the parent's cannot be used in the child, make a new one"
            raise WrongContextError(f"{self._op}: wrong context: {why}", op=self._op)
        if self._closed:
            raise ClosedError(f"{self._op}: closed: it was closed by its owner", op=self._op)

    def _end(self) -> EtcdError:
        # Whoever asks again gets the same answer, without the traces of the others.
        if self._failure is not None:
            return copy(self._failure)
        return ClosedError(f"{self._op}: closed: nothing follows", op=self._op)
