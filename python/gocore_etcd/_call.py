"""A call, and the blocking way to wait for its answer; that of asyncio is in ``aio/_call.py``."""

from __future__ import annotations

from _thread import TIMEOUT_MAX, allocate_lock
from dataclasses import dataclass
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from . import _dispatch
from ._errors import EtcdError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ._native import Answer, Operation

T = TypeVar("T")


@dataclass(slots=True)  # frozen, it would take three times as long to make
class Call(Generic[T]):
    """What a method comes to, the same for both ways of waiting."""

    op: str
    """Its name in errors."""
    start: Callable[[int], Operation]
    """Starts it, for the waiter of that number; 0 is none, whoever has the operation begins it and waits for it."""
    finish: Callable[[Any], T]
    """Makes the result of the native answer."""
    cancels: bool = True
    """Whether it ends when its waiter gives up; what gives something back goes on."""
    together: bool = False
    """Whether those that are begun together are quicker: then a turn of an event loop begins them at its end."""


def same(answer: T) -> T:
    """Take the native answer for the result."""
    return answer


def result(finish: Callable[[Any], T], answer: Answer) -> T:
    """Make the result of a call of its answer, or raise what came instead."""
    taken = answer.take()
    if not isinstance(taken, EtcdError):
        return finish(taken)
    try:
        raise taken
    finally:
        # An exception that its own trace refers to would keep alive, until the garbage collector comes, whatever the
        # frames on its way refer to: a lock that could not be given back, for instance.
        del taken


AT_FIRST: Final = 50_000_000
"""How long a blocking call waits in native code, in nanoseconds: so late may it notice Ctrl-C."""


class Blocked:
    """A thread that waits for its answer on a lock of Python's own, which the dispatcher releases.

    Such a wait notices Ctrl-C at once (0.3 ms measured), may be without limit, and a daemon thread in it is safe to
    leave behind when the interpreter ends.
    """

    __slots__ = ("_done", "answer")

    answer: Answer

    def __init__(self) -> None:
        self._done = allocate_lock()
        self._done.acquire()

    def complete(self, answer: Answer, _batch: _dispatch.Batch) -> None:
        """Let the thread go on; on the dispatcher's thread."""
        self.answer = answer
        self._done.release()

    def wait(self, seconds: float = -1) -> bool:
        """Wait for the answer, without limit or so many seconds; whether it came."""
        return self._done.acquire(timeout=min(seconds, TIMEOUT_MAX))


def run_sync(call: Call[T]) -> T:
    """Carry out a call and wait, without running anything else on this thread.

    At first in native code, where this thread does the library's work itself if it alone waits: most requests are
    answered there, and wake no other thread. What takes longer, as it does to wait for others, is waited for as
    `Blocked` says.
    """
    queue = _dispatch.begin(call.op)
    number, operation, waiter = 0, None, None
    try:
        operation = call.start(0)
        answer = queue.wait(operation, AT_FIRST)
        if answer is None:
            waiter = Blocked()
            number = _dispatch.enter_late(waiter)
            answer = operation.hand_over(number)
            if _dispatch.has_ended():
                # This thread stays here, as all do that wait at the end; what came is released.
                answer = None
            if answer is None:
                waiter.wait()
                answer = waiter.answer
            else:
                _dispatch.leave(number)
        return result(call.finish, answer)
    except BaseException as error:  # the answer's; or a signal's, such as KeyboardInterrupt, or the start's own
        _dispatch.leave(number)
        if operation is not None and call.cancels:
            operation.cancel()
        # The trace refers to this frame and to those of what was called. None may refer to what came for nobody, nor
        # to what begins, if a signal came before it did, when nobody has it any more.
        answer = waiter = operation = None
        clear_frames(error.__traceback__)
        raise


def in_loop(
    loop: asyncio.AbstractEventLoop, batch: _dispatch.Batch, deliver: Callable[[Answer], None], answer: Answer
) -> None:
    """Have the answer delivered in the loop, with all others of its batch; ``deliver`` must not raise."""
    deliveries = batch.later.get(loop)
    if not isinstance(deliveries, _Deliveries):
        deliveries = batch.later[loop] = _Deliveries(loop)
    deliveries.add(deliver, answer)


class _Deliveries:
    """The answers of one batch for one loop."""

    __slots__ = ("_answers", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._answers: list[tuple[Callable[[Answer], None], Answer]] = []

    def add(self, deliver: Callable[[Answer], None], answer: Answer) -> None:
        self._answers.append((deliver, answer))

    def flush(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            # The loop is closed, nobody waits any more: the answers are released.
            self._answers.clear()

    def _deliver(self) -> None:
        for deliver, answer in self._answers:
            deliver(answer)
