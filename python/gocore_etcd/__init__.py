"""etcd for programs that run in production: blocking here, for asyncio in :mod:`gocore_etcd.aio`.

    with Client("127.0.0.1:2379") as client:
        with client.lock("jobs/cleanup", ttl=10) as lock:
            ...  # the work; lock.is_held() and lock.wait_lost() tell when to stop

Every error is an :class:`EtcdError`. Times are seconds or timedeltas; for a ``timeout``, None is no limit, 0 a single
try, and absent the call's own default.
"""

from ._bytes import Key, Value
from ._config import Pem, TlsConfig
from ._errors import (
    AlreadyExistsError,
    ClosedError,
    CompactedError,
    ConflictError,
    DeadlineExceededError,
    ErrorKind,
    EtcdError,
    InternalError,
    InvalidArgumentError,
    LostError,
    MalformedError,
    NotAcquiredError,
    NotFoundError,
    OperationCancelledError,
    PermissionDeniedError,
    ReadOnlyError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
    WrongContextError,
)
from ._handlers import Subscription
from ._native import VERSION as __version__  # noqa: N811
from ._native import Guard
from ._time import DEFAULT, Default, Seconds, Timeout
from ._txn import Cmp, Compare, KeyValue, Listing, Op, OpResult, Order, Range, TxnResult
from ._updates import Change, Changes, Connected, Delete, Put, Snapshot, WatchUpdate
from .client import Client
from .kv import Kv
from .lock import Lock
from .watch import Watch

__all__ = [
    "DEFAULT",
    "AlreadyExistsError",
    "Change",
    "Changes",
    "Client",
    "ClosedError",
    "Cmp",
    "CompactedError",
    "Compare",
    "ConflictError",
    "Connected",
    "DeadlineExceededError",
    "Default",
    "Delete",
    "ErrorKind",
    "EtcdError",
    "Guard",
    "InternalError",
    "InvalidArgumentError",
    "Key",
    "KeyValue",
    "Kv",
    "Listing",
    "Lock",
    "LostError",
    "MalformedError",
    "NotAcquiredError",
    "NotFoundError",
    "Op",
    "OpResult",
    "OperationCancelledError",
    "Order",
    "Pem",
    "PermissionDeniedError",
    "Put",
    "Range",
    "ReadOnlyError",
    "ResourceExhaustedError",
    "Seconds",
    "Snapshot",
    "Subscription",
    "Timeout",
    "TlsConfig",
    "TxnResult",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "Value",
    "Watch",
    "WatchUpdate",
    "WrongContextError",
    "__version__",
]
