"""How an answer ends, in the words that rows, frames and the wire share."""

import re
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
# What other protocols, and servers that speak them, say for these, where that is no part of it.
_WORDS: Final = {
    **{reason: reason for reason in FINISH_REASONS},
    **dict.fromkeys(("normal", "success"), "stop"),
    **dict.fromkeys(("refusal", "recitation", "blocklist", "spii"), CONTENT_FILTER),
    "error_limit": "length",
}
# What their other words have in them, from the most telling to the least.
_PARTS: Final = (
    (
        CONTENT_FILTER,
        re.compile(
            r"filter|safety|moderat|polic|prohibit|sensitiv|risk|censor|guardrail|harm|toxic|block|violat"
            r"|inspection"
        ),
    ),
    ("tool_calls", re.compile(r"tool|function")),
    ("length", re.compile(r"length|max|limit|context|truncat|too_long")),
    ("stop", re.compile(r"stop|eos|eot|(?:^|_)end(?:_|ed|$)|(?<!in)complete|(?<!un)finish|done")),
)
# What some write before each word.
_PREFIXES: Final = ("finish_reason_", "reason_")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN: Final = re.compile(r"[^a-z0-9]+")
# A longer word is none.
_MOST_WORD: Final = 100


def plain_word(word: str) -> str:
    """A provider's word for an end, as it is compared: ``FINISH_REASON_MAX_TOKENS`` and ``maxTokens`` are
    ``max_tokens``.
    """
    plain = _BETWEEN.sub("_", _HUMP.sub("_", word[:_MOST_WORD]).lower()).strip("_")
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain


def known_finish_reason(word: str | None) -> str | None:
    """One of FINISH_REASONS, ``other`` for a word that means none of them, None for None.

    A provider may write anything there, the user's key as well: what is kept or shown of its
    word comes from here.
    """
    if word is None or word in FINISH_REASONS:
        return word
    plain = plain_word(word)
    if (known := _WORDS.get(plain)) is not None:
        return known
    return next((reason for reason, part in _PARTS if part.search(plain)), OTHER_FINISH_REASON)


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
