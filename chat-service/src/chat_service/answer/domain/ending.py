"""How an answer ends, in the words that rows, frames and the wire share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FINISH_REASONS: Final = frozenset(
    {"stop", "length", "content_filter", "tool_calls", "function_call"}
)
OTHER_FINISH_REASON: Final = "other"
# What other protocols, and servers that speak them, say for these.
_WORDS: Final = {
    **{reason: reason for reason in FINISH_REASONS},
    **dict.fromkeys(
        ("end_turn", "stop_sequence", "eos", "eos_token", "end", "complete", "completed", "normal"),
        "stop",
    ),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "max_new_tokens", "max_length"), "length"),
    **dict.fromkeys(("model_length", "token_limit", "context_length"), "length"),
    **dict.fromkeys(("context_length_exceeded", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("safety", "refusal", "recitation", "blocklist"), "content_filter"),
    **dict.fromkeys(("prohibited_content", "spii", "sensitive"), "content_filter"),
    **dict.fromkeys(("content_filtered", "guardrail_intervened"), "content_filter"),
    **dict.fromkeys(("tool_use", "tool_call"), "tool_calls"),
}


def known_finish_reason(word: str | None) -> str | None:
    """One of FINISH_REASONS, ``other`` for a word that means none of them, None for None.

    A provider may write anything there, the user's key as well: what is kept or shown of its
    word comes from here.
    """
    return word if word is None else _WORDS.get(word.strip().lower(), OTHER_FINISH_REASON)


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
