"""An import as its user sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.errors import AppError, Kind, Unavailable
from chat_service.imports.domain.waiting import Awaited


class ImportState(StrEnum):
    """Where an import stands; the last three are final."""

    #: Its file is coming.
    UPLOADING = "uploading"
    #: Its file is there, and nobody reads it just now.
    WAITING = "waiting"
    READING = "reading"
    COMPLETED = "completed"
    #: What was taken of it by then stays.
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Problem:
    """A conversation that was not taken, and why, in upper snake case."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was taken, and what not and why.

    Of conversations some were `added`, some `existing` already, and some `skipped`, of which `problems` are
    the first. `left_out`: parts of those that were taken, how many by reason. `already_there`: what else was here
    already, how many by what it is.
    """

    added: int = 0
    existing: int = 0
    skipped: int = 0
    messages: int = 0
    personas: int = 0
    notes: int = 0
    files: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    already_there: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """`size`: bytes of the file, or that are set aside for it while it is coming.

    `done` is how much of it has been read, from 0 to 1; `reason` why it failed, or FILE_CHANGED of one that
    has been completed: it was read to its end, and is not what was written. `waits_for`: who was away when it was
    last read, while it is WAITING for that.
    """

    id: UUID
    name: str
    state: ImportState
    size: int
    format: str | None
    done: float
    report: Report
    reason: str | None
    created_at: datetime
    ended_at: datetime | None
    waits_for: Awaited | None = None


class ImportNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "IMPORT_NOT_FOUND"
    detail = "There is no such import."


class TooManyImports(AppError):
    """As many are under way for the user as may be."""

    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_IMPORTS"
    detail = "As many imports are under way for you as may be; wait for one of them, or cancel it."

    def __init__(self) -> None:
        super().__init__(retry_after=10)


class ImportsQuotaUsedUp(AppError):
    """Both numbers are bytes of the user's imports that have not been read yet."""

    kind = Kind.EXHAUSTED
    reason = "IMPORTS_QUOTA_USED_UP"
    detail = (
        "Your other imports hold too much for it; wait until they have been read, or cancel one."
    )

    def __init__(self, *, used: int, allowed: int) -> None:
        super().__init__(retry_after=10, metadata={"used": str(used), "allowed": str(allowed)})


class ImportsFull(Unavailable):
    """Everybody's imports hold as much as may be."""

    reason = "IMPORTS_FULL"
    detail = "Too much waits to be imported here just now; send the file again later."

    def __init__(self) -> None:
        super().__init__(retry_after=60)


class ImportTooLarge(AppError):
    """The gateway's 413; `maximum` is in bytes."""

    kind = Kind.INVALID
    reason = "FILE_TOO_LARGE"
    detail = "The file is larger than files to be imported may be here."

    def __init__(self, maximum: int) -> None:
        super().__init__(metadata={"maximum": str(maximum)})


class ImportIncomplete(AppError):
    kind = Kind.INVALID
    reason = "FILE_INCOMPLETE"
    detail = "The file ended before it was whole; send it again."
