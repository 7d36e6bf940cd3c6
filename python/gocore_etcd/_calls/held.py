"""What is held: a lock, a leadership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gocore_etcd._errors import LostError
from gocore_etcd._handlers import Once, Run, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from gocore_etcd import _native
    from gocore_etcd._bytes import Key, Value
    from gocore_etcd._call import Call
    from gocore_etcd._calls.client import ClientBase
    from gocore_etcd._time import Timeout


class HeldBase:
    """What locks and leaderships, blocking and asyncio, share: they are held until they are given back or lost."""

    _op: ClassVar[str]
    """What their operations begin with in errors."""
    _states: ClassVar[tuple[str, str]]
    """How it is shown whether it is held."""

    def __init__(self, client: ClientBase, native: _native.Lock | _native.Leadership) -> None:
        # The client itself too: while what it holds is in use it is not unclosed.
        self._client = client
        self._handle = native

    @property
    def key(self) -> str:
        """The full key, ``{prefix}/locks/{key}`` or ``{prefix}/elections/{key}``, without the contender's part."""
        return self._handle.key

    @property
    def token(self) -> int:
        """The fencing token: strictly increasing over the owners of this key.

        (Until the cluster is restored from a backup.) Give it to systems that can refuse a lower one.
        """
        return self._handle.token

    def on_lost(self, handler: Callable[[], object]) -> Subscription:
        """Have ``handler()`` called once if this is lost: not when it is given back, by closing the client at last.

        The blocking API calls it on a daemon thread, asyncio in the running loop, where it may be ``async def``. It may
        do whatever it likes, blocking calls too; what it raises is logged. It comes after the fact: for what must be
        exact ask ``is_held()`` or ``is_leader()``.
        """
        # It does not keep what it is about: letting that go gives it back.
        return Subscription(Once(self._loss(None)), lambda lost: handler() if lost else None, self._runner()).begin()

    def guard(self) -> _native.Guard:
        """Give the condition that etcd itself checks, for ``kv.txn(guard=...)``: true as long as this owner holds."""
        return self._handle.guard()

    def __repr__(self) -> str:
        kind = type(self)
        state = self._states[0 if self._holds() else 1]
        return f"<{kind.__module__.rpartition('.')[0]}.{kind.__name__} {self.key!r} token={self.token} {state}>"

    def _holds(self) -> bool:
        raise NotImplementedError

    def _runner(self) -> Run:
        raise NotImplementedError

    def _loss(self, timeout: Timeout) -> Call[bool]:
        """Wait for the end; whether it was lost, not given back."""
        raise NotImplementedError

    def _put(self, key: Key, value: Value, lease: int, timeout: Timeout) -> Call[int]:
        raise NotImplementedError

    def _give_back(self, timeout: Timeout) -> Call[None]:
        raise NotImplementedError

    def _check_held(self) -> None:
        if not self._holds():
            op = f"{self._op}.enter"
            raise LostError(f"{op}: lost: it is {self._states[1]} any more key={self.key}", op=op, key=self.key)


def nothing(_: Any) -> None:
    """Make the result of a call that has none."""


def after_failed_release(failure: Exception, body: BaseException | None) -> None:
    """Decide what leaves a ``with`` whose lock could not be given back: this failure, or what left the body.

    Lost is always told, save where the body is being torn down or says so itself. Another failure (etcd is away) does
    not hide what left the body: the lock goes with its TTL.
    """
    if body is None or (isinstance(failure, LostError) and isinstance(body, Exception)):
        if isinstance(body, LostError):
            return
        # Raised where it is being handled itself, it would not be chained.
        failure.__context__ = body
        raise failure
    body.add_note(f"and while giving it back: {failure}")
