"""Chunks of a chat completion that are what the protocol says, as far as they are looked at.

What has anything else where an answer might stand is none of them.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    # What is none of these is no chunk for this way of reading.
    refusal: None = None
    reasoning_text: None = None
    reasoning_details: None = None
    thinking: None = None


class _FirstDelta(_Delta, gc=False):
    # As long as there is no text it may be that this is all that there will be.
    audio: None = None
    tool_calls: Annotated[list[Any], msgspec.Meta(max_length=0)] | None = None
    function_call: None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: Literal[0] | None = 0
    message: None = None
    text: None = None
    error: None = None
    usage: None = None


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


#: Decodes those of an answer of which no text has come, one a line.
FIRST_CHUNKS: Final = msgspec.json.Decoder(_FirstChunk)
#: Decodes those behind them.
CHUNKS: Final = msgspec.json.Decoder(_Chunk)
