"""What arrives together with the break of a stream is part of the answer."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing, suppress

import pytest

from chassis.ids import new_id
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderError
from chat_service.providers.port import End, Piece
from servicekit.generation_parameters import GenerationParameters

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(text: str) -> bytes:
    return _chunk_of(b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text.encode())


def _chunk_of(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("taking", [True, False])
@pytest.mark.parametrize("reset", [True, False])
async def test_text_that_comes_with_the_break_is_read(
    provider: ModelClient, reset: bool, taking: bool
) -> None:
    """Between two reads, while the socket is held, the last of the text comes and the stream breaks."""
    held, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_HEAD + _chunk("one "))
        await held.wait()
        writer.write(_chunk("two ") + _chunk("three"))
        await writer.drain()
        if reset:
            writer.transport.abort()
        else:
            writer.close()
        gone.set()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    pieces: list[Piece] = []

    async def next_read(release: Callable[[], None], collect: Callable[[], bool]) -> None:
        held.set()
        await gone.wait()
        release()
        # Both have come to the socket: in this time the loop reads them, one behind the other.
        await asyncio.sleep(0.1)
        collect()

    def take(piece: Piece) -> bool:
        if taking:
            pieces.append(piece)
        return taking

    stream = provider.stream(
        Connection(new_id(), "x", "sk-a-key", "m", base_url, "openai"),
        [PromptMessage("user", "hello")],
        model="m",
        parameters=GenerationParameters(),
        next_read=next_read,
        take=take,
    )
    reason = ""
    try:
        async with listener, aclosing(stream):
            async for piece in stream:
                pieces.append(piece)  # noqa: PERF401 - what came before the error counts
    except ProviderError as error:
        reason = error.reason
    assert reason == "PROVIDER_BROKE"
    assert "".join(piece.text for piece in pieces) == "one two three"


_NEWS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_BARE = b"HTTP/1.1 200 OK\nContent-Type: text/event-stream\nTransfer-Encoding: chunked\n\n"
_BROKEN = _chunk("one ") + _chunk("two") + b"no length of a chunk\r\n"


async def _hear(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None
    await reader.readexactly(int(length[1]))


async def _read(provider: ModelClient, base_url: str) -> tuple[str, str]:
    """The text of an answer, and the reason that it ended with, empty for its own end."""
    stream = provider.stream(
        Connection(new_id(), "x", "sk-a-key", "m", base_url, "openai"),
        [PromptMessage("user", "hello")],
        model="m",
        parameters=GenerationParameters(),
        next_read=lambda *_: asyncio.sleep(0),
    )
    text = ""
    try:
        async with aclosing(stream):
            async for piece in stream:
                text += piece.text
    except ProviderError as error:
        return text, error.reason
    return text, ""


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "new"])
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([_HEAD + _BROKEN], id="all in one read"),
        pytest.param([_HEAD, _BROKEN], id="the head by itself"),
        pytest.param([_HEAD[:20], _HEAD[20:] + _BROKEN], id="the head in two reads"),
        pytest.param([_HEAD[:-1], _HEAD[-1:] + _BROKEN], id="cut before the last byte of the head"),
        pytest.param([_HEAD[:-2], _HEAD[-2:] + _BROKEN], id="cut before the blank line"),
        pytest.param([_HEAD[:-3], _HEAD[-3:] + _BROKEN], id="cut before two ends of lines"),
        pytest.param([_HEAD + _BROKEN[:9], _BROKEN[9:]], id="cut in a chunk"),
        pytest.param([_NEWS + _HEAD + _BROKEN], id="behind news"),
        pytest.param([_NEWS + _NEWS[:-1], _NEWS[-1:] + _HEAD + _BROKEN], id="behind cut news"),
        pytest.param([_BARE + _BROKEN], id="line feeds alone"),
    ],
)
async def test_text_that_comes_in_one_read_with_broken_framing_is_read(
    provider: ModelClient, parts: list[bytes], kept: bool
) -> None:
    """What should be a chunk's length is none, and the text before it has come with the head."""
    connections, gone = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if kept:
            await _hear(reader)
            whole = _chunk("whole") + _chunk_of(b"data: [DONE]\n\n") + b"0\r\n\r\n"
            writer.write(_HEAD + whole)
        await _hear(reader)
        for part in parts:
            writer.write(part)
            # Of two parts each is a read of its own, mostly; the text is there in any case.
            await asyncio.sleep(0.01)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        gone.set()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener, asyncio.timeout(30):
        if kept:
            assert await _read(provider, base_url) == ("whole", "")
        assert await _read(provider, base_url) == ("one two", "PROVIDER_GARBLED")
        await gone.wait()
    assert connections == 1


async def test_a_finish_reason_that_is_said_again_and_again_gives_no_more_time(
    provider: ModelClient,
) -> None:
    stop = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_HEAD + _chunk("hi"))
        try:
            while not reader.at_eof():
                writer.write(b"%x\r\n%b\r\n" % (len(stop), stop))
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()
            gone.set()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    stream = provider.stream(
        Connection(new_id(), "x", "sk-a-key", "m", base_url, "openai"),
        [PromptMessage("user", "hello")],
        model="m",
        parameters=GenerationParameters(),
        next_read=lambda *_: asyncio.sleep(0),
    )
    async with asyncio.timeout(30), aclosing(stream):
        pieces = [piece async for piece in stream]
    await gone.wait()
    listener.close()
    assert "".join(piece.text for piece in pieces) == "hi"
    assert pieces[-1].end is End.WHOLE
