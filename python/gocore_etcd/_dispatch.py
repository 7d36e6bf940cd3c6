"""The dispatcher: a daemon thread that takes answers from the native queue and hands each to whoever waits for it.

No thread of the library ever attaches to the interpreter; this thread of Python waits in the queue, with the GIL
released, and runs nobody's code: it releases locks and schedules callbacks in event loops.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import sys
import threading
import warnings
import weakref
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from . import _log
from ._errors import ClosedError, WrongContextError
from ._native import Answer, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_LIMIT = 1.0
"""How long the end of the program may be held up by giving everything back, in seconds."""


class Waiter(Protocol):
    """Whoever waits for an answer."""

    def complete(self, answer: Answer, batch: Batch, /) -> None:
        """Take the answer; on the dispatcher's thread, so nothing here may wait or raise."""


class Batch:
    """Work put off until all answers of a batch are handed out: one wake-up for each event loop."""

    __slots__ = ("later",)

    def __init__(self) -> None:
        self.later: dict[object, Flush] = {}

    def flush(self) -> None:
        """Do what was put off."""
        for each in self.later.values():
            try:
                each.flush()
            except Exception:  # noqa: BLE001
                _tell_of_failure()


class Flush(Protocol):
    """What a batch does at its end."""

    def flush(self) -> None:
        """Do it; nothing here may wait or raise."""


class Closable(Protocol):
    """A client, blocking or asyncio, as the end of the program sees it."""

    _closing: bool
    """Whether its owner has begun to close it."""

    def _begin_close(self, waiter: int, /) -> None:
        """Start closing, also once more, for that waiter."""


class Mailbox(Protocol):
    """Where an event loop's own answers come, as the end of the program sees it."""

    def close(self) -> None:
        """Take no more of them: the loop is not woken."""


class _State:
    """Everything a process has one of. A forked child begins with a new one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.queue = Queue()
        self.numbers = itertools.count(1)
        self.waiting: dict[int, Waiter] = {}
        self.staying: dict[int, weakref.ref[Waiter]] = {}
        self.clients: dict[int, weakref.ref[Closable]] = {}
        self.mailboxes: dict[int, weakref.ref[Mailbox]] = {}
        self.closing: set[_Closed] = set()
        self.thread: threading.Thread | None = None
        self.dispatcher = 0
        """The number of its thread."""
        self.log: _log.Reader | None = None
        self.ended = False

    def register(self, waiter: Waiter) -> int:
        number = next(self.numbers)
        self.waiting[number] = waiter
        return number


_state = _State()


def after_fork(begin_anew: Callable[[], None]) -> None:
    """Have it run in every forked child, before anything else there."""
    # Absent where there is no fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin_anew)


def _begin_anew() -> None:
    # The parent's locks may be held for ever by threads that are not here, and its clients are not ours to close.
    global _state  # noqa: PLW0603
    _state = _State()


after_fork(_begin_anew)


def queue(op: str) -> Queue:
    """Give the queue for a new client, with the dispatcher at work."""
    state = _state
    with state.lock:
        if state.ended:
            raise _ending(op)
        if state.thread is None:
            # Known only once it runs: without it nobody who waits is ever told.
            thread = threading.Thread(target=_run, args=(state,), name="gocore-etcd-dispatch", daemon=True)
            thread.start()
            state.thread = thread
            _end_in_children_of_multiprocessing()
        if state.log is None:
            state.log = _log.start()
        return state.queue


def has_ended() -> bool:
    """Whether the program is ending and everything is being closed."""
    return _state.ended


def check_may_block(op: str) -> None:
    """Refuse to block where it would hold up what it waits for."""
    # Only who has imported asyncio can be inside a loop; the import is not ours to pay.
    events = sys.modules.get("asyncio.events")
    if events is not None and events._get_running_loop() is not None:  # noqa: SLF001
        why = "a blocking call on a thread whose event loop is running: use gocore_etcd.aio"
        raise WrongContextError(f"{op}: wrong context: {why}", op=op)
    if _state.dispatcher == threading.get_ident():
        raise WrongContextError(f"{op}: wrong context: a blocking call in a finalizer", op=op)


def _ending(op: str) -> ClosedError:
    return ClosedError(f"{op}: closed: the program is ending", op=op)


def begin(op: str) -> Queue:
    """Give the queue at which this thread may wait for the answer to what it starts for no waiter."""
    check_may_block(op)
    state = _state
    if state.ended:
        raise _ending(op)
    return state.queue


def mailboxes(op: str) -> dict[int, weakref.ref[Mailbox]]:
    """Give the mailboxes of this process's event loops, by whatever number these have."""
    state = _state
    if state.ended:
        raise _ending(op)
    return state.mailboxes


def enter(op: str, waiter: Waiter) -> int:
    """Register a waiter and give its number, for a start function."""
    state = _state
    if state.ended:
        raise _ending(op)
    return state.register(waiter)


def enter_late(waiter: Waiter) -> int:
    """Register the waiter of a call that is under way; it is never told when the program is ending."""
    state = _state
    number = state.register(waiter)
    # After that: `_end` forgets who waits once it has said that it ends.
    if state.ended:
        state.waiting.pop(number, None)
    return number


