"""Answers as bytes: pre-encoded events, joined to a response's own head by one C call a block."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import orjson

from parley_local.model_server.steps import HEAD, Field
from parley_local.model_server.tokens import token_text

BLOCK = 64
_TAIL = b'"},"finish_reason":null}]}\n\n'
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every event of one response begins with."""

    opening: bytes
    content: bytes
    reasoning: bytes

    def head(self, field: Field) -> bytes:
        return self.content if field == "content" else self.reasoning


def envelope(completion_id: str, model: str, *, usage: bool, sse_id: str | None = None) -> Envelope:
    """Heads for a response; with `usage` each event holds the `"usage":null` of a stream that will end with one."""
    about: dict[str, object] = {
        "id": completion_id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": "fp_scripted",
    }
    if usage:
        about["usage"] = None
    opening = b"data: " + orjson.dumps(about)[:-1] + b',"choices":['
    if sse_id is not None:
        opening = f"id: {sse_id}\n".encode() + opening
    choice = opening + b'{"index":0,"delta":{"'
    return Envelope(opening, choice + b'content":"', choice + b'reasoning_content":"')


def event(head: bytes, text: str) -> bytes:
    """One delta."""
    return head + escaped(text) + _TAIL


def tokens(head: bytes, start: int, stop: int) -> bytes:
    """The events of tokens start … stop - 1, which must lie in one block."""
    block, first = divmod(start, BLOCK)
    tails = _block(block)[first : first + stop - start]
    return head + head.join(tails)


def role_event(env: Envelope) -> bytes:
    """The first event, as providers send it: a role and no text."""
    return (
        env.opening
        + b'{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    )


def finish_event(env: Envelope, reason: str) -> bytes:
    return env.opening + b'{"index":0,"delta":{},"finish_reason":"%b"}]}\n\n' % reason.encode()


def usage_event(env: Envelope, prompt: int, completion: int) -> bytes:
    """The last event before `[DONE]`: no choices, the usage."""
    head = env.opening.replace(b',"usage":null', b"")
    return head + b'],"usage":%b}\n\n' % orjson.dumps(usage(prompt, completion))


def usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def escaped(text: str) -> bytes:
    """The inside of a JSON string; surrogates as escapes, since UTF-8 has none for them."""
    if not any(ord(character) in _SURROGATES for character in text):
        return orjson.dumps(text)[1:-1]
    return b"".join(
        b"\\u%04x" % ord(character)
        if ord(character) in _SURROGATES
        else orjson.dumps(character)[1:-1]
        for character in text
    )


class Encoder(Protocol):
    """An answer in one protocol's bytes, in the order in which its parts are asked for."""

    def greet(self) -> bytes:
        """What comes before any text."""

    def tokens(self, field: Field, start: int, stop: int) -> bytes:
        """Tokens start … stop - 1, which lie in one block."""

    def said(self, field: Field, texts: Sequence[str]) -> bytes:
        """One delta for each text."""

    def raw(self, data: bytes) -> bytes:
        """These bytes, with what stands for the beginning of an event."""

    def finish(self, reason: str, completion_tokens: int) -> bytes:
        """The finish reason, in OpenAI's word."""

    def done(self, completion_tokens: int) -> bytes:
        """The stream's own end."""


@dataclass(frozen=True, slots=True)
class ChunkEncoder:
    """Chunks of a chat completion; `include_usage`: the last one says how many tokens there were."""

    env: Envelope
    prompt_tokens: int
    include_usage: bool

    def greet(self) -> bytes:
        return role_event(self.env)

    def tokens(self, field: Field, start: int, stop: int) -> bytes:
        return tokens(self.env.head(field), start, stop)

    def said(self, field: Field, texts: Sequence[str]) -> bytes:
        head = self.env.head(field)
        return b"".join(event(head, text) for text in texts)

    def raw(self, data: bytes) -> bytes:
        return data.replace(HEAD, self.env.content)

    def finish(self, reason: str, completion_tokens: int) -> bytes:  # noqa: ARG002 - told at the end
        return finish_event(self.env, reason)

    def done(self, completion_tokens: int) -> bytes:
        end = b"data: [DONE]\n\n"
        if not self.include_usage:
            return end
        return usage_event(self.env, self.prompt_tokens, completion_tokens) + end


@lru_cache(maxsize=1024)
def _block(block: int) -> Sequence[bytes]:
    first = block * BLOCK
    return tuple(orjson.dumps(token_text(i))[1:-1] + _TAIL for i in range(first, first + BLOCK))
