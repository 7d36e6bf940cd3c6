"""What can go wrong: one class a kind, each with one thing to do about it."""

from __future__ import annotations

import enum
from typing import Any, ClassVar


class ErrorKind(enum.IntEnum):
    """The kinds of errors; the numbers are those of the C library."""

    INVALID_ARGUMENT = 1
    NOT_FOUND = 2
    ALREADY_EXISTS = 3
    CONFLICT = 4
    NOT_ACQUIRED = 5
    LOST = 6
    COMPACTED = 7
    DEADLINE_EXCEEDED = 8
    CANCELLED = 9
    UNAVAILABLE = 10
    UNAUTHENTICATED = 11
    PERMISSION_DENIED = 12
    RESOURCE_EXHAUSTED = 13
    UNSUPPORTED = 14
    CLOSED = 15
    WRONG_CONTEXT = 16
    INTERNAL = 17
    MALFORMED = 18
    READ_ONLY = 19


class EtcdError(Exception):
    """The base of every error of this package.

    Its text names the operation and the key. Errors can be pickled.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL
    op: str
    """The operation that failed, such as ``lock.acquire``."""
    key: str | None
    """The key it was about, where there is one; bytes that are no text are escaped."""
    retryable: bool
    """Whether the same call can succeed later without anything being fixed."""
    maybe_applied: bool
    """Whether the request may have been, or may still be, applied although it failed. False means: it was not."""

    def __init__(
        self,
        message: str = "",
        /,
        *,
        op: str = "",
        key: str | None = None,
        retryable: bool = False,
        maybe_applied: bool = False,
    ) -> None:
        """Take the text, alone as in every exception, and the facts by name."""
        super().__init__(message)
        self.op = op
        self.key = key
        self.retryable = retryable
        self.maybe_applied = maybe_applied

    def __str__(self) -> str:
        # OSError, the base of some, would show its own idea of arguments.
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        # Attributes beyond the message (notes too) travel as the state.
        return type(self), self.args, self.__dict__


class InvalidArgumentError(EtcdError, ValueError):
    """An argument was wrong: fix the call. Nothing was sent."""

    kind = ErrorKind.INVALID_ARGUMENT


class NotFoundError(EtcdError, LookupError):
    """It is not there: treat it as absent."""

    kind = ErrorKind.NOT_FOUND


class AlreadyExistsError(EtcdError):
    """Somebody else has this id: choose another."""

    kind = ErrorKind.ALREADY_EXISTS


class ConflictError(EtcdError):
    """A compare failed: read again and redo."""

    kind = ErrorKind.CONFLICT


class NotAcquiredError(EtcdError):
    """Somebody else holds it."""

    kind = ErrorKind.NOT_ACQUIRED


class LostError(EtcdError):
    """The session, lock or leadership is gone: stop the work that depends on it now."""

    kind = ErrorKind.LOST


class CompactedError(EtcdError):
    """The history asked for was compacted: list again."""

    kind = ErrorKind.COMPACTED


class DeadlineExceededError(EtcdError, TimeoutError):
    """The time limit passed; ``maybe_applied`` says whether a write may have happened."""

    kind = ErrorKind.DEADLINE_EXCEEDED


class OperationCancelledError(EtcdError):
    """The call was given up by its owner; in asyncio that is ``asyncio.CancelledError``."""

    kind = ErrorKind.CANCELLED


class UnavailableError(EtcdError, ConnectionError):
    """No endpoint, or no quorum: try later."""

    kind = ErrorKind.UNAVAILABLE


class UnauthenticatedError(EtcdError):
    """User name, password or token were refused: fix the credentials."""

    kind = ErrorKind.UNAUTHENTICATED


class PermissionDeniedError(EtcdError, PermissionError):
    """The user may not do this: fix the rights."""

    kind = ErrorKind.PERMISSION_DENIED


class ResourceExhaustedError(EtcdError):
    """Too much: slow down, free space, or send less."""

    kind = ErrorKind.RESOURCE_EXHAUSTED


class UnsupportedError(EtcdError, NotImplementedError):
    """The server or this build cannot do it."""

    kind = ErrorKind.UNSUPPORTED


class ClosedError(EtcdError):
    """It was closed by its owner."""

    kind = ErrorKind.CLOSED


class WrongContextError(EtcdError, RuntimeError):
    """Misuse: a blocking call in a running event loop, use of a parent's client after a fork."""

    kind = ErrorKind.WRONG_CONTEXT


class InternalError(EtcdError):
    """A bug, or a panic that was caught: report it."""

    kind = ErrorKind.INTERNAL


class MalformedError(EtcdError, ValueError):
    """What lies in etcd or in a file cannot be read; the text names the key and the place."""

    kind = ErrorKind.MALFORMED


class ReadOnlyError(EtcdError):
    """The source takes no writes."""

    kind = ErrorKind.READ_ONLY


BY_KIND: dict[int, type[EtcdError]] = {error.kind: error for error in EtcdError.__subclasses__()}


def from_native(kind: int, message: str, op: str, key: str | None, retryable: bool, maybe_applied: bool) -> EtcdError:  # noqa: PLR0917
    """Make the exception for an error of the core."""
    error = BY_KIND.get(kind, InternalError)
    return error(message, op=op, key=key, retryable=retryable, maybe_applied=maybe_applied)


def invalid(op: str, argument: str, why: str) -> InvalidArgumentError:
    """Make the exception for an argument that is refused here, in the core's words."""
    return InvalidArgumentError(f"{op}: invalid argument: {argument}: {why}", op=op)
