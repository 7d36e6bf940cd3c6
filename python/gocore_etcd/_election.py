"""The plain values of elections. The same in asyncio."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Leader:
    """A leader, as anyone sees it."""

    identity: str
    """What it has proclaimed last, at first the identity it campaigned with."""
    token: int
    """Its fencing token, higher than that of every leader before, until the cluster is restored from a backup."""
    revision: int
    """The revision at which ``identity`` was written."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """On its way to leadership."""

    place: int | None
    """How many are before it: 1 when only the leader is; None as long as it has not queued.

    An upper bound: counted when it queues, then less one each time that the candidate right before it goes.
    """


@dataclass(frozen=True, slots=True)
class Leading:
    """It leads."""

    token: int
    """The fencing token."""


@dataclass(frozen=True, slots=True)
class Lost:
    """It had a place or the leadership, and has neither now; it queues again, at the end, as soon as it can.

    Its session died, because etcd could not be reached for a TTL, or somebody deleted its key.
    """


@dataclass(frozen=True, slots=True)
class Resigned:
    """It has ended: resigned, or its client was closed. Nothing comes after."""


CandidacyState: TypeAlias = Waiting | Leading | Lost | Resigned
"""How a candidacy stands."""


class Again(enum.Enum):
    """The type of :data:`AGAIN`."""

    AGAIN = "again"

    def __repr__(self) -> str:
        return "AGAIN"


AGAIN: Final = Again.AGAIN
"""What work that is run as leader returns in order to resign, let others lead, and campaign again."""

_STATES: Final[dict[str, type[CandidacyState]]] = {
    "waiting": Waiting,
    "leading": Leading,
    "lost": Lost,
    "resigned": Resigned,
}


def read_leader(answer: tuple[Any, ...] | None) -> Leader | None:
    """Make a leader, or that there is none, of what the native one is."""
    return None if answer is None else Leader(*answer)


def read_state(state: tuple[Any, ...]) -> CandidacyState:
    """Make the state of a candidacy of what the native one is."""
    name, *facts = state
    return _STATES[name](*facts)
