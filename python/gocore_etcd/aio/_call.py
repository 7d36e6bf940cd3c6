"""A call, awaited: its answer comes to the event loop itself, which watches for it as for any other input."""

from __future__ import annotations

import contextvars
import itertools
import weakref
from asyncio import get_running_loop
from functools import partial
from traceback import clear_frames
from typing import TYPE_CHECKING, TypeVar

from gocore_etcd import _dispatch
from gocore_etcd._call import result
from gocore_etcd._native import Inbox

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

    from gocore_etcd._call import Call
    from gocore_etcd._native import Answer, Operation

T = TypeVar("T")


class _Mailbox:
    """The calls of one event loop that wait for their answers."""

    __slots__ = ("__weakref__", "_arrived", "_inbox", "_numbers", "_together", "_waiting", "loop")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self._inbox = Inbox()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Answer]] = {}
        # Those that others may go along with.
        self._together: set[int] = set()
        # The next is at the end.
        self._arrived: list[tuple[int, Answer]] = []
        # With nothing of the context in which it happens to begin.
        contextvars.Context().run(loop.add_reader, self._inbox.fileno(), _Reader(self))

    def number(self) -> int:
        """Give a number for a call."""
        return next(self._numbers)

    def post(self, number: int, operation: Operation, future: Future[Answer], *, together: bool) -> None:
        """Begin the operation and have the future done with its answer."""
        # One that is alone begins at once: it would wait for nothing.
        later = together and bool(self._together)
        self._waiting[number] = future
        if together:
            self._together.add(number)
        self._inbox.post(operation, number, later)

    def forget(self, number: int) -> None:
        """Release the answer, should it come."""
        self._waiting.pop(number, None)
        self._together.discard(number)

    def deliver(self) -> None:
        """Begin what was put off, and hand out what has come.

        A signal may strike anywhere: what was not handed out is still here, and the loop comes again.
        """
        arrived, waiting, together = self._arrived, self._waiting, self._together
        self._inbox.take(arrived)
        while arrived:
            number, answer = arrived[-1]
            future = waiting.get(number)
            if future is not None and not future.done():
                future.set_result(answer)
            waiting.pop(number, None)
            together.discard(number)
            del arrived[-1]
        self._inbox.still()

    def close(self) -> None:
        """Take no more answers: they are released."""
        self._inbox.close()


class _Reader:
    """What the loop refers to, and nobody else: it goes when the loop is closed."""

    __slots__ = ("_mailbox",)

    def __init__(self, mailbox: _Mailbox) -> None:
        self._mailbox = mailbox

    def __call__(self) -> None:
        self._mailbox.deliver()

    def __del__(self) -> None:
        self._mailbox.close()


def _mailbox(op: str) -> _Mailbox:
    mailboxes = _dispatch.mailboxes(op)
    loop = get_running_loop()
    reference = mailboxes.get(id(loop))
    mailbox = None if reference is None else reference()
    # What is there may be of a loop that was closed.
    if not isinstance(mailbox, _Mailbox) or mailbox.loop is not loop:
        mailbox = _Mailbox(loop)
        mailboxes[id(loop)] = weakref.ref(mailbox, partial(_remove, mailboxes, id(loop)))
    return mailbox


def _remove(
    mailboxes: dict[int, weakref.ref[_dispatch.Mailbox]], number: int, reference: weakref.ref[_dispatch.Mailbox]
) -> None:
    # The number may be another loop's by now.
    if mailboxes.get(number) is reference:
        del mailboxes[number]


async def run_async(call: Call[T]) -> T:
    """Carry out a call and wait while the loop goes on."""
    mailbox = _mailbox(call.op)
    future: Future[Answer] = mailbox.loop.create_future()
    number, operation = mailbox.number(), None
    try:
        operation = call.start(0)
        mailbox.post(number, operation, future, together=call.together)
        return result(call.finish, await future)
    except BaseException as error:  # the answer's; or cancellation, the end of the loop, the start's own
        mailbox.forget(number)
        if operation is not None and call.cancels:
            operation.cancel()
        # The answer may have come in the same breath; see `_call.result`, and the trace is kept by the task.
        del future
        clear_frames(error.__traceback__)
        raise
