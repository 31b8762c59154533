"""One message of a conversation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chat_service.answer.domain.ending import Adapted, FellBack, RunStatus, Usage
from chat_service.answer.domain.going_on import can_go_on
from servicekit.generation_parameters import GenerationParameters


class Role(StrEnum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `order` is its place in the session, from 1, without gaps.

    All from `run_id` to `usage` and behind `created_at` is of answers alone: the run that made it,
    how that ended, and snapshots of what generated it. `finish_reason` is the provider's word for the
    end (one of FINISH_REASONS or ``other``), `reason` ours, if it is not completed. `fell_back`:
    another connection was asked first. `adapted`: what of `parameters` its server did not take so.
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
    finish_reason: str | None = None
    reason: str | None = None
    parameters: GenerationParameters | None = None
    adapted: tuple[Adapted, ...] = ()

    @property
    def can_continue(self) -> bool:
        """Whether its text could go on, for as long as it is the newest of its conversation."""
        return self.status is not None and can_go_on(self.status, self.finish_reason, self.content)

    @property
    def bytes(self) -> int:
        """Of its text, thinking included, in UTF-8."""
        return len(self.content.encode()) + len((self.reasoning or "").encode())
