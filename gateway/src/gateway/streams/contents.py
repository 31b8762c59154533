"""What is in a file, as it comes from chat-service: nothing is queued, and no more read than the client takes.

It is somebody's, and may hold whatever they have put into it: a browser saves it and shows nothing of it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, Protocol
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from gateway.streams.presence import LongRequests

_log = get_logger(__name__)


class Piece(Protocol):
    """What comes of a file behind the first message of its stream."""

    @property
    def chunk(self) -> bytes: ...


Pieces = AsyncGenerator[Piece, None]

# Whatever it is, by its kind.
_ANYTHING: Final = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
#: What the document says of it, by status.
CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "All of it, to be saved.",
        "content": _ANYTHING,
        "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
    },
    206: {"description": "The part that `Range` asks for.", "content": _ANYTHING},
    304: {"description": "It is what is known already."},
}

# Behind `Content-Disposition` as well, for who opens it all the same: nothing in it runs, and it is of no origin.
_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def headers_of(name: str, media_type: str, tag: str) -> dict[str, str]:
    """What is said of a file's content, in whichever part it comes."""
    return {
        "accept-ranges": "bytes",
        "etag": tag,
        "content-type": media_type,
        "content-disposition": disposition(name),
        "content-security-policy": _POLICY,
        "cross-origin-resource-policy": "same-origin",
    }


def disposition(name: str) -> str:
    """That it is to be saved, under a name in any script. RFC 6266, appendix D."""
    plain = "".join(
        one if one.isascii() and (one.isalnum() or one in " -_.") else "_" for one in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class FileContent(Response):
    """The response that sends the chunks that ``pieces`` yields, which it closes: a file of ``size`` bytes, or of
    these the ``part`` from its first byte on and before its last.

    Where they end early the connection does: a part is never taken for the whole.
    """

    def __init__(
        self,
        pieces: Pieces,
        requests: LongRequests,
        size: int,
        part: tuple[int, int] | None,
        headers: dict[str, str],
    ) -> None:
        status = 200
        if part is not None:
            begin, end = part
            headers = {**headers, "content-range": f"bytes {begin}-{end - 1}/{size}"}
            status, size = 206, end - begin
        super().__init__(None, status, {**headers, "content-length": str(size)})
        self._pieces = pieces
        self._requests = requests
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._size
        async with aclosing(self._pieces) as pieces:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if "asked_method" in scope:
                # A HEAD, which nothing is read for.
                await send({"type": "http.response.body", "body": b""})
                return
            presence = self._requests.hold(receive, scope["state"].get("verified"))
            try:
                async with presence:
                    async for piece in pieces:
                        left -= len(piece.chunk)
                        message = {
                            "type": "http.response.body",
                            "body": piece.chunk,
                            "more_body": True,
                        }
                        await send(message)
            except AppError as error:
                _log.warning("file.broken_off", reason=error.reason)
        if left == 0:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
