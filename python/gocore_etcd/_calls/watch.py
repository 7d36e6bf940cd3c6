"""Watches: what blocking and asyncio ones share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from gocore_etcd._errors import ClosedError, DeadlineExceededError, EtcdError

if TYPE_CHECKING:
    from gocore_etcd._events import Events
    from gocore_etcd._native import Answer

E = TypeVar("E")


class WatchBase(Generic[E]):
    """What blocking and asyncio watches share."""

    def __init__(self, events: Events[E]) -> None:
        self._events = events

    def close(self) -> None:
        """End the watch, also for whoever waits for its next update. Never waits. Again: no effect."""
        self._events.close()

    def __repr__(self) -> str:
        kind = type(self)
        state = "closed" if self._events.is_closed else "open"
        return f"<{kind.__module__.removesuffix('.watch')}.{kind.__name__} {self._events.op} {state}>"

    def _check_open(self) -> None:
        if self._events.is_closed:
            raise ClosedError(f"{self._events.op}: closed: it was closed by its owner", op=self._events.op)

    def _expired(self) -> DeadlineExceededError:
        op = self._events.op
        return DeadlineExceededError(f"{op}: deadline exceeded: nothing came (retryable)", op=op, retryable=True)

    def _told(self, answer: Answer) -> None:
        """Raise what kept the wait from coming to its end, but for the close that whoever looks again finds."""
        failure = answer.take()
        if isinstance(failure, EtcdError) and not self._events.is_closed:
            raise failure
