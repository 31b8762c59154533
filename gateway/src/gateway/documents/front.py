"""``/`` and what browsers and robots ask for by themselves."""

from collections.abc import Awaitable, Callable
from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from gateway.documents.held import Document
from gateway.documents.pages import Pages, wants_page
from gateway.edge.address import NamedRoute

# Where people are led who come by browser, if there are no pages. Without a host: no Host header is believed.
_PAGE = "/docs"
_LINKS = {
    "name": "Parley",
    "api": "/api/v1",
    "docs": "/docs",
    "openapi": "/openapi.json",
    "health": "/healthz",
}
_BY_ACCEPT = {"vary": "Accept"}
# Of an address that it may not ask for, a search engine lists the bare address if it has met it somewhere: of
# a share that is its link. So it may ask, and is told not to list it.
_ROBOTS = b"User-agent: *\nDisallow: /\nAllow: /share/\n"
_ICON = resources.files("gateway.documents") / "static" / "icon.svg"


def front(pages: Pages | None) -> list[BaseRoute]:
    """The door itself, an icon, and a word to robots: there is nothing here for them."""
    icon = Document(_ICON.read_bytes, "image/svg+xml", "public, max-age=86400")
    robots = Document(_ROBOTS.__bytes__, "text/plain")
    return [
        NamedRoute("/", _door(pages)),
        NamedRoute("/favicon.ico", icon.__call__),
        NamedRoute("/robots.txt", robots.__call__),
    ]


def _door(pages: Pages | None) -> Callable[[Request], Awaitable[Response]]:
    async def door(request: Request) -> Response:
        if not wants_page(request.scope["headers"]):
            return JSONResponse(_LINKS, headers=_BY_ACCEPT)
        if pages is not None:
            return await pages.index(request)
        return Response(status_code=302, headers={**_BY_ACCEPT, "location": _PAGE})

    return door
