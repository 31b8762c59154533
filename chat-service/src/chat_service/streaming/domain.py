"""What streaming says to the database, and hears from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from chat_service.answer.domain.frame import Frame
from chat_service.runs.domain.run import Run


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
class FallbackFrames:
    """Frames in order of a run that `epoch` claims to own, for the fallback log."""

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


@dataclass(frozen=True, slots=True)
class RunningRun:
    """A run that has not ended, and its owner's heartbeat; None: the owner is not registered."""

    run: Run
    heartbeat: int | None
