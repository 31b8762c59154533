"""Documents that do not change while the process lives: their bytes, gzip and entity tags."""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

# For addresses that name what is in them.
FOREVER = "public, max-age=31536000, immutable"
# Kept, and asked about each time.
ASKED = "no-cache"


@dataclass(frozen=True, slots=True)
class _Held:
    raw: bytes
    packed: bytes
    digest: str


@dataclass
class Document:
    """Served from memory once ``make`` has made it, on the first request and outside of the loop.

    Answers 304 to whoever has it, and gzip to whoever takes that.
    """

    make: Callable[[], bytes]
    media_type: str
    cache: str = ASKED
    headers: Mapping[str, str] = field(default_factory=dict)
    _held: _Held | None = None
    _lock: Lock = field(default_factory=Lock)

    def _hold(self) -> _Held:
        with self._lock:
            held = self._held
            if held is None:
                raw = self.make()
                digest = hashlib.sha256(raw).hexdigest()[:32]
                held = self._held = _Held(raw, gzip.compress(raw, mtime=0), digest)
            return held

    async def __call__(self, request: Request) -> Response:
        held = self._held
        if held is None:
            held = await run_in_threadpool(self._hold)
        packed = _takes_gzip(request)
        # Strong tags differ by encoding: RFC 9110, 8.8.3.3.
        tag = f'"{held.digest}{"-gzip" if packed else ""}"'
        headers = {
            **self.headers,
            "etag": tag,
            "cache-control": self.cache,
            "vary": "Accept-Encoding",
        }
        if tag in _tags(request):
            return Response(status_code=304, headers=headers)
        if packed:
            headers["content-encoding"] = "gzip"
        return Response(
            held.packed if packed else held.raw, media_type=self.media_type, headers=headers
        )


def _tags(request: Request) -> set[str]:
    """What the client says that it has; weak comparison, as If-None-Match asks."""
    offered = request.headers.get("if-none-match", "").split(",")
    return {tag.strip().removeprefix("W/") for tag in offered}


def _takes_gzip(request: Request) -> bool:
    """Whether gzip is among what the client accepts: RFC 9110, 12.5.3."""
    for offer in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
