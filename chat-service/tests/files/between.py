"""A server of HTTP in front of another, which does to what passes whatever a test says."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_DRIP_SECONDS = 0.01
_EMPTY = (
    b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><KeyCount>0</KeyCount>'
    b"<IsTruncated>false</IsTruncated></ListBucketResult>"
)


@dataclass
class Between:
    """In front of what listens at `port`; without a fault all passes.

    `answers` with this status, and asks nobody; `takes` so many bytes of a body, or `gives` so many of an answer's, and
    hangs up, or, if it `stalls`, says nothing any more; `drips` an answer's bytes one by one; `lists_nothing` of what there is; `is_slow` to store what has come.
    `stored` of that are answered.
    """

    port: int
    url: str = ""
    answers: int | None = None
    takes: int | None = None
    gives: int | None = None
    stalls: bool = False
    drips: bool = False
    lists_nothing: bool = False
    is_slow: bool = False
    asked: int = 0
    stored: int = 0
    healed: asyncio.Event = field(default_factory=asyncio.Event)

    def heal(self) -> None:
        """From now on all passes; who was stalled is hung up on."""
        self.answers = self.takes = self.gives = None
        self.stalls = self.drips = self.lists_nothing = self.is_slow = False
        self.healed.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of a connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            try:
                await self._pass_on(reader, writer)
            finally:
                writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        length = _LENGTH.search(head)
        body = await reader.readexactly(
            min(int(length[1]) if length else 0, self.takes if self.takes is not None else 2**40)
        )
        if self.takes is not None:
            await self._give_up()
        elif self.answers is not None:
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self.answers)
            await writer.drain()
        elif self.lists_nothing and b"list-type=2" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_EMPTY) + _EMPTY)
            await writer.drain()
        else:
            is_stored = self.is_slow and head.startswith((b"PUT", b"POST"))
            if is_stored:
                await self.healed.wait()
            behind, to = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                to.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
                await self._answer(behind, writer)
            finally:
                to.close()
                self.stored += is_stored

    async def _answer(self, behind: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await behind.readuntil(b"\r\n\r\n"))
        left = 2**40 if self.gives is None else self.gives
        while left and (piece := await behind.read(1 if self.drips else min(left, 65536))):
            if self.drips:
                await asyncio.sleep(_DRIP_SECONDS)
            left -= len(piece)
            writer.write(piece)
            await writer.drain()
        if self.gives is not None:
            await self._give_up()

    async def _give_up(self) -> None:
        if self.stalls:
            await self.healed.wait()


@asynccontextmanager
async def in_front_of(port: int) -> AsyncIterator[Between]:
    between = Between(port)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    between.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield between
        between.heal()
