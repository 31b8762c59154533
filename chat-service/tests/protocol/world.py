"""What one exploration is about: its bounds, what it assumes of the world, and broken rules."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Faults(NamedTuple):
    """How often each thing may go wrong, and how many of them in all."""

    total: int
    #: Redis goes away.
    outages: int = 0
    #: Redis, while it is away, loses its newest entry or all of them.
    losses: int = 0
    #: The owner, or a taker, stands still for longer than it takes to be thought dead.
    freezes: int = 0
    #: The owner, or a taker, is killed.
    kills: int = 0
    #: The owner does not reach PostgreSQL.
    cuts: int = 0
    #: A call to a server that is there fails or times out, carried out or not, or later.
    lost: int = 0
    #: A log is given up ten minutes after the end of its run, while its first owner stands still.
    expiries: int = 0

    def spend(self, kind: str) -> "Faults | None":
        """What is left after one of that kind; None if that is one too many."""
        left = getattr(self, kind)
        if not left or not self.total:
            return None
        return self._replace(**{"total": self.total - 1, kind: left - 1})


@dataclass(frozen=True)
class World:
    """The protocol as it is, unless a rule is said to be broken; docs/decisions/0009."""

    faults: Faults
    #: Frames of text, how many of the shown ones the owner's memory holds, and takers at most.
    frames: int = 2
    window: int = 1
    takers: int = 1
    #: Whether a flush may carry a part of what there is.
    partial_flushes: bool = False
    #: Whether the model comes to an end; else the owner is to show all frames, and stays.
    ends: bool = True
    #: Whether anybody reads at another replica.
    reader_elsewhere: bool = True

    # Assumptions: what is left, in decision 0009.

    #: Redis loses nothing that it acknowledged, unless the owner lives to write it again.
    losses_are_repaired: bool = True
    #: The mark in a log outlives the owners that it is to keep out.
    marks_last: bool = True

    # What is not assumed any more, but was while a taker did without Redis ("waits_for_redis").

    #: PostgreSQL answers an owner whose run was ended while there is no mark in its log.
    claims_are_answered: bool = False
    #: Nobody reads a run without Redis while its owner, that could not release its rows, is ahead.
    rows_are_released: bool = False
    #: Readers elsewhere do not see in the log what is ahead of rows that begin a run.
    readers_wait: bool = False
    #: A transaction with frames that its owner gave up has the run's row by then, or never comes.
    fallbacks_end: bool = False

    #: The rules that are broken on purpose, by name.
    broken: frozenset[str] = field(default=frozenset())
