"""How a connection ends whose client may still be sending, and how one without chunks does."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# A connection that is closed while its client sends is reset, and the answer may be lost with it:
# so long, and for so many bytes, what comes is thrown away instead.
LINGER_SECONDS = 2.0
LINGER_BYTES = 256 * 1024


class Parting:
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


class StandIn:
    """What uvicorn takes for the transport behind an answer: closing is left to ``part``."""

    def __init__(self, transport: asyncio.Transport, part: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = part


def unchunked(cycle: RequestResponseCycle, app: ASGIApp) -> Any:
    """``app`` for a client of HTTP/1.0: an answer of unknown length ends with its connection."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        endless = False

        async def send_plain(message: Message) -> None:
            nonlocal endless
            if message["type"] == "http.response.start":
                endless = all(name != b"content-length" for name, _ in message["headers"])
                if endless:
                    # uvicorn takes it for an answer whose length was told.
                    cycle.chunked_encoding = False
                    cycle.expected_content_length = sys.maxsize
            elif endless and not message.get("more_body", False):
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return serve
