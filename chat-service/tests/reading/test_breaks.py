"""What arrives together with the break of a stream is part of the answer."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

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
    event = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text.encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


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
