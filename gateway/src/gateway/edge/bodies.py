"""The bodies on a connection: each is made from its head, fed, watched, and given up in its own place."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from chassis.errors import AppError
from gateway.edge.body import Body, BodyTerms
from gateway.edge.body_memory import BodyMemory, KeptTooLong
from gateway.edge.direct import offer_direct_write
from gateway.edge.heads import Head
from gateway.edge.http10 import unchunked
from gateway.edge.proxy import TrustedProxies
from gateway.edge.upgrades import UpgradingProtocol
from gateway.refusals import BodyTooSlow, NotHttp


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of heads in bytes and seconds, of bodies, and of answers that are not read, in seconds;
    ``proxies`` say whose they are.
    """

    head_limit: int
    head_seconds: float
    unread_seconds: float
    body: BodyTerms
    held: BodyMemory
    proxies: TrustedProxies


class BodiesProtocol(UpgradingProtocol):
    """Reads bodies within their bounds, of requests that are served and of those that wait."""

    bounds: Bounds

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running: RequestResponseCycle | None = None

    # The parser's side

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
        cycle.transport = self._response_transport  # type: ignore[assignment]
        body = _body_of(cycle)
        if body is not None:
            body.expect(wake=cycle.message_event.set)
        if cycle.scope["http_version"] == "1.0":
            # It knows neither 100 Continue nor chunks.
            cycle.waiting_for_100_continue = False
            app = unchunked(cycle, app)
        offer_direct_write(cycle)
        super()._start_asgi_task(cycle, app)

    # The connection's side

    def _announce(self, head: Head, client: str) -> Body:
        """The body that this head announces, of the request that is made from it next."""
        scope: Any = self.scope
        body = scope["state"]["body"] = Body(
            self.bounds.body,
            self.bounds.held,
            client,
            announced=head.length,
            encoded=head.is_encoded,
        )
        return body

    def _expect_body(self, body: Body) -> None:
        """The request is made: what comes now is its body."""
        self._body = body
        body.forget = partial(_forget_body, self.cycle)

    def _settle(self, body: Body) -> None:
        """Something of ``body`` has come, and not yet all of it."""
        body.settle()
        if body.is_broken or body.is_cut:
            # Its reader has its turn later, and others come before.
            self._stop_reading()
        else:
            self._watch(body)

    def _abandon(self) -> None:
        """The connection is lost: nothing is held for those who wait on it."""
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
            self._stop_reading()
        else:
            self.transport.close()

    def _unreadable(self) -> None:
        body = self._body
        if body is None or body.ended:
            self._refuse(NotHttp())
        elif not body.answered:
            self._fail(body, NotHttp())
        elif self._answering():
            self._stop_reading()
        else:
            self._close_lingering()

    def _fail(self, body: Body, error: AppError) -> None:
        """The request is answered with ``error``, in its own place."""
        body.fail(error)
        self._stop_reading()


def _forget_body(cycle: RequestResponseCycle) -> None:
    cycle.body.clear()


def _body_of(cycle: RequestResponseCycle) -> Body | None:
    body: Body | None = cycle.scope["state"].get("body")
    return body