def stay(op: str, waiter: Waiter) -> int:
    """Register who is told again and again, for as long as somebody else refers to it, and give its number."""
    state = _state
    if state.ended:
        raise _ending(op)
    staying, number = state.staying, next(state.numbers)
    staying[number] = weakref.ref(waiter, lambda _: staying.pop(number, None))
    return number


def leave(number: int) -> None:
    """Forget a waiter; the answer, should it come, is released."""
    _state.waiting.pop(number, None)


def add_client(client: Closable) -> None:
    """Have a client closed at the end of the program, unless it was before."""
    clients, number = _state.clients, id(client)
    clients[number] = weakref.ref(client, lambda _: clients.pop(number, None))


def remove_client(client: Closable) -> None:
    """Forget a client that was closed: not before the answer to that has come."""
    _state.clients.pop(id(client), None)


def close_behind(client: Closable) -> None:
    """Close a client that nobody refers to any more, in the background; the end of the program waits for it."""
    state = _state
    # After that everything is closed by the end itself, or by the native handle as it goes.
    if not state.ended:
        _begin_close(state, client)


def _begin_close(state: _State, client: Closable) -> None:
    closed = _Closed(state.closing)
    state.closing.add(closed)
    client._begin_close(state.register(closed))  # noqa: SLF001


def process() -> object:
    """Give what tells this process from the one it was forked from."""
    return _state


def warn_unclosed(client: Closable) -> None:
    """Say that a client was not closed by its owner."""
    warnings.warn(f"unclosed {client!r}", ResourceWarning, source=client, stacklevel=2)


def _run(state: _State) -> None:
    state.dispatcher = threading.get_ident()
    while _hand_out(state):
        pass


def _hand_out(state: _State) -> bool:
    # A function of its own, so that an answer that nobody took is released now, not when the next one comes.
    answers = state.queue.take()
    if answers is None:
        return False
    batch = Batch()
    for number, answer in answers:
        waiter = state.waiting.pop(number, None)
        if waiter is None and (staying := state.staying.get(number)) is not None:
            waiter = staying()
        if waiter is not None:
            try:
                waiter.complete(answer, batch)
            except Exception:  # noqa: BLE001
                _tell_of_failure()
    batch.flush()
    return True


def _tell_of_failure() -> None:
    # Of what is somebody else's, such as an event loop that is not asyncio's own. All others wait for their answers.
    _log.say(logging.ERROR, "an answer could not be handed on", trace=True)


class _Closed:
    """Waits for one client to be closed."""

    def __init__(self, closing: set[_Closed]) -> None:
        self._closing = closing
        self._done = threading.Event()

    def complete(self, _answer: Answer, _batch: Batch) -> None:
        self._closing.discard(self)
        self._done.set()

    def wait(self, until: float) -> None:
        self._done.wait(max(0.0, until - monotonic()))


@atexit.register
def _end() -> None:
    # After the application's own non-daemon threads have ended: until then they may use their clients.
    state = _state
    if state.ended:
        return
    state.ended = True
    state.queue.leave_behind()
    thread, log = state.thread, state.log
    if thread is None:
        return
    until = monotonic() + EXIT_LIMIT

    def left() -> float:
        return max(0.1, until - monotonic())

    # Whatever comes between (Ctrl-C, for instance): a thread that is told something later would come back to an
    # interpreter that is gone.
    with ExitStack() as ending:
        if log is not None:
            ending.callback(lambda: log.stop(left()))
        ending.callback(lambda: thread.join(left()))
        ending.callback(state.queue.close)
        unclosed = _close_all(state, until)
    for client in unclosed:
        warn_unclosed(client)


def _end_in_children_of_multiprocessing() -> None:
    # They end without `atexit`, or (3.13) without what was registered before the fork; but by finalizers of their own.
    # Who has not imported it is no child of it; the import is not ours to pay.
    if "multiprocessing.util" in sys.modules:
        from multiprocessing import process, util  # noqa: PLC0415

        if process.parent_process() is not None:
            # After those of its queues, which end at -5.
            util.Finalize(None, _end_after_threads, exitpriority=-10)


def _end_after_threads() -> None:
    # These finalizers come before that.
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    _end()


def _close_all(state: _State, until: float) -> list[Closable]:
    """Close what is open and wait for what is being closed; gives those that their owners have left open."""
    # Daemon threads that wait are left where they are, as the interpreter does with them: to wake them only for an
    # exception would race with its end. Their answers are released.
    for number, waiter in list(state.waiting.items()):
        if not isinstance(waiter, _Closed):
            state.waiting.pop(number, None)
    state.staying.clear()
    for reference in list(state.mailboxes.values()):
        if (mailbox := reference()) is not None:
            mailbox.close()
    clients = [client for reference in list(state.clients.values()) if (client := reference()) is not None]
    unclosed = [client for client in clients if not client._closing]  # noqa: SLF001
    for client in clients:
        _begin_close(state, client)
    for closed in list(state.closing):
        closed.wait(until)
    return unclosed
