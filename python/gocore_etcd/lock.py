"""The lock, blocking: one owner at a time, in order of arrival, with a fencing token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ._call import run_sync
from ._calls.lock import LockBase, after_failed_unlock
from ._errors import DeadlineExceededError
from ._handlers import in_thread
from ._time import DEFAULT, Timeout

if TYPE_CHECKING:
    from types import TracebackType

    from ._bytes import Key, Value
    from ._handlers import Run


class Lock(LockBase):
    """A held lock. It lives until it is unlocked, lost, or no longer referenced. Any thread may use it.

    While clocks run at the same rate within the margin and the server keeps its leases, it is lost here before the
    server can give it to the next. Beyond that the token protects: writes by :meth:`put` always, other systems where
    they check :attr:`token`.

    As a context manager it gives itself back at the end. Entering one that is no longer held raises LostError and does
    not run the body; leaving one that was lost raises LostError, after what the body did.
    """

    def wait_lost(self, *, timeout: Timeout = DEFAULT) -> bool:
        """Wait until the lock is held no longer, and give True; False when it is still held at the limit.

        Args:
            timeout: seconds; no limit by default, 0 for a look.

        """
        if timeout == 0:
            return not self.is_held()
        try:
            run_sync(self._wait_lost(timeout))
        except DeadlineExceededError:
            return False
        return True

    def put(self, key: Key, value: Value, *, timeout: Timeout = DEFAULT) -> int:
        """Write a key (absolute) if the lock is still held when it arrives, judged by etcd; give the revision.

        Raises:
            LostError: it is not held, here or in etcd: nothing was written.

        """
        return run_sync(self._put(key, value, timeout))

    def unlock(self, *, timeout: Timeout = DEFAULT) -> None:
        """Give the lock back. From the beginning of the call on it is not held. Again: the result of the first call.

        Raises:
            LostError: it had been lost before.
            UnavailableError: etcd is away; call again, or let it go: the background goes on trying.

        """
        run_sync(self._unlock(timeout))

    def _runner(self) -> Run:
        return in_thread

    def __enter__(self) -> Self:
        self._check_held()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.unlock()
        except Exception as failure:  # noqa: BLE001
            after_failed_unlock(failure, error)
