"""The API's own documents: OpenAPI, and a page to read it with."""

import base64
import hashlib
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway import cookie, problems
from gateway.auth import AccessToken
from gateway.bodies import JsonRoute, token_wanted

_BUNDLE = "https://cdn.jsdelivr.net"
_SCHEMES = {
    "AccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "What a log-in or a refresh hands out, good for minutes.",
    },
    "PersonalAccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "parley_pat_",
        "description": "Made at `/api/v1/tokens`; good for what its scopes name.",
    },
    "RefreshCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": cookie.NAME,
        "description": "The refresh token of a log-in with `use_cookie`; from our own pages, or"
        " from those of a listed origin.",
    },
}

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def describe(app: FastAPI) -> None:
    """Make ``app`` say in its OpenAPI document what FastAPI does not know: that errors are problem
    documents, which tokens open a route, and that a body is left out rather than null.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            schema["components"]["securitySchemes"] = _SCHEMES
            for path in schema["paths"].values():
                for operation in path.values():
                    _mark_problems(operation["responses"])
                    _mark_body(operation)
            for route in app.routes:
                if isinstance(route, JsonRoute) and (wanted := token_wanted(route.dependant)):
                    for method in route.methods or ():
                        _mark_token(schema["paths"][route.path_format][method.lower()], wanted)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to do this


def _mark_problems(responses: dict[str, Any]) -> None:
    for response in responses.values():
        for content in response.get("content", {}).values():
            if content.get("schema", {}).get("$ref", "").endswith("/Problem"):
                response["content"] = {problems.MEDIA_TYPE: content}
                break


def _mark_body(operation: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    match content.get("schema"):
        case {"anyOf": [schema, {"type": "null"}]}:
            content["schema"] = schema


def _mark_token(operation: dict[str, Any], wanted: AccessToken) -> None:
    # Any one of them will do. Which scope it takes stands in the list: OpenAPI 3.1, 4.8.30.
    operation["security"] = [{"AccessToken": []}]
    if wanted.scope is not None:
        operation["security"].append({"PersonalAccessToken": [wanted.scope]})
        operation["description"] += f"\n\nPersonal access tokens need the scope `{wanted.scope}`."
    if not wanted.required:
        operation["security"].append({"RefreshCookie": []})


def documents(openapi_url: str) -> list[BaseRoute]:
    """``/docs``: Swagger UI from a CDN, under a policy that lets nothing else in."""
    page = bytes(
        get_swagger_ui_html(
            openapi_url=openapi_url, title="Parley", swagger_favicon_url="data:,"
        ).body
    )
    # The page's one script of its own is allowed by its hash, so that no other runs.
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in re.findall(_INLINE_SCRIPT.pattern.encode(), page, re.DOTALL)
    )
    policy = (
        f"default-src 'none'; script-src {hashes} {_BUNDLE}; style-src 'unsafe-inline' {_BUNDLE}; "
        "img-src data:; connect-src 'self'; frame-ancestors 'none'"
    )

    async def docs(_request: Request) -> Response:
        return HTMLResponse(page, headers={"content-security-policy": policy})

    return [Route("/docs", docs, include_in_schema=False)]
