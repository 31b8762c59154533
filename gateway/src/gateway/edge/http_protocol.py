"""uvicorn's HTTP/1.1 connection: bounds on what a client sends, and the way to a socket."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from chassis.errors import AppError
from gateway.edge.access import UNMATCHED
from gateway.edge.body import Body, BodyTerms
from gateway.edge.heads import check_version, fields_of, is_chunked, origin_form, tokens
from gateway.edge.held import HeldBytes, KeptTooLong
from gateway.edge.parting import Parting, StandIn, unchunked
from gateway.edge.proxy import TrustedProxies
from gateway.edge.refusal import refusal
from gateway.problems import BodyTooSlow, HeadTooLarge, HeadTooSlow, NotHttp, TargetTooLong
from gateway.ws.door import PATH, SocketDoor
from gateway.ws.wire import Gone

# Requests that may wait on one connection until those before them are answered.
_MAX_PIPELINED = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of heads in bytes and seconds, and of bodies; ``proxies`` say whose they are."""

    head_limit: int
    head_seconds: float
    body: BodyTerms
    held: HeldBytes
    proxies: TrustedProxies


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head (request line and headers) that is too large or too slow, and ends a body that
    is; whoever is refused in the midst of sending gets to see the answer.

    The parser keeps a head in memory until it is whole, and neither it nor uvicorn says how
    large that may get, or how long it may take; of bodies, how long they may take.
    """

    bounds: Bounds
    sockets: SocketDoor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._head_began = 0.0
        self._head_timer: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        # Of the request that is being read; those before it are whole.
        self._body: Body | None = None
        self._upgrading = False
        # How the body is framed that the parser passes over with an upgrade that nobody takes.
        self._passed_over: bytes | None = None
        self._repeating_head = False
        self._begun = self._finished = False
        # Once set, whatever comes is thrown away.
        self._parting: Parting | None = None
        self._stand_in: StandIn

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
        self._stand_in = StandIn(self.transport, self._part)
        if self.client is None:
            # It was reset before it was looked at: nobody is there to serve, or to count.
            self.transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._unset_keepalive_if_required()
        if self._parting is not None:
            self._parting.stop()
        running = self._running
        if running is not None and not running.response_complete:
            # uvicorn tells the request that came last, which may be waiting behind this one.
            running.disconnected = True
            running.message_event.set()
        if self._body is not None:
            self._body.end()
        for cycle, _ in self.pipeline:
            if (body := _body_of(cycle)) is not None:
                body.drop()
        # What is still being served holds this protocol no more.
        self._stand_in.close = self.transport.close
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._parting is not None:
            self._parting.discard(len(data))
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
            self._body.settle()
            if self._body.is_broken:
                # Its reader has its turn later, and others come before.
                self._deafen()
            elif self._body.is_cut:
                self._deafen()
            else:
                self._watch(self._body)

    def _feed(self, data: bytes) -> bytes:
        """Have ``data`` parsed; what is behind a handshake, and not HTTP, is returned.

        The parser ends every request that offers an upgrade with its head, as if whatever
        follows were of the other protocol. Where the upgrade is not taken (h2c, or a socket's
        anywhere else), what follows is the request's body and the next requests: taken for
        requests, a body would be answered as one.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as ended:
                data = data[ended.args[0] :]
                if self._upgrading:
                    return data
                if self._passed_over is not None:
                    self._read_passed_over(self._passed_over)
            else:
                return b""
        return b""

    def _read_passed_over(self, framing: bytes) -> None:
        """Go on in a parser that has read a head with this body, and no upgrade."""
        self._passed_over = None
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn has its own: what is behind a request that closes keeps no answer back.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._repeating_head = True
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        finally:
            self._repeating_head = False

    # The parser's side

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
        version = self.parser.get_http_version()
        fields = fields_of(self.headers)
        check_version(version, fields)
        chunked = is_chunked(fields)
        self.url, authority = origin_form(self.url, method, scope["scheme"])
        if authority is not None:
            self.headers[:] = [field for field in self.headers if field[0] != b"host"]
            self.headers.append((b"host", authority))
        offers = self.parser.should_upgrade()
        self._upgrading = offers and version == "1.1" and self._is_handshake(method, fields)
        length = int(fields.get(b"content-length", 0))
        body: Body | None = None
        if chunked or length:
            if self._upgrading:
                raise httptools.HttpParserError("a handshake has no body")
            if offers:
                self._passed_over = (
                    b"transfer-encoding: chunked" if chunked else b"content-length: %d" % length
                )
            encoded = fields.get(b"content-encoding", b"").strip().lower()
            body = scope["state"]["body"] = Body(
                self.bounds.body,
                self.bounds.held,
                client,
                announced=None if chunked else length,
                encoded=encoded not in (b"", b"identity"),
            )
        # Raises if the address is none: then no request has this body.
        super().on_headers_complete()
        if body is not None:
            self._body = body
            body.forget = partial(_forget_body, self.cycle)

    def on_body(self, body: bytes) -> None:
        known = self._body
        if known is None:
            return
        known.arrived += len(body)
        if known.wanted:
            super().on_body(body)
            known.excused = known.excused or self.flow.read_paused

    def on_message_complete(self) -> None:
        if self._passed_over is not None:
            return  # its body is still to come
        self._finished = True
        super().on_message_complete()
        body = self._body
        if body is not None:
            body.settle()
            body.end()
            if self.cycle is not self._running and not body.is_broken:
                self._watch(body)

    # uvicorn's side

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        cycle.transport = self._stand_in  # type: ignore[assignment]
        body = _body_of(cycle)
        if body is not None:
            body.expect(wake=cycle.message_event.set)
        if cycle.scope["http_version"] == "1.0":
            # It knows neither 100 Continue nor chunks.
            cycle.waiting_for_100_continue = False
            app = unchunked(cycle, app)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        if self._parting is not None and self._parting.is_lingering:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()

    def _should_upgrade(self) -> bool:
        return self._upgrading

    def _is_handshake(self, method: str, fields: dict[bytes, bytes]) -> bool:
        """Whether it offers what is taken here: RFC 6455, 4.2.1. Else Upgrade is passed over."""
        return (
            method == "GET"
            and self.url.partition(b"?")[0] == PATH.encode()
            and b"websocket" in tokens(fields.get(b"upgrade"))
            and b"upgrade" in tokens(fields.get(b"connection"))
        )

    def _too_large(self) -> AppError:
        if self._begun and len(self.url) > self.bounds.head_limit:
            return TargetTooLong()
        return HeadTooLarge()

    def _take_upgrade(self, behind: bytes) -> None:
        """The handshake by the head that is parsed already; then the connection is a socket's.

        ``behind`` came along with it, and is for the socket. Not while an answer is under way here: it would go on writing, held up by nobody.
        """
        if self._answering():
            # Nor is there a place for a refusal between its bytes.
            self.transport.abort()
            return
        # Nothing is for this protocol any more; what comes is for the socket, if there will be one.
        self.flow.pause_reading()
        task = self.loop.create_task(self._open_socket(behind), name="socket")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _open_socket(self, behind: bytes) -> None:
        """Open the socket and serve it to its end, from what came behind the handshake on."""
        try:
            answer, socket = await self.sockets.open(self.scope, self.transport)
        except AppError as error:
            self._refuse(error, route=PATH, identified=True)
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
        if behind:
            wire.data_received(behind)
        self.flow.resume_reading()
        # The parser and this protocol hold each other.
        self.parser = None  # type: ignore[assignment]
        await socket.serve()

    # Endings

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

    def _watch(self, body: Body) -> None:
        body.watch(partial(self._give_up_body, body), self._is_paused)

    def _is_paused(self) -> bool:
        return self.flow.read_paused

    def _give_up_body(self, body: Body) -> None:
        if body.ended:
            # It was in time, but it does not stay for as long as those before it please.
            body.fail(KeptTooLong())
        elif not body.answered:
            self._fail(body, BodyTooSlow())
        elif self._answering():
            self._deafen()
        else:
            self.transport.close()

    def _unreadable(self) -> None:
        body = self._body
        if body is None or body.ended:
            self._refuse(NotHttp())
        elif not body.answered:
            self._fail(body, NotHttp())
        elif self._answering():
            self._deafen()
        else:
            self._part()

    def _fail(self, body: Body, error: AppError) -> None:
        """The request is answered with ``error``, in its own place."""
        body.fail(error)
        self._deafen()

    def _refuse(self, error: AppError, *, route: str = UNMATCHED, identified: bool = False) -> None:
        """Answer what is no request; between the bytes of an answer there is no place for that.

        Unless ``identified`` in this context already, it gets its id by what was read of its head.
        """
        self._stop_timer()
        if self.transport.is_closing() or self._parting is not None:
            return
        parting = self._deafen()
        if self._answering():
            return
        known: Any = {"client": self.client, "headers": []}
        if self._upgrading or self._is_reading():
            known = self.scope
        answer = refusal(
            error,
            offered=None if identified else known["headers"],
            client=known["client"][0] if known["client"] else "",
            took=self.loop.time() - self._head_began,
            method=known.get("method", ""),
            route=route,
            also=self.server_state.default_headers,
        )
        self.transport.write(answer)
        parting.linger()

    def _is_reading(self) -> bool:
        """Whether a request has begun to come, and not ended."""
        return self._begun and not self._finished

    def _answering(self) -> bool:
        # None until the first request, whatever uvicorn's annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _deafen(self) -> Parting:
        """Read no more requests; the connection closes behind the answer to the last that was read."""
        if self._parting is None:
            self._parting = Parting(self.transport, self.flow)
            # None until the first request, whatever uvicorn's annotation says.
            cycle: RequestResponseCycle | None = self.cycle
            if cycle is not None:
                cycle.keep_alive = False
        return self._parting

    def _part(self) -> None:
        """Close; a client that is still sending gets to see its answer first."""
        if self._parting is None and (self._body is None or self._body.ended):
            self.transport.close()
        else:
            self._deafen().linger()


def _forget_body(cycle: RequestResponseCycle) -> None:
    cycle.body.clear()


def _body_of(cycle: RequestResponseCycle) -> Body | None:
    body: Body | None = cycle.scope["state"].get("body")
    return body


def bounded_protocol(bounds: Bounds, sockets: SocketDoor) -> type[BoundedHttpProtocol]:
    """The protocol with these bounds; uvicorn makes one for each connection by itself."""
    return type(
        "BoundedHttpProtocol", (BoundedHttpProtocol,), {"bounds": bounds, "sockets": sockets}
    )
