"""A frame: one numbered event of a run, its data already encoded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    """`seq` counts 1, 2, 3 … within the run; `data` is one line of UTF-8 JSON.

    A snapshot stands for everything before it, so numbers may be missing in front of one.
    """

    seq: int
    event: str
    data: bytes

    @property
    def is_terminal(self) -> bool:
        return self.event in TERMINAL


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


def merged(one: Sequence[Frame], other: Sequence[Frame]) -> list[Frame]:
    """The frames of both by their numbers; where both have one, a snapshot wins."""
    frames = {frame.seq: frame for frame in one}
    for frame in other:
        if frame.seq not in frames or frame.event == SNAPSHOT:
            frames[frame.seq] = frame
    return [frames[seq] for seq in sorted(frames)]
