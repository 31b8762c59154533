"""What is text, thinking, usage, an end or an error in the JSON of servers that speak OpenAI's protocol
nearly.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from chat_service.answer.domain.ending import (
    OTHER_FINISH_REASON,
    known_finish_reason,
    plain_word,
)
from chat_service.providers.broken_ends import NO_REASON
from chat_service.providers.port import TEXT, THINKING, Part

_THINKING_FIELDS = (
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "thinking",
    "reasoning_details",
    *("thinking_blocks", "thinking_content", "thinkingContent", "reasoningContent"),
    *("reasoning_summary", "thought", "thoughts", "chain_of_thought", "cot"),
    *("internal_thoughts", "analysis", "think"),
)
# What gateways keep in a place of their own, of what they do not know.
_KEEPERS: Final = ("provider_specific_fields", "model_extra", "additional_kwargs")
# What a server has for a type may be anything: a set would have to hash it.
_THINKING_TYPES = (
    "thinking",
    "reasoning",
    "reasoning_content",
    "reasoning.text",
    "reasoning.summary",
)
# Parts stand in parts; deeper than this they say nothing that anybody reads.
_MOST_DEPTH: Final = 16
# Where the text of a delta or a choice stands, if it is not where the protocol has it.
_OTHER_FIELDS: Final = ("text", "output_text", "content")
# Where counts stand, and what holds such.
_USAGES: Final = (
    "usage",
    "usageMetadata",
    "usage_metadata",
    "x_usage",
    "token_usage",
    "tokenUsage",
)
_USAGE_HOLDERS: Final = ("x_groq", "metadata", "meta", "metrics", "response_metadata")
# What holds a chunk within something of the server's own.
_WRAPPERS: Final = ("data", "result", "output", "response", "body", "completion")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def parts_of(said: Any, *, fields: tuple[str, ...] = ("content",)) -> Iterator[Part]:
    """Of a delta or a message: its thinking, then its text; both in order where they are parts."""
    if isinstance(said, list):
        for one in said:
            yield from parts_of(one, fields=fields)
        return
    if not isinstance(said, dict):
        if isinstance(said, str) and said:
            yield TEXT, said
        return
    for name in _THINKING_FIELDS:
        if thought := "".join(text for _, text in _texts(said.get(name), THINKING)):
            yield THINKING, thought
            break  # what further fields say is the same
    else:
        for name in _KEEPERS:
            yield from parts_of(said.get(name), fields=())
    for name in fields:
        yield from _texts(said.get(name), TEXT)


def spoken_in(said: Any) -> Iterator[Part]:
    """Of a delta or a message: also what is said aloud."""
    found = [*parts_of(said, fields=("content", "refusal"))]
    yield from found
    if isinstance(said, dict):
        yield from parts_of(said.get("audio"), fields=("transcript",))
        if not found:
            within = said.get("message")
            yield from parts_of(within if isinstance(within, dict) else said, fields=_OTHER_FIELDS)


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
            if (
                value.get("type") in _THINKING_TYPES
                or value.get("thought") is True
                or ("thinking" in value and "text" not in value)
            ):
                kind = THINKING
            names = (
                "text",
                "content",
                "parts",
                "summary",
                "thinking",
                "reasoning",
                "value",
                "refusal",
                "output_text",
            )
            for name in names:
                if found := list(_texts(value.get(name), kind, depth - 1)):
                    yield from found
                    return


def unwrapped(chunk: dict[str, Any]) -> dict[str, Any]:
    """``chunk``, or the one that it holds within something of the server's own, with the usage of both."""
    if "choices" in chunk:
        return chunk
    if "Choices" in chunk or "Response" in chunk:  # Hunyuan
        chunk = _in_small_letters(chunk)
        if "choices" in chunk:
            return chunk
    for name in _WRAPPERS:
        within = chunk.get(name)
        if isinstance(within, dict) and "choices" in within:
            return {"usage": chunk.get("usage"), **within}
    return chunk


