"""A frame: one numbered event of a run, its data already encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

START = "start"
DELTA = "delta"
REASONING = "reasoning"
USAGE = "usage"
SNAPSHOT = "snapshot"
DONE = "done"
ERROR = "error"

TERMINAL = frozenset({DONE, ERROR})


@dataclass(frozen=True, slots=True)
class Frame:
    """``seq`` counts 1, 2, 3 … within the run; ``data`` is one line of UTF-8 JSON."""

    seq: int
    event: str
    data: bytes

    @property
    def is_terminal(self) -> bool:
        return self.event in TERMINAL


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
