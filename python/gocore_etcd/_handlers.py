"""Handlers: functions of the user that are called when something happens, and the threads and loops they run in.

A slow handler delays its own subscription and nothing else; what it raises is logged, and the subscription goes on.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from . import _dispatch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from types import TracebackType

    from ._call import Call
    from ._native import Answer, Operation

logger = logging.getLogger("gocore_etcd")

Job: TypeAlias = Callable[[], None]

LINGER = 10.0
"""How long an idle thread waits for another job, in seconds."""


class Pool:
    """Daemon threads, started when a job finds none idle: a handler that takes long must not hold up another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._idle = 0

    def submit(self, job: Job) -> None:
        """Run it soon; never waits for other jobs."""
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._jobs.put(job)
                return
        try:
            threading.Thread(target=self._work, args=[job], name="gocore-etcd-handler", daemon=True).start()
        except RuntimeError:
            # The interpreter is ending: no handler runs any more.
            logger.debug("a handler was not run: the program is ending")

    def _work(self, job: Job | None) -> None:
        while job is not None:
            job()
            job = None
            with self._lock:
                self._idle += 1
            try:
                job = self._jobs.get(timeout=LINGER)
            except Empty:
                with self._lock:
                    # A job may have been meant for us in this very moment: then it is in the queue.
                    if self._idle:
                        self._idle -= 1
                        return
                job = self._jobs.get()


class Subscription:
    """A handler that will be called. Letting it go changes nothing; :meth:`cancel` ends it."""

    def __init__(self, handler: Callable[[], Any], run: Callable[[Subscription], None]) -> None:
        self._handler = handler
        self._run = run
        self._lock = threading.Lock()
        self._cancelled = False
        self._number = 0
        self._operation: Operation | None = None
        self.wanted: Callable[[], bool] = lambda: True

    def cancel(self) -> None:
        """End it: no call of the handler starts after this returns; one that runs may finish. Never waits for it."""
        with self._lock:
            self._cancelled = True
        _dispatch.leave(self._number)
        self._operation = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def begin(self, call: Call[None]) -> Self:
        """Have the handler called once, when the call has its answer."""
        self._number = _dispatch.enter(call.op, self)
        try:
            # Kept: an operation that nobody refers to is cancelled.
            self._operation = call.start(self._number)
        except BaseException:
            _dispatch.leave(self._number)
            raise
        return self

    def complete(self, _answer: Answer, _batch: _dispatch.Batch) -> None:
        """Have the handler run; on the dispatcher's thread."""
        self._run(self)

    def handle(self) -> Any:
        """Call the handler, unless it is not wanted any more; what it raises is logged."""
        with self._lock:
            if self._cancelled or not self.wanted():
                return None
        try:
            return self._handler()
        except BaseException:
            # SystemExit too: a handler's thread is not the program.
            logger.exception("a handler raised")
            return None


_pool = Pool()


def _begin_anew() -> None:
    global _pool  # noqa: PLW0603
    _pool = Pool()


_dispatch.after_fork(_begin_anew)


def in_thread(subscription: Subscription) -> None:
    """Run the handler in a thread of the pool."""
    _pool.submit(subscription.handle)


class InLoop:
    """Runs handlers, plain or ``async def``, in an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self, subscription: Subscription) -> None:
        try:
            self._loop.call_soon_threadsafe(self._handle, subscription)
        except RuntimeError:
            logger.debug("a handler was not run: its loop is closed")

    def _handle(self, subscription: Subscription) -> None:
        result = subscription.handle()
        if inspect.iscoroutine(result):
            task = self._loop.create_task(_logged(result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _logged(handler: Coroutine[Any, Any, Any]) -> None:
    try:
        await handler
    except Exception:
        logger.exception("a handler raised")
