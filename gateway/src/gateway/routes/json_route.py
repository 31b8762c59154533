"""JSON bodies, read so that nothing hostile gets further than a 4xx.

orjson refuses what would hurt later: NaN, numbers beyond a double, lone surrogates, invalid
UTF-8, nesting deeper than 1,024. U+0000 it lets through: that is looked for here, since
PostgreSQL cannot store it. Of a name that comes twice the last value counts, and nothing
behind the gateway sees the JSON itself: orjson has no hook for it, and the parser that has one
takes 42 ms instead of 12 for a megabyte of small objects.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from chassis.errors import FieldError, ValidationFailed
from gateway.edge.body_reading import body_of
from gateway.identity.authentication import AccessToken, authenticate
from gateway.problems import field_name
from gateway.refusals import MalformedJson, UnsupportedMediaType
from gateway.routes.packing import pack, packs
from gateway.routes.single import single

# No body of the API has so many fields; a million unknown ones are not worth a report.
_MAX_FIELDS = 64


class JsonRoute(APIRoute):
    """A route whose body is JSON or absent; the token is verified before a body is read. What it shows is packed.

    What stands in its path for an id is handed on as it is: its service says what names nothing that exists.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._beginning = path.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route. The router asks one after the other: most of them are told apart by how their address begins, for
        a sixth of what it takes to look at the whole of it.
        """
        if not scope["path"].startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)

    def handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request whose token is verified, and whose JSON has been read."""
        return super().get_route_handler()

    def door(self) -> Callable[[Request], Coroutine[Any, Any, None]]:
        """What looks at a request before its body is read: its token, and what may be said once."""
        wanted = token_wanted(self.dependant)
        check_single = single(self.dependant)

        async def let_in(request: Request) -> None:
            if wanted is not None:
                request.state.caller = await authenticate(request, wanted)
            check_single(request)

        return let_in

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = self.handler()
        wants_body = self.body_field is not None
        let_in = self.door()
        is_packed = packs(self)

        async def handle_json(request: Request) -> Response:
            await let_in(request)
            body = body_of(request)
            if wants_body:
                if body is not None and "content-type" in request.headers:
                    _check_is_json(request)
                # Not Request.body(), which keeps it until the end of the answer.
                raw = b"".join([chunk async for chunk in request.stream()])
                request = _ReadRequest(request, read_json(request, raw) if raw else None)
                del raw
            elif body is not None:
                body.decline()
            response = await handle(request)
            if is_packed:
                await pack(request, response)
            return response

        return handle_json


def read_json(request: Request, raw: bytes) -> dict[str, Any]:
    """The JSON object that ``raw`` spells.

    Raises UnsupportedMediaType, MalformedJson, or ValidationFailed with the fields that hold
    U+0000.
    """
    _check_is_json(request)
    parsed = json_object(raw)
    refuse_nul(raw, parsed)
    return parsed


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that ``raw`` spells, U+0000 and all.

    Raises MalformedJson or ValidationFailed.
    """
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedJson() from None
    if not isinstance(parsed, dict):
        raise ValidationFailed(fields=[FieldError("body", "WRONG_TYPE")])
    if len(parsed) > _MAX_FIELDS:
        raise ValidationFailed(fields=[FieldError("body", "TOO_MANY_FIELDS")])
    return parsed


def refuse_nul(raw: bytes, parsed: dict[str, Any]) -> None:
    """Raises ValidationFailed with the fields of ``parsed``, read from ``raw``, that hold U+0000."""
    # A cheap look first: without the escape in the text there can be none in a string.
    if b"\\u0000" not in raw:
        return
    fields = [
        FieldError(field_name([name]), "INVALID_CHARACTER")
        for name, value in parsed.items()
        if "\x00" in name or _has_nul(value)
    ]
    if fields:
        raise ValidationFailed(fields=fields)


def _check_is_json(request: Request) -> None:
    if not _is_json(request.headers.get("content-type", "")):
        raise UnsupportedMediaType()


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() != "application/json":
        return False
    name, _, value = parameters.partition("=")
    return name.strip().lower() != "charset" or value.strip().strip('"').lower() == "utf-8"


def _has_nul(value: Any) -> bool:
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text if "\x00" in text:
                return True
            case list() as items:
                pending.extend(items)
            case dict() as members:
                pending.extend(members)
                pending.extend(members.values())
    return False


def token_wanted(dependant: Dependant) -> AccessToken | None:
    """The token that a route with these dependencies asks for."""
    if isinstance(dependant.call, AccessToken):
        return dependant.call
    found = (token_wanted(dependency) for dependency in dependant.dependencies)
    return next((wanted for wanted in found if wanted is not None), None)


class _ReadRequest(Request):
    """A request whose JSON has been read already: FastAPI would do it its own way."""

    def __init__(self, request: Request, parsed: dict[str, Any] | None) -> None:
        super().__init__(request.scope, request.receive)
        self._parsed = parsed

    async def body(self) -> bytes:
        """Not the body, which is not kept: only whether there was one."""
        return b"" if self._parsed is None else b"{}"

    async def json(self) -> Any:
        return self._parsed
