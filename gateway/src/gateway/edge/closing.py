"""How a connection ends: what is no request is refused, and who still sends gets to see the answer."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from chassis.errors import AppError
from gateway.edge.access import UNMATCHED
from gateway.edge.body import Body
from gateway.edge.lingering import LingeringClose, ResponseTransport
from gateway.edge.refusal import refusal
from gateway.edge.unread import UnreadClock


class ClosingProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection, which is closed without a loss of what was answered last, and is
    not kept for who reads nothing of that.
    """

    unread_seconds: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_began = 0.0
        self._begun = self._finished = False
        self._upgrading = False
        # Of the request that is being read; those before it are whole.
        self._body: Body | None = None
        # Once set, whatever comes is thrown away.
        self._closing: LingeringClose | None = None
        self._response_transport: ResponseTransport
        self._unread: UnreadClock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
        self._response_transport = ResponseTransport(self.transport, self._close_lingering)
        self._unread = UnreadClock(self.transport, self.unread_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.stop()
        if self._closing is not None:
            self._closing.stop()
        # What is still being served holds this protocol no more.
        self._response_transport.close = self.transport.close
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.watch()

    def resume_writing(self) -> None:
        self._unread.stop()
        super().resume_writing()

    def on_response_complete(self) -> None:
        self._unread.watch()
        if self._closing is not None and self._closing.is_lingering:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()

    def _refuse(self, error: AppError, *, route: str = UNMATCHED, identified: bool = False) -> None:
        """Answer what is no request; between the bytes of an answer there is no place for that.

        Unless ``identified`` in this context already, it gets its id by what was read of its head.
        """
        if self.transport.is_closing() or self._closing is not None:
            return
        closing = self._stop_reading()
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
        closing.linger()
        self._unread.watch()

    def _is_reading(self) -> bool:
        """Whether a request has begun to come, and not ended."""
        return self._begun and not self._finished

    def _answering(self) -> bool:
        # None until the first request, whatever uvicorn's annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _stop_reading(self) -> LingeringClose:
        """Read no more requests; the connection closes behind the answer to the last that was read."""
        if self._closing is None:
            self._closing = LingeringClose(self.transport, self.flow)
            # None until the first request, whatever uvicorn's annotation says.
            cycle: RequestResponseCycle | None = self.cycle
            if cycle is not None:
                cycle.keep_alive = False
        return self._closing

    def _close_lingering(self) -> None:
        """Close; a client that is still sending gets to see its answer first."""
        if self._closing is None and (self._body is None or self._body.ended):
            self.transport.close()
        else:
            self._stop_reading().linger()
