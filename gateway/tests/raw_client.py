"""A client that says whatever bytes a test has it say."""

import asyncio
import socket
import struct
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import orjson

from .door import Door


@dataclass(frozen=True)
class RawAnswer:
    """One answer as it came: its status line, its headers in lower case, its bytes."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.line.split(" ", 2)[1])

    @property
    def problem(self) -> Any:
        assert self.headers["content-type"] == "application/problem+json"
        return orjson.loads(self.body)


class RawClient:
    """A connection on which the test says these very bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, *pieces: bytes) -> None:
        self.writer.writelines(pieces)
        await self.writer.drain()

    async def head(self) -> RawAnswer:
        """The next answer, but for its body."""
        async with asyncio.timeout(30):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:-2])
        return RawAnswer(lines[0], {name.lower(): value for name, value in pairs}, b"")

    async def answer(self) -> RawAnswer:
        """The next answer, whose length is announced."""
        head = await self.head()
        async with asyncio.timeout(30):
            body = await self.reader.readexactly(int(head.headers.get("content-length", "0")))
        return RawAnswer(head.line, head.headers, body)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(30):
            return await self.reader.read()

    async def closed(self) -> bool:
        """True once the connection is gone, nothing more having come."""
        try:
            return await self.rest() == b""
        except ConnectionError:
            return True

    def hang_up(self, *, reset: bool) -> None:
        """Go, with an RST or a FIN."""
        if reset:
            held = self.writer.get_extra_info("socket")
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


class CallRaw:
    """``await call_raw(door, b"GET …")``: a client that has said so."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(
        self, door: Door, *pieces: bytes, source: str = "127.0.0.1", limit: int = 2**16
    ) -> RawClient:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", door.port, local_addr=(source, 0), limit=limit
        )
        self._stack.push_async_callback(_close, writer)
        client = RawClient(reader, writer)
        await client.say(*pieces)
        return client
