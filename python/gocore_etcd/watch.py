"""A watch, blocking: an iterator over what happens, for as long as you like."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Self, TypeVar

from . import _dispatch
from ._call import AT_FIRST, Blocked
from ._calls.watch import WatchBase
from ._errors import ClosedError
from ._events import NOTHING
from ._time import DEFAULT, NANOSECONDS, Timeout, limit

if TYPE_CHECKING:
    from types import TracebackType

E = TypeVar("E")


class Watch(WatchBase[E]):
    """What happens, one update after the other: an iterator, and a context manager that closes it.

    Iterating waits for the next update, over outages and without limit; what does not pass by itself (no permission) is
    raised once in an update's place, and the watch goes on: iterate again. It ends when the watch is closed, by any
    thread, and raises ClosedError when the client is. Threads may share one: each update goes to one of them.

    Ctrl-C, or whatever a signal's handler raises, ends the wait; the watch goes on where it was, and no update is lost
    by it in a ``for`` or by :meth:`next`. (Python's own ``next(watch)`` can lose one: a signal may strike when it has
    the update and its caller has not.)

    A watch that nobody refers to any more ends.
    """

    def next(self, *, timeout: Timeout = DEFAULT) -> E:
        """Wait for the next update.

        Args:
            timeout: seconds; no limit by default, 0 for a look.

        Raises:
            DeadlineExceededError: nothing came until then.
            ClosedError: the watch or its client was closed.
            PermissionDeniedError: and other failures that do not pass by themselves; once, and it is tried again.

        """
        nanos = limit(self._events.op, timeout)
        return self._next(None if nanos is None or nanos < 0 else monotonic() + nanos / NANOSECONDS)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        try:
            return self._next(None)
        except ClosedError:
            if self._events.is_closed:
                raise StopIteration from None
            raise

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, until: float | None) -> E:
        _dispatch.check_may_block(self._events.op)
        while (event := self._events.pop()) is NOTHING:
            if not self._events.fill():
                self._wait(until)
        return event

    def _wait(self, until: float | None) -> None:
        # At first in native code, as a call does (`_call.run_sync`): there the library's own thread wakes this one.
        awhile = AT_FIRST if until is None else min(AT_FIRST, max(0, int((until - monotonic()) * NANOSECONDS)))
        if self._events.linger(awhile):
            return
        seconds = -1 if until is None else until - monotonic()
        if until is not None and seconds <= 0:
            raise self._expired()
        waiter = Blocked()
        try:
            self._events.wait(waiter)
            if not waiter.wait(seconds):
                raise self._expired()
        finally:
            self._events.forget(waiter)
        self._told(waiter.answer)