def _in_small_letters(value: Any, depth: int = _MOST_DEPTH) -> Any:
    """The same with its names as the protocol writes them: ``finish_reason`` for ``FinishReason``."""
    if isinstance(value, list) and depth:
        return [_in_small_letters(one, depth - 1) for one in value]
    if isinstance(value, dict) and depth:
        return {
            _HUMP.sub("_", name).lower(): _in_small_letters(one, depth - 1)
            for name, one in value.items()
        }
    return value


def parts_without_choices(chunk: dict[str, Any]) -> Iterator[Part]:
    """Of an answer that has none: Ollama's own, Baidu's, DashScope's, MiniMax's."""
    answer, output = chunk.get("message"), chunk.get("output")
    if isinstance(answer, dict):
        yield from parts_of(answer)
    elif isinstance(output, dict) and isinstance(output.get("text"), str):
        yield from parts_of(output, fields=("text",))
    elif isinstance(chunk.get("result"), str):
        yield from parts_of(chunk, fields=("result",))
    elif isinstance(chunk.get("reply"), str):
        yield from parts_of(chunk, fields=("reply",))
    else:
        yield from parts_of(chunk, fields=("response",))


def usages_in(chunk: dict[str, Any], choice: dict[str, Any]) -> Iterator[Any]:
    """What a chunk says of tokens, wherever it says it."""
    holders = (chunk, choice, choice.get("delta"), choice.get("message"))
    for holder in (*holders, *(chunk.get(name) for name in _USAGE_HOLDERS)):
        if isinstance(holder, dict):
            yield from (holder[name] for name in _USAGES if name in holder)
    timings = chunk.get("timings")
    if isinstance(timings, dict) and not isinstance(chunk.get("usage"), dict):  # llama.cpp
        yield {
            "prompt_tokens": timings.get("prompt_n"),
            "completion_tokens": timings.get("predicted_n"),
        }


def first_choice(choices: Any) -> dict[str, Any]:
    """The one that is read; where it is not among them another one, and empty where there is none."""
    if isinstance(choices, dict):
        choices = [*choices.values()] if choices.keys() <= {"0", "1"} else [choices]
    found = (
        [choice for choice in choices if isinstance(choice, dict)]
        if isinstance(choices, list)
        else []
    )
    return next(filter(is_first, found), found[0] if found else {})


def has_choices(value: Any) -> bool:
    """Whether it is a chunk that says something."""
    return isinstance(value, dict) and bool(value.get("choices"))


def is_first(choice: dict[str, Any]) -> bool:
    """Whether a choice is the one that was asked for."""
    return choice.get("index") in (0, None, "0")


def calls_tool(said: Any) -> bool:
    """Whether a delta or a message calls a tool."""
    return isinstance(said, dict) and bool(said.get("tool_calls") or said.get("function_call"))


def has_refusal(said: Any) -> bool:
    """Whether a delta or a message has what the model says instead of an answer."""
    if not isinstance(said, dict):
        return False
    content = said.get("content")
    parts = content if isinstance(content, list) else []
    return bool(said.get("refusal")) or any(
        isinstance(part, dict) and part.get("type") == "refusal" for part in parts
    )


def reason_in(chunk: dict[str, Any], choice: dict[str, Any]) -> str | None:
    """A finish reason, wherever a chunk has it."""
    delta = choice.get("delta")
    for holder in (choice, delta, chunk):
        if isinstance(holder, dict):
            for name in ("finish_reason", "finishReason"):
                if (reason := _reason_of(holder.get(name))) is not None:
                    return reason
    # Beside a finish reason it is the text, or the token, that the answer stopped at.
    stopped = _reason_of(choice.get("stop_reason"))
    return None if known_finish_reason(stopped) == OTHER_FINISH_REASON else stopped


def _reason_of(value: Any) -> str | None:
    """A finish reason; None for what some servers send instead of null."""
    if isinstance(value, dict):
        value = value.get("type") or value.get("reason")
    if not isinstance(value, str) or not value.strip() or plain_word(value) in NO_REASON:
        return None
    return value


def error_in(choice: dict[str, Any]) -> Any:
    """What a choice says of a failure, if anything."""
    for holder in (choice, choice.get("delta"), choice.get("message")):
        if isinstance(holder, dict) and (error := holder.get("error")):
            return error
    return None
