"""What is text, thinking, usage, an end or an error in the JSON of servers that speak OpenAI's protocol
nearly.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from chat_service.answer.domain.ending import Usage
from chat_service.providers.port import TEXT, THINKING, Part

_THINKING_FIELDS = (
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "thinking",
    "reasoning_details",
)
_THINKING_TYPES = {
    "thinking",
    "reasoning",
    "reasoning_content",
    "reasoning.text",
    "reasoning.summary",
}
# Parts stand in parts; deeper than this they say nothing that anybody reads.
_MOST_DEPTH: Final = 16
_PROMPT_COUNTS = ("prompt_tokens", "input_tokens", "prompt_eval_count", "promptTokenCount")
_COMPLETION_COUNTS = ("completion_tokens", "output_tokens", "eval_count", "candidatesTokenCount")
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
_NO_REASON: Final = frozenset({"", "null", "none"})
_ERROR_KEYS: Final = frozenset(
    {
        "code",
        "error_code",
        "errcode",
        "param",
        "request_id",
        "requestId",
        "statusCode",
        "status_code",
    }
    | {"status", "type", "id", "object", "data", "success", "timestamp", "path"}
)


def parts_of(said: Any, *, fields: tuple[str, ...] = ("content",)) -> Iterator[Part]:
    """Of a delta or a message: its thinking, then its text; both in order where they are parts."""
    if not isinstance(said, dict):
        if isinstance(said, str) and said:
            yield TEXT, said
        return
    for name in _THINKING_FIELDS:
        if thought := "".join(text for _, text in _texts(said.get(name), THINKING)):
            yield THINKING, thought
            break  # what further fields say is the same
    for name in fields:
        yield from _texts(said.get(name), TEXT)


def _texts(value: Any, kind: Any, depth: int = _MOST_DEPTH) -> Iterator[Part]:
    match value:
        case None | bool():
            return
        case str():
            if value:
                yield kind, value
        case int() | float():
            yield kind, str(value)
        case list() if depth:
            for one in value:
                yield from _texts(one, kind, depth - 1)
        case dict() if depth:
            if value.get("type") in _THINKING_TYPES or (
                "thinking" in value and "text" not in value
            ):
                kind = THINKING
            names = ("text", "content", "summary", "thinking", "reasoning", "value", "refusal")
            for name in names:
                if found := list(_texts(value.get(name), kind, depth - 1)):
                    yield from found
                    return


def has_refusal(said: Any) -> bool:
    """Whether a delta or a message has what the model says instead of an answer."""
    if not isinstance(said, dict):
        return False
    content = said.get("content")
    parts = content if isinstance(content, list) else []
    return bool(said.get("refusal")) or any(
        isinstance(part, dict) and part.get("type") == "refusal" for part in parts
    )


def reason_of(value: Any) -> str | None:
    """A finish reason; None for what some servers send instead of null."""
    if not isinstance(value, str) or value.strip().lower() in _NO_REASON:
        return None
    return value


def usage_of(value: Any) -> Usage | None:
    """Token counts, where they are numbers that a column can hold."""
    if not isinstance(value, dict):
        return None
    prompt, completion = _count(value, _PROMPT_COUNTS), _count(value, _COMPLETION_COUNTS)
    if prompt is None and completion is None:
        return None
    return Usage(
        prompt or 0,
        completion or 0,
        _count(value, _CACHED_COUNTS),
        _count(value, _REASONING_COUNTS),
    )


def _count(value: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        with suppress(KeyError, TypeError, ValueError, OverflowError):
            within, _, last = name.rpartition(".")
            count = int(float((value[within] if within else value)[last]))
            if 0 <= count < 2**31:
                return count
    return None


def _says(error: Any) -> bool:
    """Whether an error says anything: some servers send one that is empty beside each answer."""
    if isinstance(error, dict):
        return any(map(_says, error.values()))
    return bool(error)


def is_error(chunk: dict[str, Any], event: str) -> bool:
    """Whether a chunk is, or has beside an answer, the word that something failed."""
    if _says(chunk.get("error")) or _says(chunk.get("errors")) or event == "error":
        return True
    if chunk.get("type") == "error" or chunk.get("object") == "error":
        return True
    base = chunk.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return True
    if any(
        name in chunk for name in ("choices", "content", "usage", "response", "delta", "output")
    ):
        return False
    if chunk.get("detail") or chunk.get("error_msg") or chunk.get("error_message"):
        return True
    message = chunk.get("message") or chunk.get("msg")
    return isinstance(message, str) and chunk.keys() <= _ERROR_KEYS | {"message", "msg"}
