"""The lock, blocking: one owner at a time, in order of arrival, with a fencing token."""

from __future__ import annotations

from ._call import run_sync
from ._calls.lock import LockBase
from ._held import Held
from ._time import DEFAULT, Timeout


class Lock(LockBase, Held):
    """A held lock. It lives until it is unlocked, lost, or no longer referenced. Any thread may use it.

    While clocks run at the same rate within the margin (2 % of the TTL, at least 50 ms, at most 500 ms) and the server
    keeps its leases (no revoke, delete or restore by hand; etcd 3.4.38, 3.5.23, 3.6.5 or newer), it is lost here before
    the server can give it to the next. Beyond that the token protects: writes by :meth:`put` always, other systems
    where they check :attr:`token`.

    As a context manager it gives itself back at the end. Entering one that is no longer held raises LostError and does
    not run the body; leaving one that was lost raises LostError, after what the body did.
    """

    def unlock(self, *, timeout: Timeout = DEFAULT) -> None:
        """Give the lock back. From the beginning of the call on it is not held. Again: the result of the first call.

        Raises:
            LostError: it had been lost before.
            UnavailableError: etcd is away: it is given back in the background, and another call waits for that.

        """
        run_sync(self._give_back(timeout))
