"""Documents that do not change while the process lives: their bytes, encodings and entity tags."""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.edge.accept import coding_of

# For addresses that name what is in them.
FOREVER = "public, max-age=31536000, immutable"
# Kept, and asked about each time.
ASKED = "no-cache"


@dataclass(frozen=True, slots=True)
class _Held:
    raw: bytes
    packed: Mapping[str, bytes]
    digest: str


@dataclass
class Document:
    """Served from memory once ``make`` has made it, on the first request and outside of the loop.

    Answers 304 to whoever has it, and the first coding of ``packed`` to whoever takes that; where that
    is None, gzip, which is made with it.
    """

    make: Callable[[], bytes]
    media_type: str
    cache: str = ASKED
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: Mapping[str, bytes] | None = None
    vary: str = "Accept-Encoding"
    _held: _Held | None = None
    _lock: Lock = field(default_factory=Lock)

    def _hold(self) -> _Held:
        with self._lock:
            held = self._held
            if held is None:
                raw = self.make()
                packed = self.packed
                if packed is None:
                    packed = {"gzip": gzip.compress(raw, mtime=0)}
                held = self._held = _Held(raw, packed, hashlib.sha256(raw).hexdigest()[:32])
            return held

    async def __call__(self, request: Request) -> Response:
        held = self._held
        if held is None:
            held = await run_in_threadpool(self._hold)
        coding = coding_of(request, held.packed)
        # Strong tags differ by encoding: RFC 9110, 8.8.3.3.
        tag = f'"{held.digest}{"-" if coding else ""}{coding}"'
        headers = {
            **self.headers,
            "etag": tag,
            "cache-control": self.cache,
            "vary": self.vary,
        }
        if tag in _tags(request):
            return Response(status_code=304, headers=headers)
        if coding:
            headers["content-encoding"] = coding
        content = held.packed[coding] if coding else held.raw
        return Response(content, media_type=self.media_type, headers=headers)


def _tags(request: Request) -> set[str]:
    """What the client says that it has; weak comparison, as If-None-Match asks."""
    offered = request.headers.get("if-none-match", "").split(",")
    return {tag.strip().removeprefix("W/") for tag in offered}
