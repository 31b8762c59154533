"""How generations end, and what their users are told of it.

An answer is completed if its server ended it and there is text of it. What just stops is interrupted,
with what there is. What has no text never looks like an answer: it failed, and says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chassis.errors import AppError
from chat_service.answer.domain.ending import FILTERED, RunStatus
from chat_service.providers.errors import (
    ProviderCalledTool,
    ProviderContentRefused,
    ProviderContextTooLong,
    ProviderEmpty,
    ProviderEndedEarly,
    ProviderError,
    ProviderThoughtOnly,
)
from chat_service.providers.port import End


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a generation ended; ``detail`` says of one that FAILED what its user may know of it.

    ``told`` is what goes along in the event of a failure: ``provider_message``, what the model server
    said, without credentials; ``retry_after``, seconds.
    """

    status: RunStatus
    reason: str | None = None
    detail: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


COMPLETED = Verdict(RunStatus.COMPLETED)
SHUTTING_DOWN = Verdict(RunStatus.INTERRUPTED, "SHUTTING_DOWN")
DELETED = Verdict(RunStatus.CANCELLED, "DELETED")
CANCELLED_BY_USER = "CANCELLED_BY_USER"
CANCELLED = Verdict(RunStatus.CANCELLED, CANCELLED_BY_USER)
TOO_LARGE = Verdict(RunStatus.INTERRUPTED, "ANSWER_TOO_LARGE")
IDLE = Verdict(RunStatus.INTERRUPTED, "IDLE_TIMEOUT")
TOO_LONG = Verdict(RunStatus.INTERRUPTED, "TOTAL_TIMEOUT")
NO_TOKEN = Verdict(RunStatus.FAILED, "FIRST_TOKEN_TIMEOUT", "The model did not begin to answer.")
CUT_BY_FILTER = Verdict(RunStatus.INTERRUPTED, FILTERED)
REFUSED_BY_FILTER = Verdict(
    RunStatus.FAILED, FILTERED, "The answer contains something that may not be said here."
)
BROKEN = Verdict(RunStatus.FAILED, "INTERNAL", "Something went wrong on our side.")
_ENDED_EARLY = Verdict(RunStatus.INTERRUPTED, ProviderEndedEarly.reason)
# Its user has seen the thinking, and the limit in `finish_reason`: it can be gone on with.
_CUT_IN_THOUGHT = Verdict(RunStatus.INTERRUPTED, ProviderThoughtOnly.reason)
_NO_TOKENS_LEFT = (
    "The model used up the tokens it was allowed before the first word of its answer; allow it more "
    "(max_tokens)."
)


#: What another server can mend: this one is not reached, does not let us in, is busy, or broken. Not
#: what is of the question, or of an address that is wrong.
_MENDABLE: Final = frozenset(
    {
        "FIRST_TOKEN_TIMEOUT",
        "PROVIDER_BROKE",
        "PROVIDER_BUSY",
        "PROVIDER_ENDED_EARLY",
        "PROVIDER_FAILED",
        "PROVIDER_FORBIDDEN",
        "PROVIDER_GARBLED",
        "PROVIDER_NAME_NOT_FOUND",
        "PROVIDER_OVERLOADED",
        "PROVIDER_QUOTA_EXCEEDED",
        "PROVIDER_RATE_LIMITED",
        "PROVIDER_REFUSED_CONNECTION",
        "PROVIDER_TIMED_OUT",
        "PROVIDER_TLS_FAILED",
        # Its owner has to mend the key; meanwhile an answer from elsewhere helps more than none.
        "PROVIDER_UNAUTHORIZED",
        "PROVIDER_UNREACHABLE",
    }
)


def is_too_long(verdict: Verdict) -> bool:
    """Whether the model takes less than it was given."""
    return verdict.status is RunStatus.FAILED and verdict.reason == ProviderContextTooLong.reason


def can_be_mended(verdict: Verdict) -> bool:
    """Whether another server may answer where this one failed."""
    return verdict.status is RunStatus.FAILED and verdict.reason in _MENDABLE


def verdict_of_error(error: ProviderError) -> Verdict:
    """A failure, with what the provider says of it."""
    told: dict[str, Any] = {}
    if error.provider_message:
        told["provider_message"] = error.provider_message
    if error.retry_after is not None:
        told["retry_after"] = error.retry_after
    return Verdict(RunStatus.FAILED, error.reason, error.detail, told)


def verdict_of_refusal(refusal: AppError) -> Verdict:
    """What keeps a prompt from being made."""
    told = {} if refusal.retry_after is None else {"retry_after": refusal.retry_after}
    return Verdict(RunStatus.FAILED, refusal.reason, refusal.detail, told)


def verdict_of_end(
    end: End, finish_reason: str | None, *, has_text: bool, has_thinking: bool
) -> Verdict:
    """What a stream that ended without an error is, by what there is of the answer."""
    if end is End.EARLY:
        some = has_text or has_thinking
        return _ENDED_EARLY if some else verdict_of_error(ProviderEndedEarly())
    if has_text:
        return COMPLETED
    if finish_reason == "content_filter":
        return verdict_of_error(ProviderContentRefused())
    if finish_reason in {"tool_calls", "function_call"}:
        return verdict_of_error(ProviderCalledTool())
    if finish_reason == "length" and has_thinking:
        return _CUT_IN_THOUGHT
    if has_thinking:
        return verdict_of_error(ProviderThoughtOnly())
    detail = _NO_TOKENS_LEFT if finish_reason == "length" else None
    return verdict_of_error(ProviderEmpty(detail=detail))
