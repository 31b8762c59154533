"""Finish reasons that are none of a whole answer: that something failed, or that somebody stopped it."""

import re
from typing import Final

from chat_service.answer.domain.ending import CONTENT_FILTER, known_finish_reason, plain_word
from chat_service.providers.errors import ProviderError, ProviderOverloaded, ProviderRateLimited

#: What stands for no finish reason, where null should be.
NO_REASON: Final = frozenset({"null", "none", "nil", "undefined"})
# What stands for an end of which nothing is known; some servers say it in each chunk.
_VAGUE: Final = frozenset({"unspecified", "unknown"})
# The parts of words that tell a failure, from the most telling to the least.
_FAILURES: Final[tuple[tuple[re.Pattern[str], type[ProviderError]], ...]] = (
    (re.compile(r"rate_?limit|too_many_requests"), ProviderRateLimited),
    (re.compile(r"overload|capacity|insufficient_system|resource"), ProviderOverloaded),
    (re.compile(r"error(?!_limit)|fail|exception|crash|out_of_memory"), ProviderError),
)
# And those that tell that it is to be gone on with.
_STOPPED: Final = re.compile(
    r"abort|cancel|interrupt|time_?limit|time_?out|timed_out|deadline|disconnect|preempt|evict|shut_?down"
    r"|terminated|incomplete|pause|partial|kill"
)


def failure_of(word: str) -> ProviderError | None:
    """What a finish reason tells that failed; None: nothing did."""
    plain = plain_word(word)
    if known_finish_reason(word) == CONTENT_FILTER:
        return None
    kind = next((kind for part, kind in _FAILURES if part.search(plain)), None)
    return None if kind is None else kind(f"finish_reason {plain}")


def is_vague(word: str) -> bool:
    """Whether a finish reason tells of an end only where nothing comes behind it."""
    return plain_word(word) in _VAGUE


def is_stopped(word: str) -> bool:
    """Whether a finish reason tells that an answer was stopped before its end."""
    return _STOPPED.search(plain_word(word)) is not None
