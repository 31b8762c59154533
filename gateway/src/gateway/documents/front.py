"""``/`` and what browsers and robots ask for by themselves."""

from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from gateway.documents.held import Document
from gateway.edge.address import NamedRoute

# Where people are led who come by browser. Without a host: no Host header is believed.
_PAGE = "/docs"
_LINKS = {
    "name": "Parley",
    "api": "/api/v1",
    "docs": "/docs",
    "openapi": "/openapi.json",
    "health": "/healthz",
}
_ICON = resources.files("gateway.documents") / "static" / "icon.svg"


async def _front(request: Request) -> Response:
    headers = {"vary": "Accept"}
    if "text/html" in request.headers.get("accept", "").lower():
        return Response(status_code=302, headers={**headers, "location": _PAGE})
    return JSONResponse(_LINKS, headers=headers)


def front() -> list[BaseRoute]:
    """The door itself, an icon, and a word to robots: there is nothing here for them."""
    icon = Document(_ICON.read_bytes, "image/svg+xml", "public, max-age=86400")
    robots = Document(b"User-agent: *\nDisallow: /\n".__bytes__, "text/plain")
    return [
        NamedRoute("/", _front),
        NamedRoute("/favicon.ico", icon.__call__),
        NamedRoute("/robots.txt", robots.__call__),
    ]
