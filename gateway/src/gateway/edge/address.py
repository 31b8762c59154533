"""The request's address in its one normal form: no redirects, no second spellings."""

import re
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import problem
from gateway.refusals import MalformedPath, RouteNotFound

# Escapes that would spell a separator, a dot, a backslash or the end of a C string.
_FORBIDDEN = (b"%2e", b"%2f", b"%5c", b"%00", b"\\")
# The converter of a route whose last segment is a name: whatever somebody has called something.
_NAME = ":path}"
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
# RFC 9110, 9.3.7: what is asked of the server as a whole.
_SERVER = SimpleNamespace(path_format="*")


def normal(path: str) -> str:
    """``path`` without slashes at its end. What was escaped in it is of a segment, blank or not."""
    return path.rstrip("/") or "/"


def route_at(routes: Iterable[BaseRoute], path: str) -> BaseRoute | None:
    """The route whose address ``path`` is, with whatever method."""
    path = normal(path)
    found = (one for one in routes if isinstance(one, Route) and one.path_regex.match(path))
    return next(found, None)


class NamedRoute(Route):
    """A route that is told of by ``template``, as FastAPI's own are by theirs."""

    def __init__(self, path: str, endpoint: Callable[..., Any], template: str = "") -> None:
        super().__init__(path, endpoint, include_in_schema=False)
        self.path_format = template or path

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.NONE:
            child["route"] = self
        return match, child


def before_names(routes: Iterable[BaseRoute]) -> tuple[str, ...]:
    """What the addresses begin with that end with a name."""
    return tuple(
        one.path[: one.path.rindex("{")]
        for one in routes
        if isinstance(one, Route) and one.path.endswith(_NAME)
    )


class Address:
    """Strips trailing slashes, refuses paths with tricks in them, answers HEAD and ``OPTIONS *``.

    A path with a forbidden escape or a control character is 400; one with an empty segment or
    a dot segment is nobody's address: 404. HEAD goes on as GET; the server leaves the body
    out. ``names`` are beginnings behind which one segment is a name: its escapes spell characters
    of the name and nothing else, controls apart.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str] = ()) -> None:
        self._app = app
        self._before_names = tuple(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == "*":
            scope["route"] = _SERVER
            await Response(status_code=204, headers={"allow": _METHODS})(scope, receive, send)
            return
        raw, name = self._name_apart(scope["raw_path"].partition(b"?")[0])
        if any(escape in raw.lower() for escape in _FORBIDDEN) or _CONTROL.search(path):
            await problem(MalformedPath())(scope, receive, send)
            return
        if name is None:
            path = rest = normal(path)
        else:
            rest = raw.decode()
            path = rest + unquote(name.decode("ascii", "replace"))
        # Of a name that is more than a segment, and no escape says so, nothing is left to ask.
        nameless = name is None and any(path.startswith(one) for one in self._before_names)
        if nameless or "//" in rest or "/../" in f"{rest}/" or "/./" in f"{rest}/":
            await problem(RouteNotFound())(scope, receive, send)
            return
        scope["path"] = path
        if scope["method"] == "HEAD":
            scope["asked_method"] = "HEAD"
            scope["method"] = "GET"
            send = _without_body(send)
        await self._app(scope, receive, send)

    def _name_apart(self, raw: bytes) -> tuple[bytes, bytes | None]:
        """``raw`` up to the name that it ends with, and that; None: it ends with none."""
        for beginning in map(str.encode, self._before_names):
            name = raw[len(beginning) :].rstrip(b"/")
            if raw.startswith(beginning) and name and b"/" not in name and b"\\" not in name:
                return beginning, name
        return raw, None


def _without_body(send: Send) -> Send:
    # Ended at the first piece, or an event stream would go on behind a closed response.
    ended = False

    async def send_head(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.body":
            if ended:
                return
            ended = True
            message = {**message, "more_body": False}
        await send(message)

    return send_head
