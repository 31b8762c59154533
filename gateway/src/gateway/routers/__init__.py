"""The routes, by subject: each decodes, calls a service, encodes."""

from typing import Any

from fastapi import APIRouter

from gateway.bodies import JsonRoute
from gateway.schemas.base import Problem

API = "/api/v1"

_SECONDS = {"type": "integer", "minimum": 0}
UNAVAILABLE: dict[str, Any] = {
    "model": Problem,
    "description": "Not possible just now, or our own fault.",
    "headers": {
        "Retry-After": {
            "description": "With 503 and 504: seconds until it may be possible.",
            "schema": _SECONDS,
        }
    },
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "description": "Refused; `reason` says why.",
        "headers": {
            "Retry-After": {
                "description": "With 429: seconds until there is room again.",
                "schema": _SECONDS,
            },
            "RateLimit": {
                "description": "With 429: the limit, what is left of it, and the same seconds, as in"
                " draft-ietf-httpapi-ratelimit-headers-10.",
                "schema": {"type": "string"},
                "example": '"too-many-attempts";r=0;t=60',
            },
        },
    },
    "5XX": UNAVAILABLE,
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
