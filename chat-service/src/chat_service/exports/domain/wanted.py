"""What is to be exported."""

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
    """

    format: Format
    session_id: UUID | None = None
    active_from: datetime | None = None
    active_before: datetime | None = None
    since: datetime | None = None
    after: UUID | None = None
    personas: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """How an export has ended. `since`: what changes from then on is of the next one."""

    conversations: int
    messages: int
    personas: int | None
    since: datetime


class TooManyExports(AppError):
    """As many are under way for the user as may be."""

    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_EXPORTS"
    detail = "As many exports are under way for you as may be; wait for one of them."

    def __init__(self) -> None:
        super().__init__(retry_after=10)
