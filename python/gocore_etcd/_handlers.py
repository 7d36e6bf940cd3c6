"""Handlers: functions of the user that are called when something happens, and the threads and loops they run in.

A slow handler delays its own subscription and nothing else; what it raises is logged, and the subscription goes on.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

from . import _dispatch
from ._call import in_loop, result
from ._errors import ClosedError, EtcdError
from ._events import NOTHING, Source
from ._log import say
from ._native import Answer

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

    from ._call import Call
    from ._native import Operation

Job: TypeAlias = Callable[[], None]

LINGER: Final = 10.0
"""How long an idle thread waits for another job, in seconds."""

AWHILE: Final = 50_000_000
"""How long a handler's thread expects the next event before it goes back to the pool, in nanoseconds: while it does the
event reaches it without the dispatcher."""

MOST_LINGER: Final = 4
"""So many threads do that at once: each is one more than the pool needs."""

IN_A_ROW: Final = 16
"""So many events are handled in a loop before everything else there has its turn."""

E = TypeVar("E")


class Pool:
    """Daemon threads, started when a job finds none idle: a handler that takes long must not hold up another.

    One stays for good: what the system has no thread for is run by it, or by whichever is done first.
    """

    def __init__(self) -> None:
        # A signal's handler, which may subscribe, may have interrupted who holds it.
        self._lock = threading.RLock()
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        # How many threads wait for a job, less the jobs that wait for a thread.
        self._idle = 0
        self._lingering = 0
        self._is_open = False

    def open(self) -> None:
        """Have the thread that stays. Raises RuntimeError when the system has none to give."""
        with self._lock:
            if not self._is_open:
                self._start(None)
                self._is_open = True

    def submit(self, job: Job) -> None:
        """Run it soon; never waits for other jobs."""
        self._jobs.put(job)
        with self._lock:
            self._idle -= 1
            try:
                while self._idle < 0:
                    self._start(LINGER)
            except RuntimeError as error:
                if _dispatch.has_ended():
                    say(logging.DEBUG, "a handler was not run: the program is ending")
                else:
                    say(logging.ERROR, "a handler must wait until another has ended: %s", error)

    def linger(self, source: Source[Any]) -> bool:
        """Expect the next event of this source for a while, on a thread of the pool; whether there may be one."""
        with self._lock:
            # Who waits for a thread comes first.
            if self._lingering >= MOST_LINGER or self._idle < 0:
                return False
            self._lingering += 1
        try:
            return source.linger(AWHILE)
        finally:
            with self._lock:
                self._lingering -= 1

    def _start(self, linger: float | None) -> None:
        threading.Thread(target=self._work, args=[linger], name="gocore-etcd-handler", daemon=True).start()
        self._idle += 1

    def _work(self, linger: float | None) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=linger)
            except Empty:
                with self._lock:
                    if self._idle > 0:
                        self._idle -= 1
                        return
                # A job was meant for us in this very moment: it is in the queue.
                job = self._jobs.get()
            job()
            del job
            with self._lock:
                self._idle += 1


class Once(Source[E]):
    """A single event: the result of a call."""

    def __init__(self, call: Call[E]) -> None:
        self._op = call.op
        self._finish = call.finish
        # Not kept beyond the start: it refers to what may be given back by letting it go.
        self._call: Call[E] | None = call
        self._process = _dispatch.process()
        self._waiter: _dispatch.Waiter | None = None
        self._answer: Answer | None = None
        self._number = 0
        self._operation: Operation | None = None

    def pop(self) -> E:
        """Give the event, once the waiter was told."""
        answer, self._answer = self._answer, None
        if answer is None:
            raise ClosedError(f"{self._op}: closed: nothing follows", op=self._op)
        return result(self._finish, answer)

    def fill(self) -> bool:
        """There is nothing to take."""
        return False

    def linger(self, _nanos: int) -> bool:
        """Nothing follows that would be worth it."""
        return False

    def wait(self, waiter: _dispatch.Waiter) -> None:
        """Start the call."""
        call, self._call = self._call, None
        if call is None:
            raise ClosedError(f"{self._op}: closed: nothing follows", op=self._op)
        self._waiter = waiter
        self._number = _dispatch.enter(self._op, self)
        try:
            # Kept: an operation that nobody refers to is cancelled.
            self._operation = call.start(self._number)
        except BaseException:
            _dispatch.leave(self._number)
            raise

    def complete(self, answer: Answer, batch: _dispatch.Batch) -> None:
        """Keep the answer and tell the waiter; on the dispatcher's thread."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._answer = answer
            waiter.complete(answer, batch)

    def close(self) -> None:
        """End the call. In a forked child it is the parent's."""
        if self._process is _dispatch.process():
            _dispatch.leave(self._number)
            self._waiter = self._operation = None


