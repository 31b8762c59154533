"""What one answer has cost in tokens, of all that a server says of it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from chat_service.answer.domain.ending import Usage
from chat_service.providers.port import Piece

_PROMPT_COUNTS = (
    *("prompt_tokens", "input_tokens", "prompt_eval_count"),
    *("promptTokenCount", "promptTokens", "inputTokens", "prompt_token_count"),
    *("input_token_count", "num_prompt_tokens", "tokens_evaluated"),
)
_COMPLETION_COUNTS = (
    *("completion_tokens", "output_tokens", "eval_count"),
    *("candidatesTokenCount", "completionTokens", "outputTokens", "candidates_token_count"),
    *("output_token_count", "outputTokenCount", "num_completion_tokens"),
    *("generated_tokens", "tokens_predicted"),
)
_CACHED_COUNTS = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "prompt_cache_hit_tokens",  # DeepSeek
    "cached_tokens",  # Moonshot
    "cache_read_input_tokens",
    "cachedContentTokenCount",
)
_REASONING_COUNTS = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "reasoning_tokens",
    "thoughtsTokenCount",
)
_TOTAL_COUNTS = ("total_tokens", "totalTokens", "totalTokenCount")


class Counts:
    """Counts are of all until now, so that the last ones count; noughts are no news."""

    def __init__(self) -> None:
        self._counted = False

    def take(self, usages: Sequence[Any], piece: Piece) -> None:
        """Put into ``piece`` what the last of ``usages`` says that says anything."""
        for usage in reversed(usages):
            counts = usage_of(usage)
            if counts is not None and (counts.prompt_tokens or counts.completion_tokens):
                piece.usage = counts
                self._counted = True
                return
            if not self._counted and piece.usage is None:
                piece.usage = counts


def usage_of(value: Any) -> Usage | None:
    """Token counts, where they are numbers that a column can hold."""
    if not isinstance(value, dict):
        return None
    prompt, completion = _count(value, _PROMPT_COUNTS), _count(value, _COMPLETION_COUNTS)
    if prompt is None and completion is None:
        # Cohere, and gateways before it.
        return next(
            (usage_of(value[name]) for name in ("tokens", "billed_units") if name in value), None
        )
    cached, thought = _count(value, _CACHED_COUNTS), _count(value, _REASONING_COUNTS)
    total = _count(value, _TOTAL_COUNTS)
    if total is not None:
        if prompt is None or completion is None:
            rest = max(0, total - (prompt or completion or 0))
            prompt, completion = (rest if one is None else one for one in (prompt, completion))
        elif _is_beside(thought, total - prompt - completion, cached):
            # Google and xAI count thinking beside the answer.
            completion, thought = total - prompt, total - prompt - completion
    return Usage(prompt or 0, completion or 0, cached, thought)


def _is_beside(thought: int | None, rest: int, cached: int | None) -> bool:
    """Whether the ``rest`` of a total is thinking; of the tokens found kept some do not count them."""
    return rest > 0 and (thought == rest or (thought is None and cached is None))


def _count(value: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        with suppress(KeyError, TypeError, ValueError, OverflowError):
            within, _, last = name.rpartition(".")
            said = (value[within] if within else value)[last]
            if not isinstance(said, bool) and 0 <= (count := int(float(said))) < 2**31:
                return count
    return None
