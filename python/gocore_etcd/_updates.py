"""What a watch on keys tells. The same in asyncio."""

from __future__ import annotations

from typing import TypeAlias

from ._native import Changes, Connected, Delete, Put, Snapshot

Change: TypeAlias = Put | Delete
"""One change of a key."""

WatchUpdate: TypeAlias = Snapshot | Changes | Connected
"""What a watch on keys yields."""
