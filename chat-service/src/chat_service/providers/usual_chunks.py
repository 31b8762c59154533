"""Chunks of a chat completion that are what the protocol says, as far as they are looked at.

What has anything else where an answer might stand is none of them. Nothing is decoded but what is looked
at, and all chunks of a read at once: a parsed object for each token costs several times what all the rest
does.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from chat_service.providers.growing import grows
from chat_service.providers.port import TEXT, THINKING, Part


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    # What is none of these is no chunk for this way of reading.
    refusal: None = None
    reasoning_text: None = None
    reasoning_details: None = None
    thinking: None = None
    # Who speaks, or on which channel: it may be that they think.
    role: Literal["assistant", ""] | None = None
    channel: None = None


class _FirstDelta(_Delta, gc=False):
    # As long as there is no text it may be that this is all that there will be.
    audio: None = None
    tool_calls: Annotated[list[Any], msgspec.Meta(max_length=0)] | None = None
    function_call: None = None
    # That a delta is thinking is marked before there is text: each field that is looked for costs.
    type: Literal["text"] | None = None
    phase: None = None
    content_type: None = None
    thought: None = None
    is_thinking: None = None
    is_reasoning: None = None
    extra_content: None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: Literal[0] | None = 0
    message: None = None
    text: None = None
    error: None = None
    usage: None = None
    finish_reason_of_google: None = msgspec.field(default=None, name="finishReason")


class _Chunk(msgspec.Struct, gc=False):
    choices: Annotated[Sequence[_Choice], msgspec.Meta(max_length=1)]
    usage: dict[str, Any] | None = None
    error: None = None
    x_groq: None = None


class _FirstChoice(_Choice, gc=False):
    delta: _FirstDelta | None = None


class _FirstChunk(_Chunk, gc=False):
    errors: None = None
    choices: Annotated[Sequence[_FirstChoice], msgspec.Meta(max_length=1)]


class _Role(msgspec.Struct, forbid_unknown_fields=True):
    role: str = ""
    content: Literal[""] | None = None
    reasoning_content: Literal[""] | None = None
    reasoning: Literal[""] | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None


class _Greeter(msgspec.Struct, forbid_unknown_fields=True):
    delta: _Role
    index: int = 0
    finish_reason: None = None
    logprobs: Any = None
    native_finish_reason: None = None


class _Greeting(msgspec.Struct):
    choices: Annotated[list[_Greeter], msgspec.Meta(min_length=1, max_length=1)]


_GREETINGS: Final = msgspec.json.Decoder(_Greeting)


def _is_greeting(lines: bytes) -> bool:
    """Whether the first of ``lines`` says who will speak, and nothing else."""
    try:
        _GREETINGS.decode(lines.partition(b"\n")[0])
    except msgspec.DecodeError:
        return False
    return True


# Those of an answer of which no text has come, and those behind them: both have what is looked at here, by
# the same names.
_FIRST_CHUNKS: Final = msgspec.json.Decoder(_FirstChunk)
_CHUNKS: Final = msgspec.json.Decoder(_Chunk)
# What has token counts, in whatever place.
_COUNTS: Final = re.compile(
    rb'[Uu]sage\w*": *\{|"timings": *\{|_eval_count|"(?:metrics|meta)": *\{'
)
_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter"})


#: What usual chunks say: parts, a finish reason, counts, and whether one of them has a choice at all. A tuple of
#: no name of its own is made in a fifth of the time, and there is one for each read.
Usual = tuple[list[Part], str | None, tuple[dict[str, Any], ...], bool]


def usual_of(
    lines: bytes, has_text: bool, has_choice: bool, may_grow: bool = False
) -> Usual | None:
    """What chunks say, one a line; None if one is not what the protocol says, or says nothing.

    ``has_text`` and ``has_choice`` are of the chunks before them. The first one of all may say no more than
    who speaks. ``may_grow``: the second text that says the first one once more is not what the protocol says.
    """
    try:
        chunks = (_CHUNKS if has_text else _FIRST_CHUNKS).decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    parts: list[Part] = []
    # What is being collected, and whether it is thinking.
    said: list[str] = []
    is_thought = False
    reason = None
    usages: tuple[dict[str, Any], ...] = ()
    for chunk in chunks:
        text = thought = word = None
        for choice in chunk.choices:
            if (delta := choice.delta) is not None:
                if thought := delta.reasoning_content or delta.reasoning:
                    if not is_thought:
                        if said:
                            parts.append((TEXT, "".join(said)))
                            said = []
                        is_thought = True
                    said.append(thought)
                if text := delta.content:
                    if is_thought:
                        if may_grow and grows(said):
                            return None
                        parts.append((THINKING, "".join(said)))
                        said = []
                        is_thought = False
                    said.append(text)
            if word := choice.finish_reason:
                if word not in _REASONS:
                    return None
                reason = word
        if chunk.usage:
            usages = (*usages, chunk.usage)
        elif not (text or thought or word) and (
            has_choice or chunk is not chunks[0] or not _is_greeting(lines)
        ):
            return None  # what it says stands somewhere else
    if said:
        if may_grow and grows(said):
            return None
        parts.append((THINKING if is_thought else TEXT, "".join(said)))
        has_choice = True
    if reason is not None and not usages and _COUNTS.search(lines):
        return None  # counts stand somewhere else
    return parts, reason, usages, has_choice or any(chunk.choices for chunk in chunks)
