"""The body of an answer as its socket delivers it, read when that suits who reads it."""

import asyncio
from contextlib import suppress

import aiohttp

from chat_service.providers.encodings import GZIP_MARK, Inflating, Undoing
from chat_service.providers.pool import Body

# What may still come behind a stream's own end is the body's end, if anything.
_LAST_BYTES_SECONDS = 1.0


class Source:
    """The body of an answer, as its socket delivers it."""

    def __init__(self, response: aiohttp.ClientResponse, inflating: Undoing | None = None) -> None:
        self._response = response
        self._content = response.content
        self._inflating = inflating
        self._is_new = inflating is None
        self.content_type = response.headers.get("Content-Type", "")
        # Set by the reader once the stream has said its own end.
        self.finished = False

    async def read(self) -> bytes:
        """What has arrived, once anything has; empty at the end. Raises ProviderGarbled."""
        if self._inflating is None:
            data = await self._content.readany()
            if not self._is_new:
                return data
            self._is_new = False
            if not data.startswith(GZIP_MARK):
                return data
            # It was not asked for, and is not said.
            self._inflating = Inflating()
            if given := self._inflating.feed(data):
                return given
        return await self._read_inflated(self._inflating)

    async def _read_inflated(self, inflating: Undoing) -> bytes:
        while True:
            data = b""
            if inflating.has_more:
                # A few bytes may stand for any number: others come between.
                await asyncio.sleep(0)
            elif inflating.is_over or not (data := await self._content.readany()):
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
        return content.waiting if isinstance(content, Body) else 0

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
