"""What the library has to say, in the loggers ``gocore_etcd.transport``, ``gocore_etcd.session`` and so on.

Connected, an endpoint left and returned, a retry, a session suspect or lost, a watch resumed. Never a secret. Handlers
of logging run on a daemon thread of their own; what they do delays nothing but the log, which then drops its oldest
records and says how many.
"""

from __future__ import annotations

import logging
import threading

from ._native import Log

logger = logging.getLogger("gocore_etcd")


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
                logger.warning("%d records of the log were dropped: its handlers are too slow", dropped)
            for level, target, text in lines:
                name = ".".join(["gocore_etcd", *target.split("::")[1:]])
                logging.getLogger(name).log(level, "%s", text)


def start() -> Reader:
    """Begin, once a process."""
    return Reader()
