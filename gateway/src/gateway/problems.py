"""Errors as clients see them: RFC 9457 problem documents.

Every error of the gateway is made here. A document names what was refused and why, by reasons
in upper snake case; it never repeats a value that was sent, nor the text of an exception.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chassis.errors import AppError, FieldError, ValidationFailed, untyped
from chassis.telemetry.context import request_id
from gateway.refusals import MethodNotAllowed, RequestRefused, RouteNotFound

MEDIA_TYPE = "application/problem+json"
# nginx's number for a client that left before its answer.
CLIENT_GONE = 499

_MAX_FIELDS = 20
_SHOWABLE_FIELD = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_RESERVED = frozenset({"type", "title", "status", "detail", "reason", "request_id", "errors"})
# Metadata are texts on their way; what is a number is one again in a document.
_NUMBERS = frozenset({"used", "allowed", "maximum"})
# The words of RFC 9110, which Python has had since 3.13.
_TITLES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

# Pydantic's error types: https://docs.pydantic.dev/latest/errors/validation_errors/
_REASONS = {
    "missing": "REQUIRED",
    "extra_forbidden": "UNKNOWN_FIELD",
    "string_too_long": "TOO_LONG",
    "string_too_short": "TOO_SHORT",
    "too_long": "TOO_MANY",
    "too_short": "TOO_FEW",
    "greater_than_equal": "TOO_SMALL",
    "less_than_equal": "TOO_LARGE",
    "int_parsing_size": "OUT_OF_RANGE",
    "out_of_range": "OUT_OF_RANGE",
    "literal_error": "NOT_ONE_OF",
    "enum": "NOT_ONE_OF",
    "invalid_character": "INVALID_CHARACTER",
}
# Where they keep the bound that was missed; all are inclusive.
_MINIMA = ("min_length", "ge")
_MAXIMA = ("max_length", "le")


def problem(error: AppError, headers: Mapping[str, str] | None = None) -> Response:
    """The response that tells a client of ``error``."""
    told = _headers_of(error)
    for name, value in (headers or {}).items():
        told[name] = f"{told[name]}, {value}" if name in told else value
    return _response(members(error), told)


def title_of(status: int) -> str:
    """What a problem of this status is called."""
    return _TITLES.get(status, "Error")


def document(
    status: int,
    reason: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """A problem document with these members, and the id of the request being served."""
    return _response({**_members(status, reason, detail), **(more or {})}, headers or {})


def members(error: AppError) -> dict[str, Any]:
    """What a problem document says of ``error``, also where it is not a response."""
    told = _members(error.http_status, error.reason, error.detail)
    told.update(
        (name, int(value) if name in _NUMBERS and value.isdecimal() else value)
        for name, value in error.metadata.items()
        if name not in _RESERVED
    )
    if error.fields:
        told["errors"] = [_refusal(field) for field in error.fields[:_MAX_FIELDS]]
    return told


def _members(status: int, reason: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": title_of(status),
        "status": status,
        "detail": detail,
        "reason": reason,
        "request_id": request_id.get(),
    }


def _refusal(field: FieldError) -> dict[str, Any]:
    told: dict[str, Any] = {"field": field.field, "reason": field.reason}
    if field.minimum is not None:
        told["minimum"] = field.minimum
    if field.maximum is not None:
        told["maximum"] = field.maximum
    return told


def _response(content: dict[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(
        orjson.dumps(content),
        content["status"],
        media_type=MEDIA_TYPE,
        headers=dict(headers),
    )


def _headers_of(error: AppError) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, RequestRefused) else {}
    status = error.http_status
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    retry_after = error.retry_after
    if retry_after is None and status in (503, 504):
        retry_after = 1
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
        if status == 429:
            # https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
            limit = error.reason.lower().replace("_", "-")
            headers["ratelimit"] = f'"{limit}";r=0;t={retry_after}'
    return headers


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors, by name of field, reason and bound; what was sent is left out."""
    return [
        FieldError(
            field_name(error["loc"][1:] or error["loc"][:1]),
            _REASONS.get(error["type"])
            or ("WRONG_TYPE" if error["type"].endswith(("_type", "_parsing")) else "INVALID"),
            minimum=_bound(error, _MINIMA),
            maximum=_bound(error, _MAXIMA),
        )
        for error in errors[:_MAX_FIELDS]
    ]


def _bound(error: Mapping[str, Any], names: Sequence[str]) -> float | None:
    context = error.get("ctx", {})
    return next((context[name] for name in names if name in context), None)


def field_name(location: Sequence[object]) -> str:
    """A field's name with its path, or ``?`` for one that nobody should have to read."""
    name = ".".join(str(part) for part in location)
    return name if _SHOWABLE_FIELD.fullmatch(name) else "?"


async def on_app_error(_request: Request, error: Exception) -> Response:
    """Typed errors, our own and those of the services."""
    assert isinstance(error, AppError)
    return problem(error)


async def on_invalid_request(_request: Request, error: Exception) -> Response:
    """What does not fit its schema."""
    assert isinstance(error, RequestValidationError)
    return problem(ValidationFailed(fields=field_errors(error.errors())))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What the router itself refuses; its own sentences are not for clients."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            return problem(RouteNotFound())
        case 405:
            allowed = {"allow": ", ".join(_allowed_methods(request))}
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=allowed)
            return problem(MethodNotAllowed(), allowed)
        case status:
            return document(
                status, HTTPStatus(status).name, title_of(status), headers=error.headers
            )


def _allowed_methods(request: Request) -> list[str]:
    # The router's own Allow header knows only the first of several routes with one path.
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    }
    return sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))


async def on_client_gone(_request: Request, _error: Exception) -> Response:
    """Nobody is left to read this; the status is for the access log and the metrics."""
    return Response(status_code=CLIENT_GONE)


async def on_unknown_error(_request: Request, error: Exception) -> Response:
    """Anything else: a bare 500, or 503 of a machine that has no more to give. The access layer logs it with its stack."""
    return problem(untyped(error))
