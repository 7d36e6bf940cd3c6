"""etcd for asyncio: the classes and methods of :mod:`gocore_etcd`, with the same parameters, to be awaited.

    async with Client("127.0.0.1:2379") as client:
        async with client.lock("jobs/cleanup", ttl=10) as lock:
            ...  # the work

:class:`Client`, :meth:`Client.lock` and :meth:`Client.campaign` give objects that are awaited or entered. Cancelling a
task that waits raises ``asyncio.CancelledError`` there and leaves nothing behind in etcd. A client belongs to no event
loop: it may be used from many, one after another or in several threads. A loop must be able to watch a file descriptor
(``add_reader``), as asyncio's on Unix and uvloop's can. Values and errors are those of
:mod:`gocore_etcd`.
"""

from .candidacy import Candidacy
from .client import Client
from .election import Leadership
from .kv import Kv
from .lock import Lock
from .watch import Watch

__all__ = ["Candidacy", "Client", "Kv", "Leadership", "Lock", "Watch"]
