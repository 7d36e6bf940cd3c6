"""What the library has to say, in the loggers ``gocore_etcd.transport``, ``gocore_etcd.session`` and so on.

Connected, an endpoint left and returned, a retry, a session suspect or lost, a watch resumed. Never a secret. Handlers
of logging run on a daemon thread of their own; what they do delays nothing but the log, which then drops its oldest
records and says how many.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Final

from ._native import Log

NAME: Final = "gocore_etcd"


def say(level: int, text: str, *args: object, name: str = NAME, trace: bool = False) -> None:
    """Log it. What the application's filters and handlers raise is not passed on: it would end who has to go on."""
    with suppress(Exception):
        logging.getLogger(name).log(level, text, *args, exc_info=trace, stacklevel=2)


class Reader:
    """The thread that takes the records of the library."""

    def __init__(self) -> None:
        self._log = Log()
        self._thread = threading.Thread(target=self._run, name="gocore-etcd-log", daemon=True)
        self._thread.start()

    def stop(self, limit: float) -> None:
        """Pass on what there is, and end within that many seconds."""
        self._log.close()
        self._thread.join(limit)

    def _run(self) -> None:
        while (taken := self._log.take()) is not None:
            lines, dropped = taken
            if dropped:
                say(logging.WARNING, "%d records of the log were dropped: its handlers are too slow", dropped)
            for level, target, text in lines:
                say(level, "%s", text, name=".".join([NAME, *target.split("::")[1:]]))


def start() -> Reader:
    """Begin, once a process."""
    return Reader()
