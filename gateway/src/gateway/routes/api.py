"""The router of a subject, and what a route says of its refusals to the document."""

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from gateway.routes.json_route import JsonRoute
from gateway.schemas.base import Problem

API = "/api/v1"

# What the document says in full in each case: see gateway.documents.
UNAVAILABLE: dict[str, Any] = {"model": Problem}
_PROBLEMS: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem}, "5XX": UNAVAILABLE}
_REASONS = "x-reasons"


def refuses(*reasons: str, **also: Any) -> dict[str, Any]:
    """For a route's ``openapi_extra``: why its service refuses, apart from what follows from the
    token, the path and the body it takes.
    """
    return {_REASONS: list(reasons), **also}


def refused_by(route: APIRoute) -> list[str]:
    """The reasons that a route has named with ``refuses``."""
    reasons: list[str] = (route.openapi_extra or {}).get(_REASONS, [])
    return reasons


def router(tag: str, prefix: str, kind: type[JsonRoute] = JsonRoute) -> APIRouter:
    """A router of the API for one subject, whose routes are of one kind."""
    return APIRouter(
        prefix=API + prefix,
        tags=[tag],
        route_class=kind,
        responses=_PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )
