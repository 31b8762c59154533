"""The built pages of people: read once, served from memory, under a policy that lets nothing else in.

What a browser navigates to is the application, wherever no route is; it finds its way by the
address. Files are at the addresses that the build gave them, and at no others.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from gateway.documents.held import ASKED, FOREVER, Document

INDEX: Final = "index.html"
#: Where the build puts what it names by its contents.
ASSETS: Final = "/assets/"

_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html",
        ".js": "text/javascript",
        ".css": "text/css",
        ".json": "application/json",
        ".webmanifest": "application/manifest+json",
        ".txt": "text/plain",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".webp": "image/webp",
        ".woff2": "font/woff2",
        ".woff": "font/woff",
        ".ttf": "font/ttf",
    }
)
# What is packed in itself.
_DENSE: Final = frozenset({".png", ".ico", ".webp", ".woff2", ".woff"})
# Made by the build beside each file that is worth it; the best one first.
_CODINGS: Final = MappingProxyType({"br": ".br", "gzip": ".gz"})

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_FEATURES = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), serial=(), "
    "usb=(), xr-spatial-tracking=()"
)
_OF_PAGES: Final = MappingProxyType(
    {
        "content-security-policy": _POLICY,
        "permissions-policy": _FEATURES,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
)
_OF_FILES: Final = MappingProxyType({"cross-origin-resource-policy": "same-origin"})
# Beginnings that are a program's, whether or not there is something behind them.
_PROGRAMS: Final = frozenset({"api", "v1", ASSETS.strip("/")})


class NoPages(Exception):
    """A folder that does not hold built pages; the message says what is wrong with it."""


class Pages(BaseRoute):
    """The route of what the build has put into ``folder``. Raises NoPages.

    ``routes`` are the gateway's others: what begins as one of their addresses does is never a page.
    """

    def __init__(self, folder: Path, routes: Iterable[BaseRoute]) -> None:
        try:
            self._files = _read(folder)
        except OSError as error:
            raise NoPages(f"{error.strerror}: {error.filename or folder}") from None
        self._index = self._files[f"/{INDEX}"]
        taken = {route.path.split("/")[1] for route in routes if isinstance(route, Route)}
        self._programs = _PROGRAMS | (taken - {""})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # HEAD has become GET at the edge.
        if scope["type"] != "http" or scope["method"] != "GET":
            return Match.NONE, {}
        path: str = scope["path"]
        if (document := self._files.get(path)) is not None:
            template = f"{ASSETS}{{file}}" if path.startswith(ASSETS) else path
        elif self._is_page(path) and wants_page(scope["headers"]):
            document, template = self._index, "/{page}"
        else:
            return Match.NONE, {}
        return Match.FULL, {"endpoint": document, "route": _Template(template)}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await scope["endpoint"](Request(scope, receive))
        await response(scope, receive, send)

    async def index(self, request: Request) -> Response:
        """The application itself."""
        return await self._index(request)

    def _is_page(self, path: str) -> bool:
        return path.split("/")[1] not in self._programs


class _Template:
    """What the access log and the metrics call an address."""

    def __init__(self, path_format: str) -> None:
        self.path_format = path_format


def wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a browser asks for something to show, as it does where it navigates to."""
    return any(name == b"accept" and b"text/html" in value.lower() for name, value in headers)


def _read(folder: Path) -> Mapping[str, Document]:
    root = folder.resolve()
    if not (root / INDEX).is_file():
        raise NoPages(f"there is no {INDEX} in {folder}: `make web` builds the pages")
    found = {}
    for file in sorted(_beneath(root)):
        place = file.relative_to(root)
        hidden = any(part.startswith(".") for part in place.parts)
        if hidden or file.suffix in _CODINGS.values() or not file.is_file():
            continue
        if not file.resolve().is_relative_to(root):
            raise NoPages(f"{place} leads out of it")
        found[f"/{place.as_posix()}"] = _document(file, place)
    return found


def _beneath(root: Path) -> Iterator[Path]:
    """Every file under ``root``. Raises OSError where a folder may not be read, unlike ``rglob``."""

    def refuse(error: OSError) -> None:
        raise error

    for folder, _, names in os.walk(root, onerror=refuse):
        yield from (Path(folder, name) for name in names)


def _document(file: Path, place: Path) -> Document:
    media_type = _TYPES.get(file.suffix)
    if media_type is None:
        raise NoPages(f"{place}: no media type is known for it")
    raw = file.read_bytes()
    packed = {
        coding: beside.read_bytes()
        for coding, suffix in _CODINGS.items()
        if (beside := file.with_name(file.name + suffix)).is_file()
    }
    is_page = file.suffix == ".html"
    return Document(
        raw.__bytes__,
        media_type,
        FOREVER if place.parts[0] == ASSETS.strip("/") else ASKED,
        headers=_OF_PAGES if is_page else _OF_FILES,
        # Of what the build packed nothing, gzip is made; of what is dense, nothing is.
        packed=packed or ({} if file.suffix in _DENSE else None),
        vary="Accept, Accept-Encoding" if is_page else "Accept-Encoding",
    )
