"""The routes, by subject: each decodes, calls a service, encodes."""

from typing import Any

from fastapi import APIRouter

from gateway.bodies import JsonRoute
from gateway.schemas.base import Problem

API = "/api/v1"

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused; `reason` says why."},
    "5XX": {"model": Problem, "description": "Not possible just now, or our own fault."},
}


def router(tag: str, prefix: str) -> APIRouter:
    """A router of the API for one subject."""
    return APIRouter(
        prefix=API + prefix,
        tags=[tag],
        route_class=JsonRoute,
        responses=_PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )
