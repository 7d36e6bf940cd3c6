"""etcd for programs that run in production: blocking here, for asyncio in :mod:`gocore_etcd.aio`.

    with Client("127.0.0.1:2379") as client:
        with client.lock("jobs/cleanup", ttl=10) as lock:
            ...  # the work; lock.is_held() and lock.wait_lost() tell when to stop
        with client.campaign("scheduler", "10.0.0.7:8080") as leadership:
            ...  # the leader's work; leadership.is_leader() and leadership.wait_lost() tell when to stop

Every error is an :class:`EtcdError`. Times are seconds or timedeltas; for a ``timeout``, None is no limit, 0 a single
try, and absent the call's own default.
"""

from ._bytes import Key, Value
from ._config import Pem, TlsConfig
from ._election import AGAIN, Again, CandidacyState, Leader, Leading, Lost, Resigned, Waiting
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
from ._native import Changes, Connected, Delete, Guard, KeyValue, Put, Snapshot
from ._time import DEFAULT, Default, Seconds, Timeout
from ._txn import Cmp, Compare, Listing, Op, OpResult, Order, Range, TxnResult
from ._updates import Change, WatchUpdate
from .candidacy import Candidacy
from .client import Client
from .election import Leadership
from .kv import Kv
from .lock import Lock
from .watch import Watch

__all__ = [
    "AGAIN",
    "DEFAULT",
    "Again",
    "AlreadyExistsError",
    "Candidacy",
    "CandidacyState",
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
    "Leader",
    "Leadership",
    "Leading",
    "Listing",
    "Lock",
    "Lost",
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
    "Resigned",
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
    "Waiting",
    "Watch",
    "WatchUpdate",
    "WrongContextError",
    "__version__",
]
