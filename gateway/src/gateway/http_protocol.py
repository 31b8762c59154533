"""uvicorn's HTTP/1.1 connection, with bounds on what comes before the body."""

import asyncio
from typing import Any

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

_REFUSALS = {
    400: ("MALFORMED_REQUEST", "Bad Request", "This is not HTTP that can be read."),
    431: (
        "HEADERS_TOO_LARGE",
        "Request Header Fields Too Large",
        "The request's address and headers are too large.",
    ),
}


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head (request line and headers) that is too large or too slow.

    The parser keeps a head in memory until it is whole, and neither it nor uvicorn says how
    large that may get, or how long it may take.
    """

    head_limit: int
    head_seconds: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head and self._head_timer is None:
            self._expect_head()
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_limit:
                self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.head_limit:
            self._refuse(431)
            # Stops the parser; the refusal that uvicorn answers with comes too late then.
            raise httptools.HttpParserError("the head is too large")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn calls it so
        """Also of uvicorn's own refusals: a problem document instead of plain text."""
        self._refuse(400)

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        # None until the first request, whatever uvicorn's annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if not answering and not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: int) -> None:
        self._stop_timer()
        if self.transport.is_closing():
            return
        reason, title, detail = _REFUSALS[status]
        body = orjson.dumps(
            {
                "type": "about:blank",
                "title": title,
                "status": status,
                "detail": detail,
                "reason": reason,
                "request_id": "",
            }
        )
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: application/problem+json\r\n"
            + b"x-content-type-options: nosniff\r\n"
            + b"connection: close\r\n"
            + b"content-length: %d\r\n\r\n" % len(body)
            + body
        )
        self.transport.close()


def bounded_protocol(*, head_limit: int, head_seconds: float) -> type[BoundedHttpProtocol]:
    """The protocol with these bounds; uvicorn makes one for each connection by itself."""
    return type(
        "BoundedHttpProtocol",
        (BoundedHttpProtocol,),
        {"head_limit": head_limit, "head_seconds": head_seconds},
    )
