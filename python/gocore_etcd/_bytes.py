"""Keys and values as users give them."""

from __future__ import annotations

from typing import TypeAlias

from ._errors import invalid

Key: TypeAlias = str | bytes
"""A key: text (as UTF-8) or bytes; absolute, nothing is prefixed."""

Value: TypeAlias = bytes | bytearray | memoryview
"""A value: bytes."""


def key_bytes(op: str, argument: str, key: Key) -> bytes:
    """Give the key's bytes."""
    if isinstance(key, bytes):
        return key
    if not isinstance(key, str):
        raise TypeError(f"{argument} must be str or bytes, not {type(key).__name__}")
    try:
        return key.encode()
    except UnicodeEncodeError as error:
        raise invalid(op, argument, f"is no text: {error.reason}") from error


def value_bytes(argument: str, value: Value) -> bytes:
    """Give the value's bytes."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, bytearray | memoryview):
        raise TypeError(f"{argument} must be bytes, not {type(value).__name__}; encode text first")
    return bytes(value)


def text(op: str, argument: str, value: str) -> str:
    """Check a name: text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be str, not {type(value).__name__}")
    key_bytes(op, argument, value)
    return value
