"""Cross-origin requests: listed origins only. https://fetch.spec.whatwg.org/#http-cors-protocol"""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.edge.address import route_at
from gateway.problems import problem
from gateway.refusals import OriginNotAllowed

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_HEADERS = (
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, "
    "Last-Event-ID, Range, Traceparent, X-Request-ID, X-Share-Opening, X-Share-Password"
)
_EXPOSED = (
    b"Content-Disposition, Content-Range, ETag, RateLimit, Retry-After, "
    b"X-Export-Since, X-Request-ID, X-Run-ID"
)
_MAX_AGE = "600"
# The refresh cookie's, which a page of the same site may send from another origin: where it is
# given, presented and taken back.
_WITH_COOKIES = ("/api/v1/auth/", "/api/v1/me")


class Cors:
    """Answers preflights, and marks responses for pages of the listed origins.

    Requests of other origins are answered without a mark: browsers keep them from the page.
    """

    def __init__(
        self, app: ASGIApp, *, origins: Sequence[str], routes: Sequence[BaseRoute]
    ) -> None:
        self._app = app
        self._routes = routes
        self._origins = frozenset(origin.encode("latin-1") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin: bytes | None = None
        asked: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value
            elif name == b"access-control-request-method":
                asked = value
        if origin is None:
            await self._app(scope, receive, send)
            return
        listed = origin.lower() in self._origins
        if scope["method"] == "OPTIONS" and asked is not None:
            scope["route"] = route_at(self._routes, scope["path"])
            response = self._preflight(origin) if listed else problem(OriginNotAllowed())
            response.raw_headers.extend(_credentials(scope) if listed else ())
            await response(scope, receive, send)
            return
        if not listed:
            await self._app(scope, receive, send)
            return
        marks = [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
            *_credentials(scope),
        ]

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *marks]}
            await send(message)

        await self._app(scope, receive, send_marked)

    def _preflight(self, origin: bytes) -> Response:
        return Response(
            status_code=204,
            headers={
                "access-control-allow-origin": origin.decode("latin-1"),
                "access-control-allow-methods": _METHODS,
                "access-control-allow-headers": _HEADERS,
                "access-control-max-age": _MAX_AGE,
                "vary": "Origin",
            },
        )


def _credentials(scope: Scope) -> list[tuple[bytes, bytes]]:
    if not scope["path"].startswith(_WITH_COOKIES):
        return []
    return [(b"access-control-allow-credentials", b"true")]
