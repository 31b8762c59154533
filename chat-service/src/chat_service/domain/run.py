"""A run: the generation of one answer, from its acceptance to its one end."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

FINISH_REASONS: Final = frozenset(
    {"stop", "length", "content_filter", "tool_calls", "function_call"}
)
OTHER_FINISH_REASON: Final = "other"


def known_finish_reason(word: str | None) -> str | None:
    """One of FINISH_REASONS, ``other`` for a word that is none of them, None for None.

    A provider may write anything there, the user's key as well: what is kept or shown of its
    word comes from here.
    """
    return word if word is None or word in FINISH_REASONS else OTHER_FINISH_REASON


class RunStatus(StrEnum):
    """Where a run stands; all but RUNNING are final."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens a provider counted for one answer."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run as its row says it.

    `owner` is the id of the replica that generates, `epoch` the number of its ownership: whoever
    takes a run over raises it, and what is written under an older one does not count. `last_seq`
    is the number of the newest frame when the run ended, 0 before. `cancel_requested`: somebody
    wants it ended. `continues` is the run whose answer this one goes on with: both have the same
    question and answer.
    """

    id: UUID
    session_id: UUID
    user_id: UUID
    tenant_id: UUID
    question_id: UUID
    answer_id: UUID
    question_order: int
    answer_order: int
    provider: str
    model: str
    temperature: float
    max_tokens: int
    owner: str
    epoch: int
    status: RunStatus
    reason: str | None
    last_seq: int
    usage: Usage | None
    created_at: datetime
    ended_at: datetime | None
    finish_reason: str | None = None
    cancel_requested: bool = False
    continues: UUID | None = None

    @property
    def can_be_continued(self) -> bool:
        """Whether it was cut short: by its user, by us, or when going on with another failed."""
        if self.status is RunStatus.FAILED:
            return self.continues is not None
        return self.status in {RunStatus.CANCELLED, RunStatus.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, and all that it produced.

    `reason` (upper snake case) says why when `status` is not COMPLETED; `finish_reason` is what
    `known_finish_reason` made of the provider's word. `text` and `reasoning` are storable: no
    U+0000, no lone surrogate.
    """

    status: RunStatus
    reason: str | None
    finish_reason: str | None
    text: str
    reasoning: str
    usage: Usage | None
    last_seq: int
