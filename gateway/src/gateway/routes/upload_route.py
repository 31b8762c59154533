"""Uploads: a form of one file, handed on as it comes.

Its body is read by the endpoint, under terms of its own, and never held whole.
"""

import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, Final, Self
from urllib.parse import unquote

from fastapi.routing import APIRoute
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import FieldError, Unauthenticated, ValidationFailed
from gateway.edge.body import BodyTerms
from gateway.edge.body_reading import body_of
from gateway.refusals import FileTooLarge, MalformedMultipart, NotMultipart
from gateway.routes.json_route import JsonRoute
from gateway.settings import Settings

_FIELD: Final = "file"
# What a form has beside its file: boundaries, headers, and a name of 4 KB.
_BESIDE: Final = 16 * 1024
# A message to a service; each is held here, on its way and there.
_PIECE: Final = 256 * 1024
# The library knows no parameter that says its encoding.
_NAME_WITH_ENCODING: Final = re.compile(
    r"(?i);[ \t]*filename\*[ \t]*=[ \t]*(?P<encoding>utf-8|iso-8859-1)'[a-z0-9-]*'(?P<name>[^;\s]+)"
)


class UploadRoute(JsonRoute):
    """A route whose body is a form of one file, which its endpoint reads by UploadedFile."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = APIRoute.get_route_handler(self)
        let_in = self.door()

        async def handle_upload(request: Request) -> Response:
            await let_in(request)
            return await handle(request)

        return handle_upload


class UploadedFile:
    """The file of a request's form: ``async with`` it, before anything of the body is read.

    At most ``maximum`` bytes, of which more are refused by what the head announces, if it does. Raises
    NotMultipart, FileTooLarge, ValidationFailed for a form without a body.
    """

    def __init__(self, request: Request, maximum: int) -> None:
        body = body_of(request)
        boundary = _boundary(request)
        if body is None:
            raise ValidationFailed(fields=[FieldError(_FIELD, "REQUIRED")])
        if body.announced is not None and body.announced > maximum + _BESIDE:
            raise FileTooLarge(metadata={"maximum": str(maximum)})
        settings: Settings = request.app.state.settings
        body.take_as(
            BodyTerms(
                most=maximum + _BESIDE,
                seconds=settings.upload_seconds,
                rate=settings.body_bytes_per_second,
                window=settings.body_window_seconds,
                kept=False,
            )
        )
        self._announced = body.announced
        self._boundary_bytes = len(boundary)
        self._request = request
        self._parser = PushMultipartParser(boundary, max_segment_count=1)
        self._events = self._parse()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._events.aclose()

    async def begin(self) -> tuple[str, int | None]:
        """What the file is called, and how many bytes of it will come at most, if that was announced.

        Raises what reading a body raises, MalformedMultipart, and ValidationFailed for a form of
        something else.
        """
        segment = await anext(self._events, None)
        if segment is None:
            self._close()
        if not isinstance(segment, MultipartSegment) or segment.name != _FIELD:
            raise ValidationFailed(fields=[FieldError(_FIELD, "REQUIRED")])
        at_most = None
        if self._announced is not None:
            # Of what is around it the least is taken off: a few bytes more than that may not be the file's.
            around = 2 * self._boundary_bytes + sum(
                len(name) + len(value) for name, value in segment.headerlist
            )
            at_most = max(0, self._announced - around)
        return _name_of(segment), at_most

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What is in the file, once it has begun; the end of the form as well was seen when it ends.

        Raises what reading a body raises, and MalformedMultipart.
        """
        async for event in self._events:
            if isinstance(event, bytes | bytearray):
                for at in range(0, len(event), _PIECE):
                    yield bytes(event[at : at + _PIECE])
        self._close()

    def _close(self) -> None:
        """Nothing more comes. Raises MalformedMultipart unless the form has ended."""
        try:
            self._parser.close()
        except MultipartError:
            raise MalformedMultipart() from None

    async def _parse(self) -> AsyncGenerator[Any, None]:
        async with aclosing(self._request.stream()) as chunks:
            async for chunk in chunks:
                if not chunk:
                    continue
                _check_is_not_revoked(self._request)
                try:
                    for event in self._parser.parse(chunk):
                        yield event
                except MultipartError:
                    raise MalformedMultipart() from None


def _name_of(segment: MultipartSegment) -> str:
    """What the file is called: by `filename*` (RFC 8187) where that can be read, as some programs send a name that is
    not ASCII, or else by `filename`, which is beside it for who cannot read the other.
    """
    told = dict(segment.headerlist).get("Content-Disposition", "")
    # What is in quotation marks is a value, whatever it looks like.
    if found := _NAME_WITH_ENCODING.search('""'.join(told.split('"')[::2])):
        with suppress(UnicodeDecodeError):
            return unquote(found["name"], found["encoding"], "strict")
    return segment.filename or ""


def _boundary(request: Request) -> str:
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary: str = options.get("boundary", "")
    if media_type != "multipart/form-data" or not 1 <= len(boundary) <= 200:
        raise NotMultipart()
    return boundary


def _check_is_not_revoked(request: Request) -> None:
    token = request.state.verified
    if request.app.state.trust.is_revoked(token.caller.sid, token.user, token.issued_at):
        raise Unauthenticated()
