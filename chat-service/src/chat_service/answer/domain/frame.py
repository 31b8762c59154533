"""A frame: one numbered event of a run, its data already encoded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

START: Final = "start"
DELTA: Final = "delta"
REASONING: Final = "reasoning"
USAGE: Final = "usage"
SNAPSHOT: Final = "snapshot"
FALLBACK: Final = "fallback"
ADAPTED: Final = "adapted"
CACHE: Final = "cache"
DONE: Final = "done"
ERROR: Final = "error"

TERMINAL: Final = frozenset({DONE, ERROR})


@dataclass(frozen=True, slots=True)
class Frame:
    """`seq` counts 1, 2, 3 … within the run; `data` is one line of UTF-8 JSON.

    A snapshot stands for everything before it, so numbers may be missing in front of one.
    """

    seq: int
    event: str
    data: bytes

    @property
    def is_terminal(self) -> bool:
        return self.event in TERMINAL


def encode(data: Mapping[str, Any]) -> bytes:
    """`data` as a frame carries it. Every string in it must be storable."""
    # A copy of the right size: orjson's own bytes keep a buffer of several KiB alive, and a
    # window of frames would weigh a hundred times what it holds.
    return memoryview(orjson.dumps(data)).tobytes()


def storable(text: str) -> str:
    """`text` as PostgreSQL and UTF-8 can hold it.

    U+0000 and lone surrogates become U+FFFD; halves that meet become the character they are.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def connected(frames: Iterable[Frame], after: int) -> list[Frame]:
    """Those of `frames`, in order, that follow number `after` without a hole."""
    following: list[Frame] = []
    for frame in frames:
        if frame.seq <= after:
            continue
        if frame.seq != after + 1 and frame.event != SNAPSHOT:
            break
        following.append(frame)
        after = frame.seq
    return following


def first_of(frames: Sequence[Frame], most_bytes: int) -> Sequence[Frame]:
    """Those `frames` at the beginning that have so many bytes of data together; one at least."""
    if len(frames) < 2:
        return frames
    left = most_bytes
    for at, frame in enumerate(frames):
        left -= len(frame.data)
        if left < 0:
            return frames[: at or 1]
    return frames


def merged(one: Sequence[Frame], other: Sequence[Frame]) -> list[Frame]:
    """The frames of both by their numbers; where both have one, a snapshot wins."""
    frames = {frame.seq: frame for frame in one}
    for frame in other:
        if frame.seq not in frames or frame.event == SNAPSHOT:
            frames[frame.seq] = frame
    return [frames[seq] for seq in sorted(frames)]
