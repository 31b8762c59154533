"""One message of a conversation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from chat_service.answer.domain.ending import Adapted, FellBack, RunStatus, Usage
from chat_service.answer.domain.going_on import can_go_on
from chat_service.files.domain.attachment import Attachment
from servicekit.generation_parameters import GenerationParameters


class Role(StrEnum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


#: Order numbers are integers of 32 bits, and the highest is never given out.
HIGHEST_ORDER: Final = 2**31 - 1

#: So many messages may follow the same one.
MOST_VARIANTS: Final = 100


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `order` is its place in the session, from 1; with gaps where messages were deleted.

    `parent_id` is the message that it follows, which has the order `parent_order`; None and 0: it is a
    beginning. `variants` are all that follow the same one, itself among them, in order. `followed`: a message follows it. `chosen`: it is on the chosen path. `attachments` are of questions alone.

    All from `run_id` to `usage` and behind `created_at` is of answers alone: the run that made it,
    how that ended, and snapshots of what generated it. `finish_reason` is the provider's word for the
    end (one of FINISH_REASONS or ``other``), `reason` ours, if it is not completed. `fell_back`:
    another connection was asked first. `adapted`: what of `parameters` its server did not take so.
    `cached`: it was kept from an earlier answer.
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
    cached: bool = False
    parent_id: UUID | None = None
    parent_order: int = 0
    chosen: bool = True
    followed: bool = False
    variants: tuple[UUID, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def edited(self) -> bool:
        """Whether it is an answer that its user wrote; copies of others have a status."""
        return self.role is Role.ASSISTANT and self.run_id is None and self.status is None

    @property
    def can_continue(self) -> bool:
        """Whether its run may go on with it: it was cut short, and nothing follows it."""
        return (
            self.status is not None
            and self.run_id is not None
            and not self.followed
            and can_go_on(self.status, self.finish_reason, self.content)
        )

    @property
    def bytes(self) -> int:
        """Of its text, thinking included, in UTF-8."""
        return len(self.content.encode()) + len((self.reasoning or "").encode())


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """An answer that is being written: its run, and where it stands."""

    run_id: UUID
    answer_id: UUID
    question_order: int
    answer_order: int


@dataclass(frozen=True, slots=True)
class OnPath:
    """A message of a path, without what it says. `is_blank`: nothing of that is to be seen."""

    id: UUID
    order: int
    is_blank: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Who said what, or the beginning of it, in the message of this order."""

    role: Role
    content: str
    order: int
