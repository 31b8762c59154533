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

from gateway import problems

_BUNDLE = "https://cdn.jsdelivr.net"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def describe(app: FastAPI) -> None:
    """Make ``app`` say in its OpenAPI document that errors are problem documents."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            for path in schema["paths"].values():
                for operation in path.values():
                    _mark_problems(operation["responses"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to do this


def _mark_problems(responses: dict[str, Any]) -> None:
    for response in responses.values():
        content = response.get("content", {}).get("application/json", {})
        if content.get("schema", {}).get("$ref", "").endswith("/Problem"):
            response["content"] = {problems.MEDIA_TYPE: content}


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
