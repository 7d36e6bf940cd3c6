"""What is held, blocking: a lock, a leadership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ._call import run_sync
from ._calls.held import HeldBase, after_failed_release
from ._errors import DeadlineExceededError
from ._handlers import in_thread
from ._time import DEFAULT, Timeout

if TYPE_CHECKING:
    from types import TracebackType

    from ._bytes import Key, Value
    from ._handlers import Run


class Held(HeldBase):
    """What blocking locks and leaderships share."""

    def wait_lost(self, *, timeout: Timeout = DEFAULT) -> bool:
        """Wait until it is held no longer, lost or given back, and give True; False when it is still at the limit.

        Args:
            timeout: seconds; no limit by default, 0 for a look.

        """
        if timeout == 0:
            return not self._holds()
        try:
            run_sync(self._loss(timeout))
        except DeadlineExceededError:
            return False
        return True

    def put(self, key: Key, value: Value, *, lease: int = 0, timeout: Timeout = DEFAULT) -> int:
        """Write a key (absolute) if this is still held when it arrives, judged by etcd; give the revision.

        Args:
            key: absolute, as in :class:`Kv`.
            value: the value.
            lease: the lease that takes the key with it when it ends; 0 is none.
            timeout: seconds, retries included; the client's ``request_timeout`` by default.

        Raises:
            LostError: it is not held, here or in etcd: nothing was written.
            NotFoundError: there is no such lease.

        """
        return run_sync(self._put(key, value, lease, timeout))

    def _runner(self) -> Run:
        return in_thread

    def __enter__(self) -> Self:
        self._check_held()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            run_sync(self._give_back(DEFAULT))
        except Exception as failure:  # noqa: BLE001
            after_failed_release(failure, error)
