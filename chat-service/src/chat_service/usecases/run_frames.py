"""What streaming needs of the database while Redis is away: a second place for frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from chat_service.domain.frame import Frame


class Standing(Enum):
    """What a run is to whoever claims to own it under an epoch."""

    OURS = "ours"
    #: Somebody has its row just now; nothing was done, ask again.
    BUSY = "busy"
    #: It has ended under that very epoch.
    ENDED = "ended"
    #: A later owner has it, or it is gone.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Spill:
    """Frames in order of a run that `epoch` claims to own."""

    run_id: UUID
    epoch: int
    frames: Sequence[Frame]


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that `epoch` claims to own; its frames up to number `upto` are in the log again."""

    run_id: UUID
    epoch: int
    upto: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """Whether a run has not ended, and what frames of it are here."""

    running: bool
    frames: Sequence[Frame]


class RunFrames(Protocol):
    """The frames that Redis could not take, kept by a background role: all runs are in sight.

    What needs ownership is decided under a lock of the run's row, so that a later owner, who
    raises the epoch first, sees everything that was taken before.
    """

    async def append(self, spills: Sequence[Spill]) -> list[Standing]:
        """Keep the frames of each run that is OURS; what is here already stays as it is.

        A snapshot takes the place of what its number had. One transaction.
        """

    async def release(self, claims: Sequence[Claim]) -> list[Standing]:
        """Forget frames up to `upto` of each run that is OURS; what each claim is worth."""

    async def read(self, run_id: UUID, after: int) -> list[Frame]:
        """The frames of a run behind number `after`, in order."""

    async def look(self, cursors: Mapping[UUID, int]) -> Mapping[UUID, Look]:
        """Each run that exists, with its frames behind the number that goes with it."""

    async def sweep(self) -> None:
        """Forget the frames of runs that have ended: their answers are saved."""
