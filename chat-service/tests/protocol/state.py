"""One moment of one run: its owner, those who take over, both servers, and who reads elsewhere.

A frame is a number: its kind in the upper bits, its place in the run in the lower four. Text needs
no words: frame 3 carries piece 3, a snapshot under number 3 the pieces 1 to 3. A set of pieces is
a number too, one bit for each.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .world import Faults

DELTA, SNAPSHOT, DONE, INTERRUPTED, MARK = (kind << 4 for kind in range(5))
#: How a run stands in PostgreSQL, or as its terminal frame says.
RUNNING = 0
#: An entry of the log is the writer's epoch, and a frame.
EPOCH = 1 << 8

Frames = tuple[int, ...]


def place(frame: int) -> int:
    return frame & 15


def kind(frame: int) -> int:
    return frame & 0x70


def is_terminal(frame: int) -> bool:
    return kind(frame) in {DONE, INTERRUPTED}


def pieces(count: int) -> int:
    """The pieces 1 to ``count``."""
    return (1 << count) - 1


def connected(frames: Iterable[int], after: int) -> Frames:
    """As ``answer.domain.frame.connected``."""
    following: list[int] = []
    for frame in frames:
        if place(frame) <= after:
            continue
        if place(frame) != after + 1 and kind(frame) != SNAPSHOT:
            break
        following.append(frame)
        after = place(frame)
    return tuple(following)


def merged(one: Frames, other: Frames) -> Frames:
    """As ``answer.domain.frame.merged``."""
    frames = {place(frame): frame for frame in one}
    for frame in other:
        if place(frame) not in frames or kind(frame) == SNAPSHOT:
            frames[place(frame)] = frame
    return tuple(frames[number] for number in sorted(frames))


def text_of(frames: Sequence[int]) -> int:
    """The pieces that these frames tell, as ``replay`` reads them."""
    text = 0
    for frame in frames:
        if kind(frame) == DELTA:
            text |= 1 << place(frame) - 1
        elif kind(frame) == SNAPSHOT:
            text = pieces(place(frame))
    return text


class Owner(NamedTuple):
    """The first owner: its live run (``LiveRun``), its writer, and its save."""

    #: up, frozen, killed; dropped: the run is not its own any more.
    life: str = "up"
    made: int = 0
    #: The number of the terminal frame, once there is one.
    end: int = 0
    #: "", then saving; told: the end is told before it is saved; saved, refused.
    save: str = ""
    #: What the save came to, on its way back: yes or no.
    commit: str = ""
    shown: int = 0
    unacknowledged: Frames = ()
    in_fallback: bool = False
    fallback_from: int = 0
    fallback_to: int = 0
    #: The circuit before Redis.
    open: bool = False
    #: The call of the flush that is out: append, fallback, release, repair, read; with its frames.
    doing: str = ""
    taken: Frames = ()
    #: Where the log ends, as GAP said.
    gap: int = 0
    #: What the call came to, on its way back.
    reply: tuple[str, int] | None = None
    #: Whether it shows on although its rows were not released (if that is assumed not to matter).
    unreleased: bool = False
    #: Whether that word was given after a later owner had saved.
    stale: bool = False

    @property
    def has_ended(self) -> bool:
        """Its readers were shown the end."""
        return bool(self.end) and self.shown == self.end


class Redis(NamedTuple):
    up: bool = True
    log: Frames = ()

    @property
    def last(self) -> int:
        return place(self.log[-1]) if self.log else 0

    @property
    def frames(self) -> Frames:
        return tuple(entry & 0x7F for entry in self.log if kind(entry) != MARK)


class Postgres(NamedTuple):
    #: Whether the first owner reaches it.
    near: bool = True
    epoch: int = 1
    #: RUNNING, DONE or INTERRUPTED.
    status: int = RUNNING
    answer: int = 0
    saves: int = 0
    rows: Frames = ()


class Taker(NamedTuple):
    """Whoever took the run over under ``epoch``."""

    epoch: int
    #: Its next step: mark, log, rows, blind, save, tell, delete; gone.
    step: str = "mark"
    logged: Frames = ()
    frames: Frames = ()
    #: Its terminal frame was told before the save.
    told: bool = False


class State(NamedTuple):
    faults: Faults
    owner: Owner = Owner()
    redis: Redis = Redis()
    postgres: Postgres = Postgres()
    takers: tuple[Taker, ...] = ()
    #: A call that its caller gave up, and that may still be carried out; commit: an append to the fallback log that has
    #: the run's row.
    late: tuple[str, Frames] | None = None
    #: What a reader elsewhere has seen: all up to a number, and the end it was told.
    seen: int = 0
    told: int = RUNNING
    #: Whether a taker, its rule broken, took the rows for the whole run.
    blind: bool = False
    #: A promise that was broken by the last step.
    flaw: str = ""


class Move(NamedTuple):
    """A step, whether it is a fault, and where it leads."""

    name: str
    fault: bool
    state: State
