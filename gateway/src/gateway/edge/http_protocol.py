"""The HTTP/1.1 connection: its heads, bounded in size and time, and what follows from each."""

import asyncio
from typing import Any

import httptools

from chassis.errors import AppError
from gateway.edge.bodies import BodiesProtocol, Bounds
from gateway.edge.body import Body
from gateway.edge.heads import read_head
from gateway.edge.lingering import LingeringClose
from gateway.edge.upgrades import SocketEndpoint
from gateway.refusals import HeadTooLarge, HeadTooSlow, TargetTooLong

# Requests that may wait on one connection until those before them are answered.
_MAX_PIPELINED = 64


class BoundedHttpProtocol(BodiesProtocol):
    """Refuses a head (request line and headers) that is too large or too slow, and ends a body that
    is; whoever is refused in the midst of sending gets to see the answer.

    The parser keeps a head in memory until it is whole, and neither it nor uvicorn says how
    large that may get, or how long it may take; of bodies, how long they may take.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.client is None:
            # It was reset before it was looked at: nobody is there to serve, or to count.
            self.transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._unset_keepalive_if_required()
        self._abandon()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._closing is not None:
            self._closing.discard(len(data))
            return
        was_in_head = self._in_head
        try:
            behind = self._feed(data)
            if self._upgrading:
                self._take_upgrade(behind)
                return
        except httptools.HttpParserError as error:
            # What one of the methods below has raised in the parser, if that is what stopped it.
            refused = error.__context__
            if isinstance(refused, AppError):
                self._refuse(refused)
            else:
                self._unreadable()
            return
        if self._in_head:
            if self._head_timer is None:
                self._expect_head()
            if was_in_head:
                self._head_bytes += len(data)
                if self._head_bytes > self.bounds.head_limit:
                    self._refuse(self._too_large())
        elif self._body is not None and not self._body.ended:
            self._settle(self._body)

    def on_message_begin(self) -> None:
        if self._repeating_head:
            return
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_head = True
        self._head_began = self.loop.time()
        self._begun = True
        self._upgrading = self._finished = False
        self._body = None

    def on_url(self, url: bytes) -> None:
        if not self._repeating_head:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._repeating_head:
            return
        if self._in_head:
            super().on_header(name, value)
            return
        # A trailer: behind a chunked body, and of no use to anybody.
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self.bounds.head_limit:
            raise httptools.HttpParserError("the trailers are too large")

    def on_headers_complete(self) -> None:
        if self._repeating_head:
            return
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        scope: Any = self.scope
        method = scope["method"] = self.parser.get_method().decode("ascii")
        client, scope["scheme"] = self.bounds.proxies.client_of(scope)
        scope["client"] = (client, 0)
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value)
        if size > self.bounds.head_limit:
            raise self._too_large()
        if len(self.pipeline) >= _MAX_PIPELINED:
            # Stops the parser.
            raise httptools.HttpParserError("too many")
        head = read_head(
            self.parser.get_http_version(), method, scope["scheme"], self.url, self.headers
        )
        self.url = head.target
        if head.authority is not None:
            self.headers[:] = [field for field in self.headers if field[0] != b"host"]
            self.headers.append((b"host", head.authority))
        offers = self.parser.should_upgrade()
        self._upgrading = offers and self._is_handshake(method, head)
        body: Body | None = None
        if head.length != 0:
            if self._upgrading:
                raise httptools.HttpParserError("a handshake has no body")
            if offers:
                self._pass_over(head)
            body = self._announce(head, client)
        # Raises if the address is none: then no request has this body.
        super().on_headers_complete()
        if body is not None:
            self._expect_body(body)

    def _too_large(self) -> AppError:
        if self._begun and len(self.url) > self.bounds.head_limit:
            return TargetTooLong()
        return HeadTooLarge()

    # The clock of a head

    def _expect_head(self) -> None:
        self._head_began = self.loop.time()
        self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._give_up_head)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self._answering() or self.transport.is_closing():
            return
        if self._is_reading():
            self._refuse(HeadTooSlow())
        else:
            # Nothing was asked: browsers connect before they do.
            self.transport.close()

    def _stop_reading(self) -> LingeringClose:
        self._stop_timer()
        return super()._stop_reading()


def bounded_protocol(bounds: Bounds, sockets: SocketEndpoint) -> type[BoundedHttpProtocol]:
    """The protocol with these bounds; uvicorn makes one for each connection by itself."""
    terms = {"bounds": bounds, "sockets": sockets, "unread_seconds": bounds.unread_seconds}
    return type("BoundedHttpProtocol", (BoundedHttpProtocol,), terms)
