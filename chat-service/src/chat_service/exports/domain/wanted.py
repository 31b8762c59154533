"""What is to be exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.errors import AppError, Kind


class Format(StrEnum):
    """What kind of file it is."""

    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conversations to be exported: one, or all of a user's that are neither deleted nor temporary.

    Of all: those last active from `active_from` on and before `active_before`, changed since `since`,
    behind the one with the id `after`. With `personas` the user's own personas come behind them.
    `began`: what the export that goes on `after` told at its beginning. With `files` what is attached to
    messages is told. `look`: nobody is given more than its beginning.
    """

    format: Format
    session_id: UUID | None = None
    active_from: datetime | None = None
    active_before: datetime | None = None
    since: datetime | None = None
    after: UUID | None = None
    personas: bool = False
    began: datetime | None = None
    files: bool = False
    look: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """How an export begins. `since`: what changes from then on is of the next one; None: all is."""

    since: datetime | None


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """What a message refers to, under the name that it has there; `gone`: its content is not there."""

    id: UUID
    name: str
    size: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Files:
    """What is attached to messages of the file before it, in their order."""

    items: Sequence[AttachedFile]


@dataclass(frozen=True, slots=True)
class End:
    """How an export has ended; `since` as at its beginning."""

    conversations: int
    messages: int
    personas: int | None
    since: datetime | None


class TooManyExports(AppError):
    """As many are under way for the user as may be."""

    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_EXPORTS"
    detail = "As many exports are under way for you as may be; wait for one of them."

    def __init__(self) -> None:
        super().__init__(retry_after=10)
