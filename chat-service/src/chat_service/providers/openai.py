"""Anything that speaks the OpenAI chat completions protocol.

The request is made here, header by header: an SDK would add what it finds in the environment and
what it knows of the machine. The stream is read raw, and of all chunks of a read nothing is decoded
but what is looked at: a parsed chunk object per token costs several times what all the rest does.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import msgspec
import orjson

from chassis.address_policy import AddressPolicy
from chassis.server_url import BadServerUrl, ServerUrl, parse_server_url
from chassis.service import Component
from chat_service.answer.domain.ending import Usage
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.parameters import GenerationParameters
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import (
    ProviderBroke,
    ProviderError,
    ProviderGarbled,
    ProviderUrlInvalid,
)
from chat_service.providers.listing import list_models
from chat_service.providers.transport import GuardedClient, Source

# An SSE line longer than this is no chunk of a chat completion.
_MAX_LINE_BYTES = 1024 * 1024
# A read that brings so much is of a model that is faster than any reader: no waiting for flushes.
_FAST_BYTES = 16 * 1024
# For so many flushes in a row a silent model is looked at, before its reader waits for it.
_LOOKS_FOR_NOTHING = 25
_END = b"[DONE]"


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


_Read = tuple[Piece, ProviderError | None]

#: Takes a piece and returns True, or takes nothing of it and returns False.
Take = Callable[[Piece], bool]


class NextRead(Protocol):
    """Says when a slow model's socket is to be read."""

    async def __call__(self, release: Callable[[], None], collect: Callable[[], bool], /) -> None:
        """Call ``release`` and, once the loop has read what is there, ``collect``; again for as
        long as that returns True. Or return at once: then there is no waiting.
        """


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

    async def models(self, connection: Connection) -> tuple[Model, ...]:
        """What models the connection's server has, by id. Raises ProviderError; no timers."""
        if self._client is None:
            raise RuntimeError("the provider has not been started")
        return await list_models(self._client, connection)

    async def stream(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
        next_read: NextRead,
        take: Take | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece; no retry, no timers of its own.

        The first text comes as soon as it is there; from then on the socket is read when
        ``next_read`` says so, and what came meanwhile is one piece. Most of those go to ``take``,
        if there is one, and only what that leaves is yielded.

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
                async for piece in read_stream(source, next_read, take):
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
    source: Source, next_read: NextRead, take: Take | None = None
) -> AsyncIterator[Piece]:
    """Server-sent events of a chat completion, one Piece for each read of the socket.

    A read that ends in mid-event leaves the rest for the next. Thinking comes before the text
    of the same read: providers finish the one before they begin the other. Pieces that come while
    ``next_read`` waits go to ``take``, those that need nobody's attention. Raises
    ProviderGarbled, and ProviderError for an error that comes in the stream; what stood before
    it has been yielded then.
    """
    reading = _Reading(source, take)
    while (read := reading.left or await reading.next()) is not None:
        reading.left = None
        piece, problem = read
        yield piece
        if problem is not None:
            raise problem
        if piece.finished:
            return
        if reading.is_slow(piece.size):
            source.hold()
            await next_read(source.release, reading.collect)
            source.release()


class _Reading:
    """A stream as far as it has been read."""

    def __init__(self, source: Source, take: Take | None) -> None:
        self._source = source
        self._take = take
        self._rest = bytearray()
        self._spoken = False
        self._nothing = 0
        #: What was read and not passed on: it is an end, in one way or another.
        self.left: _Read | None = None

    def is_slow(self, size: int) -> bool:
        """Whether the model has begun, and is none that is faster than any reader."""
        return self._spoken and size < _FAST_BYTES

    async def next(self) -> _Read | None:
        """The next read, once it has come; None at the end. Raises ProviderGarbled."""
        data = await self._source.read()
        return self._decode(data) if data else None

    def collect(self) -> bool:
        """Take what has come between two flushes; False if it is for the reader itself to go on.

        While nothing comes it is looked for again, for as many flushes as take a second or two.
        """
        source = self._source
        if not (size := source.waiting):
            self._nothing += 1
            return self._nothing < _LOOKS_FOR_NOTHING and not source.is_over
        self._nothing = 0
        if self._take is None or size >= _FAST_BYTES:
            return False
        try:
            piece, problem = self._decode(source.take())
        except ProviderGarbled as error:
            piece, problem = Piece(), error
        if problem is not None or piece.finished or not self._take(piece):
            self.left = piece, problem
            return False
        source.hold()
        return True

    def _decode(self, data: bytes) -> _Read:
        # Only what is new is looked through and copied, however long the line has become.
        rest = self._rest
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
        self._source.finished = piece.finished
        self._spoken = self._spoken or bool(piece.text or piece.reasoning)
        return piece, problem


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    """What is looked at of a chunk; of the rest no objects are made."""

    choices: list[_Choice]
    usage: Any = None


_CHUNKS = msgspec.json.Decoder(_Chunk)


def _gather(lines: Sequence[bytes]) -> tuple[Piece, ProviderError | None]:
    # Others are comments, other fields, the blank line between events.
    payloads = [line[5:] for line in lines if line.startswith(b"data:")]
    piece = Piece()
    texts: list[str] = []
    thoughts: list[str] = []
    problem: ProviderError | None = None
    if payloads and payloads[-1].strip() == _END:
        piece.finished = True
        payloads.pop()
    if not _take_all(payloads, piece, texts, thoughts):
        problem = _take_each(payloads, piece, texts, thoughts)
    piece.text = "".join(texts)
    piece.reasoning = "".join(thoughts)
    return piece, problem


def _take_all(
    payloads: Sequence[bytes], piece: Piece, texts: list[str], thoughts: list[str]
) -> bool:
    """Take chunks that are what the protocol says, in one go; False, and nothing is taken, if one
    is not.
    """
    try:
        chunks = _CHUNKS.decode_lines(b"\n".join(payloads))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    if len(chunks) != len(payloads):
        return False
    for chunk in chunks:
        for choice in chunk.choices:
            if (delta := choice.delta) is not None:
                if text := delta.content:
                    texts.append(text)
                elif thought := delta.reasoning_content or delta.reasoning:
                    thoughts.append(thought)
            if reason := choice.finish_reason:
                piece.finish_reason = reason
        if chunk.usage:
            piece.usage = _usage(chunk.usage)
    return True


def _take_each(
    payloads: Sequence[bytes], piece: Piece, texts: list[str], thoughts: list[str]
) -> ProviderError | None:
    """Take chunks one by one, in whatever shape can be forgiven, up to the first that cannot be."""
    for payload in payloads:
        if payload.strip() == _END:
            piece.finished = True
            return None
        try:
            _take(payload.strip(), piece, texts, thoughts)
        except ProviderError as error:
            piece.finished = False
            return error
    return None


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
