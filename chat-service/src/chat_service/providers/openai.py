"""Anything that speaks the OpenAI chat completions protocol.

The request is made here, header by header: an SDK would add what it finds in the environment and
what it knows of the machine. The stream is read raw and decoded with orjson: a parsed chunk
object per token costs several times what all the rest does.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from chassis.server_url import BadServerUrl, ServerUrl, parse_server_url
from chassis.service import Component
from chat_service.answer.domain.ending import Usage
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.parameters import GenerationParameters
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import (
    ProviderBroke,
    ProviderError,
    ProviderGarbled,
    ProviderUrlInvalid,
)
from chat_service.providers.guard import AddressPolicy
from chat_service.providers.transport import GuardedClient, Source

# An SSE line longer than this is no chunk of a chat completion.
_MAX_LINE_BYTES = 1024 * 1024
# A read that brings so much is of a model that is faster than any reader: no waiting for flushes.
_FAST_BYTES = 16 * 1024


@dataclass(slots=True)
class Piece:
    """What one read of the provider's socket brought: ``size`` bytes of whatever there is.

    ``finish_reason`` is the provider's own word, of any length; ``finished``: the stream's own
    end came.
    """

    size: int = 0
    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    finished: bool = False


class OpenAiProvider(Component):
    """Streams answers over one pool: at most ``streams`` at a time, ``per_host`` of one server."""

    def __init__(self, policy: AddressPolicy, *, streams: int, per_host: int) -> None:
        self._policy = policy
        self._streams = streams
        self._per_host = per_host
        self._client: GuardedClient | None = None

    async def start(self) -> None:
        self._client = GuardedClient(
            self._policy, connections=self._streams, per_host=self._per_host
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def stream(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
        next_read: Callable[[], Awaitable[None]],
    ) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece; no retry, no timers of its own.

        The first text comes as soon as it is there; from then on the socket is read when
        ``next_read`` returns, and what came meanwhile is one piece.

        Ends after a piece that is ``finished``, or without one if the provider just stopped.
        Raises ProviderError. Close the iterator to close the provider's connection.
        """
        if self._client is None:
            raise RuntimeError("the provider has not been started")
        body = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt],
            **parameters.said(),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        headers = {
            "Authorization": f"Bearer {connection.api_key}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
        }
        try:
            async with self._client.post(
                _server_of(connection),
                "/chat/completions",
                headers=headers,
                body=orjson.dumps(body),
            ) as source:
                async for piece in read_stream(source, next_read):
                    yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderBroke(f"{type(error).__name__}: {error}") from error


def _server_of(connection: Connection) -> ServerUrl:
    try:
        return parse_server_url(connection.base_url)
    except BadServerUrl as error:
        # Kept before this was looked at when it is saved.
        raise ProviderUrlInvalid(str(error)) from error


async def read_stream(
    source: Source, next_read: Callable[[], Awaitable[None]]
) -> AsyncIterator[Piece]:
    """Server-sent events of a chat completion, one Piece for each read of the socket.

    A read that ends in mid-event leaves the rest for the next. Thinking comes before the text
    of the same read: providers finish the one before they begin the other. Raises
    ProviderGarbled, and ProviderError for an error that comes in the stream; what stood before
    it has been yielded then.
    """
    rest = bytearray()
    spoken = False
    while data := await source.read():
        # Only what is new is looked through and copied, however long the line has become.
        lines = data.split(b"\n")
        begun = lines.pop()
        if rest and lines:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
        rest += begun
        if len(rest) > _MAX_LINE_BYTES:
            raise ProviderGarbled("an endless line")
        piece, problem = _gather(lines)
        piece.size = len(data)
        source.finished = piece.finished
        yield piece
        if problem is not None:
            raise problem
        if piece.finished:
            return
        spoken = spoken or bool(piece.text or piece.reasoning)
        if spoken and len(data) < _FAST_BYTES:
            source.hold()
            await next_read()
            source.release()


def _gather(lines: Sequence[bytes]) -> tuple[Piece, ProviderError | None]:
    piece = Piece()
    texts: list[str] = []
    thoughts: list[str] = []
    problem: ProviderError | None = None
    for line in lines:
        if not line.startswith(b"data:"):
            continue  # comments, other fields, the blank line between events
        payload = line[5:].strip()
        if payload == b"[DONE]":
            piece.finished = True
            break
        try:
            _take(payload, piece, texts, thoughts)
        except ProviderError as error:
            problem = error
            break
    piece.text = "".join(texts)
    piece.reasoning = "".join(thoughts)
    return piece, problem


def _take(payload: bytes, piece: Piece, texts: list[str], thoughts: list[str]) -> None:
    try:
        chunk = orjson.loads(payload)
    except orjson.JSONDecodeError:
        chunk = _decode_leniently(payload)
    try:
        for choice in chunk["choices"]:
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                texts.append(_string(text))
            elif thought := delta.get("reasoning_content") or delta.get("reasoning"):
                thoughts.append(_string(thought))
            if reason := choice.get("finish_reason"):
                piece.finish_reason = _string(reason)
        if usage := chunk.get("usage"):
            piece.usage = _usage(usage)
    except (AttributeError, KeyError, TypeError) as error:
        if isinstance(chunk, dict) and "error" in chunk:
            raise ProviderError(str(chunk["error"])) from error
        raise ProviderGarbled(f"a chunk of another shape: {type(error).__name__}") from error


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _usage(usage: dict[str, Any]) -> Usage | None:
    """Token counts, where they are numbers that a column can hold."""
    with suppress(KeyError, TypeError, ValueError, OverflowError):
        counts = [int(usage[name]) for name in ("prompt_tokens", "completion_tokens")]
        if all(0 <= count < 2**31 for count in counts):
            return Usage(*counts)
    return None


def _decode_leniently(payload: bytes) -> Any:
    """JSON with lone surrogates or broken UTF-8 in its strings, which orjson refuses."""
    try:
        return json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ProviderGarbled("not JSON") from error
