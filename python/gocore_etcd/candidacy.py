"""A candidacy, blocking: campaigning in the background, for a service that goes on serving whether it leads or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ._call import run_sync
from ._calls.candidacy import CandidacyBase
from ._calls.held import after_failed_release
from ._errors import ClosedError
from ._handlers import Subscription, in_thread
from ._time import DEFAULT, Timeout
from .election import Leadership
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from . import _native
    from ._calls.client import ClientBase
    from ._election import CandidacyState


class Candidacy(CandidacyBase):
    """A candidacy that goes on in the background: it queues, leads, and should it lose either, it queues again.

    An iterator over its states: first the present one, then every change, ending after Resigned. If you are slow you
    may miss states, but between two leaderships there is always one without. A failure that does not pass by itself
    (PermissionDeniedError, ResourceExhaustedError) is raised in its place, once, while it is tried again; go on
    iterating.

    As a context manager it resigns at the end. One that nobody refers to any more ends; a :attr:`leadership` that
    somebody has taken from it lives until that is let go too. Any thread may use it.
    """

    def __init__(
        self, client: ClientBase, native: _native.Candidacy, handler: Callable[[CandidacyState], object] | None
    ) -> None:
        super().__init__(client, native)
        self._watch = Watch(self._news())
        if handler is not None:
            Subscription(self._news(), handler, in_thread).begin()

    @property
    def leadership(self) -> Leadership | None:
        """The leadership while it leads, else None. Resigning it ends the candidacy; letting it go does not."""
        native = self._native.leadership
        return None if native is None else Leadership(self._client, native)

    def next(self, *, timeout: Timeout = DEFAULT) -> CandidacyState:
        """Wait for the next change; the first call gives the present state.

        Args:
            timeout: seconds; no limit by default, 0 for a look.

        Raises:
            DeadlineExceededError: nothing came until then.
            ClosedError: it has ended, and that was told.

        """
        return self._watch.next(timeout=timeout)

    def resign(self, *, timeout: Timeout = DEFAULT) -> None:
        """End it: give the leadership back, or leave the queue in the background. Again: no effect.

        From the beginning of the call on it does not lead.

        Raises:
            UnavailableError: it led and etcd is away: the leadership is given back in the background, and another call
                waits for that.

        """
        run_sync(self._resign(timeout))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> CandidacyState:
        try:
            # Not by `next`: what a signal's handler raises when that returns would take the state with it.
            return self._watch.__next__()
        except ClosedError:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.resign()
        except Exception as failure:  # noqa: BLE001
            after_failed_release(failure, error)
