"""What an asyncio call gives whose result can be awaited or entered."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from types import TracebackType


class Entered(Protocol):
    """What can be entered."""

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


T = TypeVar("T", bound=Entered)


class Pending(Generic[T]):
    """A call that begins when it is awaited, or entered with ``async with``; once."""

    __slots__ = ("_begin", "_held", "_what")

    def __init__(self, what: str, begin: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._what = what
        self._begin: Callable[[], Coroutine[Any, Any, T]] | None = begin
        self._held: T | None = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._once().__await__()

    async def __aenter__(self) -> T:
        held = await self._once()
        await held.__aenter__()
        self._held = held
        return held

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, self._held = self._held, None
        if held is not None:
            await held.__aexit__(kind, error, trace)

    def __del__(self) -> None:
        if self._begin is not None:
            warnings.warn(f"{self._what} was never awaited or entered", RuntimeWarning, source=self, stacklevel=2)

    def _once(self) -> Coroutine[Any, Any, T]:
        begin, self._begin = self._begin, None
        if begin is None:
            raise RuntimeError(f"{self._what} was awaited or entered already")
        return begin()
