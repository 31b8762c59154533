"""Connections to a provider: kept after a stream's own end; and how what they bring is read."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from chat_service.providers.chunks import Chunks
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderGarbled
from chat_service.providers.port import End, Piece
from chat_service.providers.reading import read_stream
from servicekit.generation_parameters import GenerationParameters

CHUNK = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


class Server:
    """Answers every request with one piece, [DONE], and the body's end in a segment of its own."""

    def __init__(self) -> None:
        self.connections = 0
        self.closed = 0
        self.let_bodies_end = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n"
                )
                body = CHUNK + DONE
                writer.write(b"%x\r\n%b\r\n" % (len(body), body))
                await self.let_bodies_end.wait()
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed += 1
            writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        yield server, f"http://127.0.0.1:{port}/v1"
        server.let_bodies_end.set()


async def ask(provider: ModelClient, base_url: str) -> str:
    connection = Connection(new_id(), "x", "sk-x", "m", base_url, "openai")

    async def next_read(*_: object) -> None:
        await asyncio.sleep(0)

    text = ""
    stream = provider.stream(
        connection,
        [PromptMessage("user", "hello")],
        model="m",
        parameters=GenerationParameters(temperature=0.7, max_tokens=5),
        next_read=next_read,
    )
    async with aclosing(stream):
        async for piece in stream:
            text += piece.text
    return text


async def test_an_answer_does_not_wait_for_the_bodys_end_and_the_next_one_uses_its_connection(
    provider: ModelClient, server: tuple[Server, str]
) -> None:
    served, base_url = server
    assert await asyncio.wait_for(ask(provider, base_url), 1) == "hi"
    served.let_bodies_end.set()

    async def reused() -> bool:
        before = served.connections
        assert await ask(provider, base_url) == "hi"
        return served.connections == before

    await eventually(reused)
    assert served.closed == 0


class Reads:
    """A socket that delivers these bytes, one piece a read."""

    def __init__(self, *reads: bytes) -> None:
        self._reads = list(reads)
        self.content_type = "text/event-stream"
        self.can_be_held = True
        self.finished = False

    async def read(self) -> bytes:
        return self._reads.pop(0) if self._reads else b""

    def hold(self) -> None:
        """Nothing arrives by itself here."""

    def release(self) -> None:
        """See :meth:`hold`."""


async def pieces(*reads: bytes) -> list[Piece]:
    async def next_read(*_: object) -> None:
        """No round is waited for."""

    source: Any = Reads(*reads)
    read = read_stream(source, Chunks(), next_read, most_bytes=1024 * 1024)
    return [piece async for piece in read]


async def test_an_answer_is_the_same_wherever_its_reads_are_cut() -> None:
    body = b": a comment\n\n" + CHUNK + CHUNK + DONE
    for size in (1, 2, 3, 7, 50, len(body)):
        reads = [body[at : at + size] for at in range(0, len(body), size)]
        read = await pieces(*reads)
        assert "".join(piece.text for piece in read) == "hihi"
        assert read[-1].end is End.WHOLE
        assert sum(piece.size for piece in read) == sum(map(len, reads[: len(read)]))


async def test_a_long_line_costs_what_it_weighs_however_small_its_reads_are() -> None:
    async def cost(size: int) -> float:
        """CPU of a line of so many bytes, seconds."""
        line = b": " + b"x" * size
        reads = [line[at : at + 64] for at in range(0, len(line), 64)]
        began = time.process_time()
        read = await pieces(*reads, b"\n" + CHUNK + DONE)
        assert read[-1].text == "hi"
        return time.process_time() - began

    # Of a worker that has run thousands of tests, a collection costs more than the line does.
    gc.disable()
    try:
        small = min([await cost(100_000) for _ in range(5)])
        large = min([await cost(800_000) for _ in range(5)])
    finally:
        gc.enable()
    # Eight times as much to read; quadratic, it would be sixty-four times.
    assert large < 25 * small


async def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(ProviderGarbled):
        await pieces(*[b"x" * 65536] * 17)
