"""etcd for asyncio: the classes and methods of :mod:`gocore_etcd`, with the same parameters, to be awaited.

    async with Client("127.0.0.1:2379") as client:
        async with client.lock("jobs/cleanup", ttl=10) as lock:
            ...  # the work

:class:`Client` and :meth:`Client.lock` give objects that are awaited or entered. Cancelling a task that waits raises
``asyncio.CancelledError`` there and leaves nothing behind in etcd. A client belongs to no event loop: it may be used
from many, one after another or in several threads. Values and errors are those of :mod:`gocore_etcd`.
"""

from .client import Client
from .kv import Kv
from .lock import Lock
from .watch import Watch

__all__ = ["Client", "Kv", "Lock", "Watch"]
