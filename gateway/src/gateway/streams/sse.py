"""A run's frames as server-sent events (SSE), byte by byte as chat-service made them.

This path is the hot one. A frame's data is not parsed, but for a failure's; the frames of one gRPC message go
out in one write, or in slices of 64 KiB; nothing is queued: while a client does not read, its stream is not read
either. The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.errors import AppError
from chassis.grpc.caller import Verified
from chassis.telemetry.logging import get_logger
from gateway.edge.direct import DirectWrite, direct_write_of
from gateway.streams.failures import shown
from gateway.streams.frames import AnyBatch, Batch, Batches, sliced
from gateway.streams.presence import End, LongRequests, Presence
from gateway.streams.subscription import RunSubscription, Sink

_log = get_logger(__name__)

_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # Whoever transforms, compresses above all, collects: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.6
    (b"cache-control", b"no-cache, no-store, no-transform"),
    # Otherwise nginx would collect the events: https://nginx.org/en/docs/http/ngx_http_proxy_module.html
    (b"x-accel-buffering", b"no"),
)
_HEARTBEAT = {"type": "http.response.body", "body": b": \n\n", "more_body": True}
# What whoever looks is told last.
_FAREWELLS: dict[End | None, bytes] = {
    End.REVOKED: b": logged out\n\n",
    End.OUTLIVED: b": go on with a new token\n\n",
}
_END = {"type": "http.response.body", "body": b"", "more_body": False}


def encode(batch: Batch) -> list[bytes]:
    """The batch's frames as events, in slices."""
    events = [
        b"id: %d\nevent: %b\ndata: %b\n\n" % (frame.seq, frame.event.encode(), shown(frame))
        for frame in batch.frames
    ]
    return events if len(events) == 1 else [b"".join(some) for some in sliced(events)]


class EventStream(Response):
    """The response that sends what ``batches`` yields, and closes it whatever happens.

    ``opening``, if given, is the read of the first batch, already under way. A stream that
    breaks off ends without a terminal event: the client follows again from its last id. So does one
    whose token is revoked or has been outlived, after a comment: the run goes on.
    """

    def __init__(
        self,
        batches: Batches,
        requests: LongRequests,
        *,
        heartbeat: float,
        headers: Mapping[str, str],
        opening: asyncio.Task[AnyBatch | None] | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.body = b""
        self.raw_headers = [
            *_HEADERS,
            *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()),
        ]
        self._batches = batches
        self._requests = requests
        self._heartbeat = heartbeat
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._requests.stream_of(scope["state"].get("user_id", "")):
            write = direct_write_of(scope)
            await self._pour(scope["state"]["verified"], receive, send, write)

    async def _pour(
        self, token: Verified, receive: Receive, send: Send, write: DirectWrite | None
    ) -> None:
        async def send_heartbeat() -> None:
            await send(_HEARTBEAT)

        async with aclosing(self._batches) as batches:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            presence = self._requests.hold(
                receive, token, heartbeat=send_heartbeat, every=self._heartbeat
            )
            try:
                async with presence:
                    touch = presence.touch
                    if write is not None and isinstance(batches, RunSubscription):
                        batches.pour_into(_short_way(write, presence))
                    if self._opening is not None and (first := await self._opening) is not None:
                        for body in encode(first):
                            await send(_message(body))
                            touch()
                    async for batch in batches:
                        bodies = encode(batch)
                        # A client that does not read must not keep what others' frames came in.
                        del batch
                        for body in bodies:
                            await send(_message(body))
                            touch()
            except AppError as error:
                _log.warning("stream.broken", reason=error.reason)
        if presence.ended is not End.CLIENT_GONE:
            # A client that does not read must not hold up what was cut short from outside.
            async with asyncio.timeout(None if presence.ended is None else 1.0):
                if farewell := _FAREWELLS.get(presence.ended):
                    await send(_message(farewell))
                await send(_END)


def _short_way(write: DirectWrite, presence: Presence) -> Sink:
    """Straight from the frame channel's message to the client's socket, without this stream's task."""

    def pour(batch: Batch) -> bool:
        if presence.ended is not None:
            return False
        bodies = encode(batch)
        if len(bodies) != 1 or not write(bodies[0]):
            return False
        presence.touch()
        return True

    return pour


def _message(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}
