"""What the benchmark's players in Python share: how they are told what to do, and how they answer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"/bench/key"


def prefix(number: int) -> str:
    """Say where the events of a watch are."""
    return f"/bench/events/{number}/"


def orders() -> Iterator[tuple[str, int]]:
    """Yield what is to be done, with its number."""
    while line := sys.stdin.readline():
        what, _, number = line.strip().partition(" ")
        yield what, int(number or 0)


def answer(took: list[int]) -> None:
    """Say what was measured, in nanoseconds."""
    print(json.dumps(took), flush=True)
