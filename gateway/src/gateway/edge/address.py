"""The request's address in its one normal form: no redirects, no second spellings."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import MalformedPath, RouteNotFound, problem

# Escapes that would spell a separator, a dot, a backslash or the end of a C string.
_FORBIDDEN = (b"%2e", b"%2f", b"%5c", b"%00", b"\\")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class Address:
    """Strips trailing slashes and spaces, refuses paths with tricks in them, answers HEAD.

    A path with a forbidden escape or a control character is 400; one with an empty segment or
    a dot segment is nobody's address: 404. HEAD goes on as GET; the server leaves the body
    out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        raw: bytes = scope["raw_path"].lower()
        if any(escape in raw for escape in _FORBIDDEN) or _CONTROL.search(path):
            await problem(MalformedPath())(scope, receive, send)
            return
        path = path.rstrip("/ ") or "/"
        if "//" in path or "/../" in f"{path}/" or "/./" in f"{path}/":
            await problem(RouteNotFound())(scope, receive, send)
            return
        scope["path"] = path
        if scope["method"] == "HEAD":
            scope["asked_method"] = "HEAD"
            scope["method"] = "GET"
            send = _without_body(send)
        await self._app(scope, receive, send)


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
