"""The lingering close of a connection whose client may still be sending: RFC 9112, 9.6."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

# A connection that is closed while its client sends is reset, and the answer may be lost with it:
# so long, and for so many bytes, what comes is thrown away instead.
LINGER_SECONDS = 2.0
LINGER_BYTES = 256 * 1024


class LingeringClose:
    """From now on nothing is read from a connection but to be thrown away."""

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self._transport = transport
        self._flow = flow
        self._thrown = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_lingering(self) -> bool:
        """Whether the answer has been written."""
        return self._timer is not None

    def discard(self, size: int) -> None:
        """So many bytes came. Beyond LINGER_BYTES the client is held up."""
        self._thrown += size
        if self._thrown > LINGER_BYTES:
            self._flow.pause_reading()

    def linger(self) -> None:
        """The answer is written: say so, and close once the client has, or after LINGER_SECONDS."""
        if self.is_lingering or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._thrown = 0
        self._flow.resume_reading()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LINGER_SECONDS, self._transport.close)

    def stop(self) -> None:
        """The connection is no more."""
        if self._timer is not None:
            self._timer.cancel()


class ResponseTransport:
    """What uvicorn takes for the transport behind an answer: closing is left to ``close``."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close
