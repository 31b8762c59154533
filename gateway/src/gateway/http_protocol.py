"""uvicorn's HTTP/1.1 connection: bounds on what comes before the body, and the way to a socket."""

import asyncio
from functools import partial
from typing import Any

import httptools
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from chassis.errors import AppError
from gateway.problems import RequestRefused, problem
from gateway.ws.door import PATH, SocketDoor
from gateway.ws.wire import Gone

_LAST_WORDS = {"x-content-type-options": "nosniff", "connection": "close"}


class HeadTooLarge(RequestRefused):
    status = 431
    reason = "HEADERS_TOO_LARGE"
    detail = "The request's address and headers are too large."


class NotHttp(RequestRefused):
    status = 400
    reason = "MALFORMED_REQUEST"
    detail = "This is not HTTP that can be read."


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head (request line and headers) that is too large or too slow.

    The parser keeps a head in memory until it is whole, and neither it nor uvicorn says how
    large that may get, or how long it may take.
    """

    head_limit: int
    head_seconds: float
    sockets: SocketDoor

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
                self._refuse(HeadTooLarge())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.head_limit:
            self._refuse(HeadTooLarge())
            # Stops the parser; the refusal that uvicorn answers with comes too late then.
            raise httptools.HttpParserError("the head is too large")
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """The handshake by the head that is parsed already; then the connection is a socket's.

        Not while an answer is under way here: it would go on writing, held up by nobody.
        """
        if self._answering():
            # Nor is there a place for a refusal between its bytes.
            self.transport.abort()
            return
        # Nothing is for this protocol any more; what comes is for the socket, if there will be one.
        self.flow.pause_reading()
        task = self.loop.create_task(self._open_socket(), name="socket")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _open_socket(self) -> None:
        """Open the socket and serve it to its end."""
        try:
            answer, socket = await self.sockets.open(self.scope, self.transport)
        except AppError as error:
            self._refuse(error)
            return
        except Gone:
            return
        except BaseException:
            self.transport.abort()
            raise
        wire: Any = socket.wire
        # So that uvicorn's end is the socket's as well: told to close, and waited for.
        self.connections.discard(self)
        self.connections.add(wire)
        wire.on_lost = partial(self.connections.discard, wire)
        self.transport.write(answer)
        self.transport.set_protocol(wire)
        self.flow.resume_reading()
        # The parser and this protocol hold each other.
        self.parser = None  # type: ignore[assignment]
        await socket.serve()

    def _should_upgrade_to_ws(self) -> bool:
        return self.scope["method"] == "GET" and self.url.partition(b"?")[0] == PATH.encode()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn calls it so
        """Also of uvicorn's own refusals: a problem document instead of plain text."""
        self._refuse(NotHttp())

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self._answering() and not self.transport.is_closing():
            self.transport.close()

    def _answering(self) -> bool:
        # None until the first request, whatever uvicorn's annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse(self, error: AppError) -> None:
        self._stop_timer()
        if self.transport.is_closing():
            return
        response = problem(error, _LAST_WORDS)
        self.transport.write(_head_of(response) + bytes(response.body))
        self.transport.close()


def _head_of(response: Response) -> bytes:
    lines = [b"%b: %b\r\n" % header for header in response.raw_headers]
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n"])


def bounded_protocol(
    *, head_limit: int, head_seconds: float, sockets: SocketDoor
) -> type[BoundedHttpProtocol]:
    """The protocol with these bounds; uvicorn makes one for each connection by itself."""
    return type(
        "BoundedHttpProtocol",
        (BoundedHttpProtocol,),
        {"head_limit": head_limit, "head_seconds": head_seconds, "sockets": sockets},
    )
