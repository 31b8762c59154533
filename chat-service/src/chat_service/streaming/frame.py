"""Frames as the engine makes them: encoded, and of text that can be stored."""

from collections.abc import Mapping
from typing import Any

import orjson

from chat_service.domain.frame import (
    DELTA,
    DONE,
    ERROR,
    REASONING,
    SNAPSHOT,
    START,
    TERMINAL,
    USAGE,
    Frame,
)

__all__ = [
    "DELTA",
    "DONE",
    "ERROR",
    "REASONING",
    "SNAPSHOT",
    "START",
    "TERMINAL",
    "USAGE",
    "Frame",
    "encode",
    "storable",
]


def encode(data: Mapping[str, Any]) -> bytes:
    """``data`` as a frame carries it. Every string in it must be storable."""
    # A copy of the right size: orjson's own bytes keep a buffer of several KiB alive, and a
    # window of frames would weigh a hundred times what it holds.
    return memoryview(orjson.dumps(data)).tobytes()


def storable(text: str) -> str:
    """``text`` as PostgreSQL and UTF-8 can hold it.

    U+0000 and lone surrogates become U+FFFD; halves that meet become the character they are.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
