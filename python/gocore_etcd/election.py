"""Leader election, blocking: one leader at a time, in order of arrival, with a fencing token."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from ._call import run_sync
from ._calls.election import LeadershipBase
from ._handlers import Subscription, in_thread
from ._held import Held
from ._time import DEFAULT, Timeout
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._election import Leader


class Leadership(LeadershipBase, Held):
    """A leadership. It lives until it is resigned, lost, or no longer referenced. Any thread may use it.

    While clocks run at the same rate within the margin (2 % of the TTL, at least 50 ms, at most 500 ms) and the server
    keeps its leases (no revoke, delete or restore by hand; etcd 3.4.38, 3.5.23, 3.6.5 or newer), it is lost here before
    the server can elect the next. Beyond that the token protects: writes by :meth:`put` always, other systems where
    they check :attr:`token`.

    As a context manager it resigns at the end. Entering one that leads no longer raises LostError and does not run the
    body; leaving one that was lost raises LostError, after what the body did.
    """

    def proclaim(self, identity: str, *, timeout: Timeout = DEFAULT) -> None:
        """Change the identity that others see; leadership and token stay. One at a time, in the order of the calls.

        >>> with client.campaign("scheduler", "10.0.0.7:8080") as leadership:
        ...     leadership.proclaim("10.0.0.7:9090")
        ...     client.leader("scheduler").identity
        '10.0.0.7:9090'

        Raises:
            InvalidArgumentError: for ``identity``, as for :meth:`Client.campaign`.
            LostError: this leads no longer.
            UnavailableError: etcd is away; if ``maybe_applied``, others may see it already or later, until the next
                proclamation: an older one never overwrites a newer one.

        """
        run_sync(self._proclaim(identity, timeout))

    def resign(self, *, timeout: Timeout = DEFAULT) -> None:
        """Give the leadership back; the next candidate has it at once. Again: the result of the first call.

        From the beginning of the call on this leads no longer.

        Raises:
            LostError: it had been lost before.
            UnavailableError: etcd is away: it is given back in the background, and another call waits for that.

        """
        run_sync(self._give_back(timeout))

    def leader(self, *, timeout: Timeout = DEFAULT) -> Leader | None:
        """Say who leads this key now, whether it is this or another, as :meth:`Client.leader`."""
        return run_sync(self._leader(timeout))

    @overload
    def observe(self, handler: None = None) -> Watch[Leader | None]: ...
    @overload
    def observe(self, handler: Callable[[Leader | None], object]) -> Subscription: ...
    def observe(self, handler: Callable[[Leader | None], object] | None = None) -> Watch[Leader | None] | Subscription:
        """Watch who leads this key, also after this leadership, as :meth:`Client.observe`."""
        events = self._observe()
        return Watch(events) if handler is None else Subscription(events, handler, in_thread).begin()
