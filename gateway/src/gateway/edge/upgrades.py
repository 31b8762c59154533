"""Upgrades: the hand-over of a connection to a WebSocket, and the offers that are passed over."""

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, Protocol

import httptools

from chassis.errors import AppError
from gateway.edge.closing import ClosingProtocol
from gateway.edge.heads import Head, tokens


class Socket(Protocol):
    """A connection whose handshake was accepted: its asyncio protocol, and the rest of its life."""

    @property
    def wire(self) -> object: ...
    def serve(self) -> Coroutine[None, None, None]: ...


class SocketEndpoint(Protocol):
    """Answers handshakes at ``path``, and at no other address."""

    path: str

    async def open(
        self, scope: Mapping[str, object], transport: asyncio.Transport
    ) -> tuple[bytes, Socket] | None:
        """The answer and the socket; None if the connection was closed meanwhile. Raises AppError."""


class UpgradingProtocol(ClosingProtocol):
    """Hands the connection over to a socket, and reads on behind whatever else was offered."""

    sockets: SocketEndpoint

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # How the body is framed that the parser passes over with an upgrade that nobody takes.
        self._passed_over: bytes | None = None
        self._repeating_head = False

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

    def _pass_over(self, head: Head) -> None:
        """Have the body of this head read, though the parser takes the upgrade for granted."""
        self._passed_over = (
            b"transfer-encoding: chunked"
            if head.length is None
            else b"content-length: %d" % head.length
        )

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

    def _should_upgrade(self) -> bool:
        return self._upgrading

    def _is_handshake(self, method: str, head: Head) -> bool:
        """Whether it offers what is taken here: RFC 6455, 4.2.1. Else Upgrade is passed over."""
        return (
            method == "GET"
            and head.version == "1.1"
            and head.target.partition(b"?")[0] == self.sockets.path.encode()
            and b"websocket" in tokens(head.fields.get(b"upgrade"))
            and b"upgrade" in tokens(head.fields.get(b"connection"))
        )

    def _take_upgrade(self, behind: bytes) -> None:
        """The handshake by the head that is parsed already; then the connection is a socket's.

        ``behind`` came along with it, and is for the socket. Not while an answer is under way here:
        it would go on writing, held up by nobody.
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
            opened = await self.sockets.open(self.scope, self.transport)
        except AppError as error:
            self._refuse(error, route=self.sockets.path, identified=True)
            return
        except BaseException:
            self.transport.abort()
            raise
        if opened is None:
            return
        answer, socket = opened
        wire: Any = socket.wire
        # So that uvicorn's end is the socket's as well: told to close, and waited for.
        self.connections.discard(self)
        self.connections.add(wire)
        wire.on_lost = partial(self.connections.discard, wire)
        self._unread.stop()
        self.transport.write(answer)
        self.transport.set_protocol(wire)
        if behind:
            wire.data_received(behind)
        self.flow.resume_reading()
        # The parser and this protocol hold each other.
        self.parser = None  # type: ignore[assignment]
        await socket.serve()
