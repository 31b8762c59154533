"""The body of an answer as its socket delivers it, read when that suits who reads it."""

import asyncio
from contextlib import suppress

import aiohttp
from aiohttp.connector import Connection

from chat_service.providers.encodings import Inflating

# What may still come behind a stream's own end is the body's end, if anything.
_LAST_BYTES_SECONDS = 1.0


class Source:
    """The body of an answer, as its socket delivers it."""

    def __init__(
        self, response: aiohttp.ClientResponse, inflating: Inflating | None = None
    ) -> None:
        self._response = response
        self._content = response.content
        self._inflating = inflating
        self.content_type = response.headers.get("Content-Type", "")
        # Set by the reader once the stream has said its own end.
        self.finished = False

    async def read(self) -> bytes:
        """What has arrived, once anything has; empty at the end. Raises ProviderGarbled."""
        if self._inflating is None:
            return await self._content.readany()
        return await self._read_inflated(self._inflating)

    async def _read_inflated(self, inflating: Inflating) -> bytes:
        while True:
            data = b"" if inflating.has_more else await self._content.readany()
            if not data and not inflating.has_more:
                return b""
            if given := inflating.feed(data):
                return given

    @property
    def can_be_held(self) -> bool:
        """Whether :attr:`waiting` says what has arrived; not in an encoding."""
        return self._inflating is None

    @property
    def waiting(self) -> int:
        """How many bytes have arrived and were not read, also those behind which the stream broke."""
        content = self._content
        return content.waiting if isinstance(content, _Body) else 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will arrive."""
        return self._content.is_eof() or self._content.exception() is not None

    def take(self) -> bytes:
        """What has arrived, without waiting for it; to be asked for only if something is waiting."""
        return self._content._read_nowait(-1)  # noqa: SLF001 - the public one drops it for an error

    async def read_to_its_end(self) -> None:
        """Let the body end, so that its connection serves the next answer; then close."""
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                # A server that goes on talking behind the end is not waited for.
                if not self._content.at_eof():
                    await self._content.readany()
        self.close()

    def close(self) -> None:
        """Close the connection, unless the body has ended and given it back."""
        self._response.close()

    def hold(self) -> None:
        """Leave what arrives in the kernel's buffer, for the time being."""
        if (transport := self._transport()) is not None:
            try:  # noqa: SIM105 - it is the hot path, and suppress() costs as much as what it is around
                transport.pause_reading()
            except RuntimeError:  # it is closing, or holds already
                pass

    def release(self) -> None:
        """Take in what arrives again."""
        if (transport := self._transport()) is not None:
            try:  # noqa: SIM105 - as above
                transport.resume_reading()
            except RuntimeError:
                pass

    def _transport(self) -> asyncio.Transport | None:
        connection = self._response.connection
        return None if connection is None else connection.transport


class _Body(aiohttp.StreamReader):
    """A body that is read as it arrives, however it was cut into chunks.

    aiohttp's own reader keeps account of each chunk, and resumes parser and transport for each one
    that is read. Model servers send a chunk for each token, and that was half of what reading cost.
    """

    __slots__ = ()

    @property
    def waiting(self) -> int:
        """Bytes that have arrived and were not read, whatever came behind them."""
        return self._size

    async def readany(self) -> bytes:
        """What has arrived, before the error that came behind it.

        aiohttp's own raises at once, and what arrived together with the break would be lost.
        """
        return self._read_nowait(-1) if self._size else await super().readany()

    def begin_http_chunk_receiving(self) -> None:
        """Where a chunk begins says nothing."""

    def end_http_chunk_receiving(self) -> None:
        """Nor where it ends: :meth:`feed_data` has woken whoever waits."""

    def _read_nowait(self, n: int) -> bytes:
        if n != -1 or self._buffer_offset:
            return super()._read_nowait(n)
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._size = 0
        self._cursor += len(data)
        if self._protocol._reading_paused:  # noqa: SLF001 - by what :meth:`feed_data` did
            self._protocol.resume_reading()
        return data


class StreamedResponse(aiohttp.ClientResponse):
    """A response whose body is a :class:`_Body`, which the parser cannot be told to make."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        response = await super().start(connection)
        if type(self.content) is aiohttp.StreamReader:  # else it is empty
            self.content.__class__ = _Body
        return response