class Subscription:
    """A handler that is called for what happens. Letting it go changes nothing; :meth:`cancel` ends it."""

    def __init__(self, source: Source[E], handler: Callable[[E], object], run: Run) -> None:
        if not callable(handler):
            raise TypeError(f"handler must be callable, not {type(handler).__name__}")
        self._source: Source[Any] = source
        self._handler: Callable[[Any], object] = handler
        self._run = run
        self._cancelled = False

    def cancel(self) -> None:
        """End it: no call of the handler starts after this returns; one that runs may finish. Never waits for it."""
        self._cancelled = True
        _waiting.discard(self)
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def begin(self) -> Self:
        """Have the handler called from now on."""
        try:
            if self._run is in_thread:
                _pool.open()
            self._wait()
        except BaseException:  # a signal's, for instance: nobody will have it to cancel it
            self.cancel()
            raise
        return self

    def complete(self, answer: Answer, batch: _dispatch.Batch) -> None:
        """Have the handler run; on the dispatcher's thread."""
        _waiting.discard(self)
        if not self._cancelled:
            self._run(self, answer, batch)

    def drain(self) -> None:
        """Call the handler for all there is; on a thread of the pool."""
        while (event := self._next(_pool.linger)) is not NOTHING:
            try:
                self._handler(event)
            except BaseException:  # noqa: BLE001
                # SystemExit too: a handler's thread is not the program.
                say(logging.ERROR, "a handler raised", trace=True)

    async def drain_in_loop(self) -> None:
        """Call the handler for all there is, and await it before the next where it is ``async def``."""
        import asyncio  # noqa: PLC0415 - only who awaits needs it

        done = 0
        try:
            while (event := self._next(_never)) is not NOTHING:
                await self._handle_in_loop(event)
                done += 1
                if done % IN_A_ROW == 0:
                    await asyncio.sleep(0)
        except BaseException:
            # The loop is ending, and with it this.
            self.cancel()
            raise

    async def _handle_in_loop(self, event: object) -> None:
        import asyncio  # noqa: PLC0415

        try:
            result = self._handler(event)
            if inspect.isawaitable(result):
                await result
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            say(logging.ERROR, "a handler was cancelled", trace=True)
        except Exception:  # noqa: BLE001
            say(logging.ERROR, "a handler raised", trace=True)

    def _next(self, linger: Callable[[Source[Any]], bool]) -> Any:
        """Give the next event; NOTHING when there is none: then this is told of the next, or all is over."""
        while not self._cancelled:
            try:
                event = self._source.pop()
            except ClosedError:
                break
            except EtcdError as error:
                say(logging.WARNING, "told in place of an event: %s", error)
                continue
            except Exception:  # noqa: BLE001
                say(logging.ERROR, "an event could not be given to its handler", trace=True)
                continue
            if event is not NOTHING:
                return event
            try:
                if not self._source.fill() and not linger(self._source):
                    self._wait()
                    return NOTHING
            except EtcdError:
                break
        self.cancel()
        return NOTHING

    def _wait(self) -> None:
        # Nobody else may refer to it.
        _waiting.add(self)
        try:
            self._source.wait(self)
        except BaseException:
            _waiting.discard(self)
            raise


def _never(_source: Source[Any]) -> bool:
    """Not in a loop, where others have their turn."""
    return False


Run: TypeAlias = Callable[[Subscription, Answer, _dispatch.Batch], None]
"""Has a subscription drained; called on the dispatcher's thread, so it neither waits nor raises."""

_pool = Pool()
_waiting: set[Subscription] = set()


def _begin_anew() -> None:
    global _pool, _waiting
    _pool, _waiting = Pool(), set()


_dispatch.after_fork(_begin_anew)


def in_thread(subscription: Subscription, _answer: Answer, _batch: _dispatch.Batch) -> None:
    """Run the handler in a thread of the pool."""
    _pool.submit(subscription.drain)


class InLoop:
    """Runs a handler, plain or ``async def``, in an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None

    def __call__(self, subscription: Subscription, answer: Answer, batch: _dispatch.Batch) -> None:
        # In a loop that is closed nothing runs any more, and the subscription goes with its last reference.
        in_loop(self._loop, batch, lambda _: self._begin(subscription), answer)

    def _begin(self, subscription: Subscription) -> None:
        self._task = self._loop.create_task(subscription.drain_in_loop())
