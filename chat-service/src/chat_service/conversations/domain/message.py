"""One message of a conversation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chat_service.answer.domain.ending import FellBack, RunStatus, Usage


class Role(StrEnum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `order` is its place in the session, from 1, without gaps.

    All from `run_id` to `usage` is of answers alone: the run that made it, how that ended, and
    snapshots of what generated it. So is `fell_back`: another connection was asked first.
    """

    id: UUID
    session_id: UUID
    role: Role
    content: str
    order: int
    run_id: UUID | None
    status: RunStatus | None
    provider: str | None
    model: str | None
    reasoning: str | None
    usage: Usage | None
    created_at: datetime
    fell_back: FellBack | None = None

    @property
    def bytes(self) -> int:
        """Of its text, thinking included, in UTF-8."""
        return len(self.content.encode()) + len((self.reasoning or "").encode())
