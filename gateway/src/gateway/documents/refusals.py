"""Why a route refuses: by status, from what it takes and from what it names."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.routing import APIRoute

from gateway.identity.authentication import AccessToken
from gateway.problems import MEDIA_TYPE, title_of
from gateway.routes.api import refused_by
from gateway.routes.json_route import JsonRoute, token_wanted
from gateway.streams import failures

_STATUSES: Mapping[int, frozenset[str]] = {
    401: frozenset({"INVALID_CREDENTIALS", "INVALID_REFRESH_TOKEN", "UNAUTHENTICATED"}),
    403: frozenset(
        {
            "FORBIDDEN",
            "WRONG_PASSWORD",
            "NOT_YOURSELF",
            "ORIGIN_NOT_ALLOWED",
            "SHARE_PASSWORD_NEEDED",
            "SHARE_PASSWORD_WRONG",
        }
    ),
    404: frozenset(
        {
            "CONTEXT_UNKNOWN",
            "FILE_NOT_FOUND",
            "MESSAGE_NOT_FOUND",
            "IMPORT_NOT_FOUND",
            "KEY_NOT_FOUND",
            "NO_KEY",
            "PERSONA_NOT_FOUND",
            "RUN_NOT_FOUND",
            "SHARE_NOT_FOUND",
            "TENANT_NOT_FOUND",
        }
    ),
    409: frozenset(
        {
            "USERNAME_TAKEN",
            "EMAIL_TAKEN",
            "TOO_MANY_TOKENS",
            "TOO_MANY_KEYS",
            "TOO_MANY_PERSONAS",
            "TOKEN_ALREADY_SHOWN",
            "TENANT_NAME_TAKEN",
            "KEY_NAME_TAKEN",
            "PERSONA_NAME_TAKEN",
            "KEY_UNREADABLE",
            "RUN_IN_PROGRESS",
            "RUN_NOT_CONTINUABLE",
            "MESSAGE_NOT_ANSWERABLE",
            "MESSAGE_EMPTY",
            "MESSAGE_NOT_EDITABLE",
            "MESSAGE_NOT_FINISHED",
            "TOO_MANY_VARIANTS",
            "NOTHING_TO_SHARE",
            "SHARE_ALREADY_SHOWN",
            "TOO_MANY_SHARES",
            "FILES_NOT_OFFERED",
            "FILES_QUOTA_USED_UP",
            "TOO_MANY_FILES",
        }
    ),
    408: frozenset({"BODY_TOO_SLOW"}),
    413: frozenset({"FILE_TOO_LARGE"}),
    415: frozenset({"FILE_KIND_REFUSED", "UNSUPPORTED_MEDIA_TYPE"}),
    416: frozenset({"RANGE_NOT_SATISFIABLE"}),
    422: frozenset(
        {
            "CODE_REQUIRED",
            "FILE_EMPTY",
            "FILE_INCOMPLETE",
            "FILE_UNREADABLE",
            "INVALID_CODE",
            "KEY_NEEDED",
            "MALFORMED_MULTIPART",
            "VALIDATION",
            "WORD_REFUSED",
        }
    ),
    426: frozenset({"UPGRADE_REQUIRED"}),
    429: frozenset(
        {
            "ALLOWANCE_USED_UP",
            "TOO_MANY_ATTEMPTS",
            "TOO_MANY_EXPORTS",
            "IMPORTS_QUOTA_USED_UP",
            "TOO_MANY_IMPORTS",
            "TOO_MANY_QUESTIONS",
            "TOO_MANY_RUNS",
            "TOO_MANY_TESTS",
            "TOO_MANY_SOCKETS",
            "TOO_MANY_STREAMS",
            "USAGE_LIMIT_REACHED",
            "TOO_MANY_UPLOADS",
            "TOO_MUCH_IN_BODIES",
        }
    ),
}
_STATUS_OF = {
    **{reason: status for status, reasons in _STATUSES.items() for reason in reasons},
    # Of a model's.
    **{reason: status for reason, status in failures.STATUSES.items() if status < 500},
}
_HEADERS = {401: ["WWW-Authenticate"], 412: ["ETag"], 429: ["Retry-After", "RateLimit"]}
# What a refusal shows besides; notes are what is changed by version.
_MEMBERS: Mapping[int, Mapping[str, Any]] = {
    412: {"current": {"$ref": "#/components/schemas/Note"}}
}


def refusals_of(route: APIRoute) -> dict[int, list[str]]:
    """The reasons that ``route`` can give with each status below 500, in order of both."""
    found: dict[int, set[str]] = {}

    def add(status: int, *reasons: str) -> None:
        found.setdefault(status, set()).update(reasons)

    for reason in refused_by(route):
        add(_STATUS_OF[reason], reason)
    names = [parameter.name for parameter in route.dependant.path_params]
    if names:
        add(400, "MALFORMED_PATH")
        things = [name.removesuffix("_id") for name in names if name.endswith("_id")]
        add(404, *(f"{thing.upper()}_NOT_FOUND" for thing in things))
    if _token(route) is not None:
        # Personal access tokens can be guessed at: by so many from one address.
        add(401, "UNAUTHENTICATED", "ACCOUNT_DELETED")
        add(403, "INSUFFICIENT_SCOPE")
        add(429, "TOO_MANY_ATTEMPTS")
    if route.body_field is not None:
        add(408, "BODY_TOO_SLOW")
        add(413, "BODY_TOO_LARGE")
        add(415, "UNSUPPORTED_MEDIA_TYPE")
        add(422, "VALIDATION", "MALFORMED_JSON")
        add(429, "TOO_MUCH_IN_BODIES")
    if _parameters(route):
        add(422, "VALIDATION")
    if "if-match" in _parameters(route):
        add(412, "PRECONDITION_FAILED")
    if "idempotency-key" in _parameters(route):
        add(409, "REQUEST_IN_PROGRESS")
        add(422, "IDEMPOTENCY_KEY_REUSED")
    return {status: sorted(found[status]) for status in sorted(found)}


def response(status: int, reasons: Sequence[str]) -> dict[str, Any]:
    """What the document says of a refusal with ``status`` for one of ``reasons``."""
    told: dict[str, Any] = {
        "description": f"{title_of(status)}: "
        + ", ".join(f"`{reason}`" for reason in reasons)
        + ".",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "allOf": [{"$ref": "#/components/schemas/Problem"}],
                    "properties": {
                        "status": {"const": status},
                        "reason": {"enum": list(reasons)},
                        **_MEMBERS.get(status, {}),
                    },
                },
                "example": _example(status, reasons[-1]),
            }
        },
    }
    if status in _HEADERS:
        told["headers"] = {
            name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS[status]
        }
    return told


def failure(status: int, reason: str, description: str, *, waiting: bool) -> dict[str, Any]:
    """What the document says of what is nobody's fault who asks, such as ``status``."""
    told: dict[str, Any] = {
        "description": description,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": _example(status, reason),
            }
        },
    }
    if waiting:
        told["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return told


def _example(status: int, reason: str) -> dict[str, Any]:
    shown = {
        "type": "about:blank",
        "title": title_of(status),
        "status": status,
        "detail": "A sentence for people.",
        "reason": reason,
        "request_id": "0192f0c1a7e47d5f8a3e2b6c",
    }
    if reason == "VALIDATION":
        refused = {"field": "the_field", "reason": "TOO_LONG", "maximum": 64}
        return {**shown, "errors": [refused]}
    return shown


def _token(route: APIRoute) -> AccessToken | None:
    return token_wanted(route.dependant) if isinstance(route, JsonRoute) else None


def _parameters(route: APIRoute) -> set[str]:
    """Names of what comes in the query and in headers, dependencies included."""
    pending, names = [route.dependant], set()
    while pending:
        dependant = pending.pop()
        names |= {field.alias for field in [*dependant.query_params, *dependant.header_params]}
        pending += dependant.dependencies
    return names
