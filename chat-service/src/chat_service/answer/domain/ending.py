"""How an answer ends, in the words that rows, frames and the wire share."""

from dataclasses import dataclass
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
class Fallback:
    """One connection took the place of another, `from_key_id`, which had failed for `reason`.

    `provider` and `model` are those of the connection that went on, `key_id`.
    """

    from_key_id: UUID
    reason: str
    key_id: UUID
    provider: str
    model: str
    metered: bool


@dataclass(frozen=True, slots=True)
class FellBack:
    """Why another connection answered than was asked first, and which that was, where it is known."""

    from_key_id: UUID | None
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, and all that it produced.

    `reason` (upper snake case) says why when `status` is not COMPLETED; `finish_reason` is what
    `known_finish_reason` made of the provider's word. `text` and `reasoning` are storable: no
    U+0000, no lone surrogate. `fallbacks` are in order: the last one's connection has answered.
    """

    status: RunStatus
    reason: str | None
    finish_reason: str | None
    text: str
    reasoning: str
    usage: Usage | None
    last_seq: int
    fallbacks: tuple[Fallback, ...] = ()
