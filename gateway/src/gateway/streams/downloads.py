"""A file that goes out as it is made: none of it waits here, and none is made before the last was taken."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from gateway.streams.presence import LongRequests

_log = get_logger(__name__)

# The fastest: who waits for a file waits for it to be packed.
_LEVEL = 1
# With the head and the end of a gzip file: https://docs.python.org/3/library/zlib.html#zlib.compressobj
_GZIP = 16 + zlib.MAX_WBITS


class Download(Response):
    """The response that sends ``pieces``, and closes them whatever happens.

    It breaks off, with the connection, where the file cannot be finished: a client then knows that it has
    not all of it. So does one whose token is revoked or has been outlived.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        requests: LongRequests,
        *,
        name: str,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.body = b""
        self.raw_headers = [
            (b"content-type", media_type.encode("latin-1")),
            (b"content-disposition", f'attachment; filename="{name}"'.encode("latin-1")),
            # Otherwise nginx would keep it in files: https://nginx.org/en/docs/http/ngx_http_proxy_module.html
            (b"x-accel-buffering", b"no"),
            (b"cache-control", b"no-store, no-transform"),
            *((of.encode(), value.encode("latin-1")) for of, value in (headers or {}).items()),
        ]
        self._pieces = pieces
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        presence = self._requests.hold(receive, scope["state"]["verified"])
        whole = False
        async with aclosing(self._pieces) as pieces:
            # Only what has begun is ended by being closed; the first piece is there already.
            first = await anext(pieces, None)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if "asked_method" in scope:
                # A HEAD, which nothing is made for.
                await send({"type": "http.response.body", "body": b""})
                return
            try:
                async with presence:
                    if first is not None:
                        await send({"type": "http.response.body", "body": first, "more_body": True})
                    async for piece in pieces:
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                    whole = True
            except AppError as error:
                _log.warning("download.broken", reason=error.reason)
        if whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def begun(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """``pieces``, of which the first is there: what is refused is raised here, not in the middle."""
    try:
        first = await anext(pieces, b"")
    except BaseException:
        await pieces.aclose()
        raise
    return _behind(first, pieces)


async def _behind(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


async def compressed(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """``pieces`` as one gzip file, compressed in a thread beside the loop."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    async with aclosing(pieces):
        async for piece in pieces:
            packed = await asyncio.to_thread(packer.compress, piece)
            if packed:
                yield packed
    yield packer.flush()
