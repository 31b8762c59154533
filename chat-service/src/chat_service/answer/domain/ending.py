"""How an answer ends, in the words that rows, frames and the wire share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

FINISH_REASONS: Final = frozenset(
    {"stop", "length", "content_filter", "tool_calls", "function_call"}
)
OTHER_FINISH_REASON: Final = "other"
CONTENT_FILTER: Final = "content_filter"
#: Why an answer ended before a word that is not to be said.
FILTERED: Final = "ANSWER_FILTERED"
# What other protocols, and servers that speak them, say for these.
_WORDS: Final = {
    **{reason: reason for reason in FINISH_REASONS},
    **dict.fromkeys(
        ("end_turn", "stop_sequence", "eos", "eos_token", "end", "complete", "completed", "normal"),
        "stop",
    ),
    **dict.fromkeys(
        ("finish", "finished", "done", "stopped", "stop_token", "stop_str", "eot", "end_of_turn"),
        "stop",
    ),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "max_new_tokens", "max_length"), "length"),
    **dict.fromkeys(("model_length", "token_limit", "context_length"), "length"),
    **dict.fromkeys(("context_length_exceeded", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("max_completion_tokens", "max_len", "max_context_length"), "length"),
    **dict.fromkeys(("context_window_exceeded", "error_limit", "truncated"), "length"),
    **dict.fromkeys(("safety", "refusal", "recitation", "blocklist"), "content_filter"),
    **dict.fromkeys(("prohibited_content", "spii", "sensitive"), "content_filter"),
    **dict.fromkeys(("content_filtered", "guardrail_intervened"), "content_filter"),
    **dict.fromkeys(("image_safety", "content_moderation", "error_toxic"), "content_filter"),
    **dict.fromkeys(("tool_use", "tool_call"), "tool_calls"),
    **dict.fromkeys(("malformed_function_call", "unexpected_tool_call"), "tool_calls"),
}
# What some write before each word.
_PREFIXES: Final = ("finish_reason_", "reason_")


def plain_word(word: str) -> str:
    """A provider's word for an end, as it is compared: ``FINISH_REASON_MAX_TOKENS`` is ``max_tokens``."""
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain


def known_finish_reason(word: str | None) -> str | None:
    """One of FINISH_REASONS, ``other`` for a word that means none of them, None for None.

    A provider may write anything there, the user's key as well: what is kept or shown of its
    word comes from here.
    """
    return word if word is None else _WORDS.get(plain_word(word), OTHER_FINISH_REASON)


class RunStatus(StrEnum):
    """Where a run stands; all but RUNNING are final."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class CacheState(StrEnum):
    """Whether an answer was looked for among those that are kept of its user, and was found there."""

    OFF = "off"
    MISS = "miss"
    HIT = "hit"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens a provider counted for one answer.

    `cached_tokens` of the prompt were found kept from an earlier one, and `reasoning_tokens` of the
    completion are thinking; None: it does not say. Both are part of the numbers above.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Of the data of an event."""
        return cls(**{name: said[name] for name in _COUNTS if said.get(name) is not None})

    def said(self) -> dict[str, int]:
        """What is known, by name."""
        counts = ((name, getattr(self, name)) for name in _COUNTS)
        return {name: count for name, count in counts if count is not None}


_COUNTS: Final = tuple(count.name for count in fields(Usage))

#: Characters of what is told of a parameter's value.
MOST_USE: Final = 100


@dataclass(frozen=True, slots=True)
class Adapted:
    """A parameter that was asked for, by the contract's name, and that the server did not take so.

    `use` is what was sent in its place, as text of MOST_USE characters at most; None: nothing was.
    """

    parameter: str
    use: str | None = None


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
    `adapted` is of that one. `cache` says whether the answer was kept from an earlier one.
    """

    status: RunStatus
    reason: str | None
    finish_reason: str | None
    text: str
    reasoning: str
    usage: Usage | None
    last_seq: int
    fallbacks: tuple[Fallback, ...] = ()
    adapted: tuple[Adapted, ...] = ()
    cache: CacheState = CacheState.OFF
