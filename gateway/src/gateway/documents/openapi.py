"""``/openapi.json``: what FastAPI knows of the routes, and what it does not.

That errors are problem documents and which a route can give; which tokens open it; that a body is
left out rather than null; what each operation is called in words.
"""

from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from gateway.documents import requests, texts
from gateway.documents.held import Document
from gateway.documents.refusals import failure, refusals_of, response
from gateway.edge.address import NamedRoute
from gateway.identity.authentication import AccessToken
from gateway.routes.json_route import JsonRoute, token_wanted

_UNAVAILABLE = failure(
    503, "UNAVAILABLE", "Not possible just now, or our own fault; `reason` says why.", waiting=True
)
_MODEL_FAILED = failure(
    502, "PROVIDER_FAILED", "The model did not answer; `reason` says why.", waiting=False
)
# What stands in a path. Whatever is no UUID is the id of nothing, which is said as of any other.
_ID = {"format": "uuid"}
_WORD = {"pattern": r"^[^\x00-\x1f\x7f]+$"}


def describe(app: FastAPI) -> NamedRoute:
    """The route of the document of ``app``'s routes, made once it is asked for."""
    document = Document(lambda: orjson.dumps(build(app)), "application/json")
    return NamedRoute("/openapi.json", document.__call__)


def build(app: FastAPI) -> dict[str, Any]:
    """The document itself."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=texts.DESCRIPTION,
        servers=texts.SERVERS,
        tags=texts.TAGS,
        routes=app.routes,
    )
    components = document["components"]
    components["securitySchemes"] = texts.SCHEMES
    components["headers"] = texts.HEADERS
    components["responses"] = {"Unavailable": _UNAVAILABLE, "ModelFailed": _MODEL_FAILED}
    for schema in components["schemas"].values():
        _tidy(schema)
    _show_pages(components["schemas"])
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                _finish(operation, route, components)
    return document


def _finish(operation: dict[str, Any], route: APIRoute, components: dict[str, Any]) -> None:
    operation.pop("x-reasons", None)
    _name(operation)
    _mark_path(operation)
    _mark_body(operation)
    requests.complete(operation, components)
    wanted = token_wanted(route.dependant) if isinstance(route, JsonRoute) else None
    if wanted is not None:
        _mark_token(operation, wanted)
    else:
        # Said, not left out: tools take silence for whatever holds elsewhere.
        operation.setdefault("security", [])
    _mark_refusals(operation, route, components["responses"])
    for content in operation["responses"]["200"]["content"] if _streams(operation) else ():
        if content == "text/event-stream":
            operation["responses"]["200"]["content"][content]["example"] = texts.EVENTS


def _streams(operation: dict[str, Any]) -> bool:
    return "text/event-stream" in operation["responses"].get("200", {}).get("content", {})


def _name(operation: dict[str, Any]) -> None:
    """The first sentence of what a route promises is its name, the rest its description."""
    name, _, rest = operation["description"].partition("\n\n")
    operation["summary"] = name.rstrip(".")
    operation["description"] = rest


def _mark_path(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["schema"] |= _ID if parameter["name"].endswith("_id") else _WORD


def _mark_body(operation: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    match content.get("schema"):
        case {"anyOf": [schema, {"type": "null"}]}:
            content["schema"] = schema


def _mark_token(operation: dict[str, Any], wanted: AccessToken) -> None:
    # Any one of them will do. Which scope it takes stands in the list: OpenAPI 3.1, 4.8.30.
    operation["security"] = [{"AccessToken": []}]
    if not wanted.scopes:
        opens = "Opened by a log-in alone, not by personal access tokens."
    else:
        operation["security"] += [{"PersonalAccessToken": [scope]} for scope in wanted.scopes]
        named = " or ".join(f"`{scope}`" for scope in wanted.scopes)
        opens = f"Personal access tokens need the scope {named}."
    if not wanted.required:
        operation["security"].append({"RefreshCookie": []})
    if wanted.anybody:
        operation["security"].append({})
        opens = f"No token is needed; with one more may be seen. {opens}"
    operation["description"] = "\n\n".join(filter(None, (operation["description"], opens)))


def _mark_refusals(operation: dict[str, Any], route: APIRoute, shared: dict[str, Any]) -> None:
    responses = operation["responses"]
    for told in ("4XX", "422"):
        responses.pop(told, None)
    for status, reasons in refusals_of(route).items():
        name = ".".join([str(status), *reasons])
        shared.setdefault(name, response(status, reasons))
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    if "5XX" in responses or _is_problem(responses.get("503", {})):
        told = "5XX" if "5XX" in responses else "503"
        responses[told] = {"$ref": "#/components/responses/Unavailable"}
    if _streams(operation) and route.methods == {"POST"}:
        responses["502"] = {"$ref": "#/components/responses/ModelFailed"}


def _is_problem(told: dict[str, Any]) -> bool:
    content = told.get("content", {}).values()
    return any(one.get("schema", {}).get("$ref", "").endswith("/Problem") for one in content)


def _tidy(schema: dict[str, Any]) -> None:
    """Reads examples, and takes out titles that are made of names and defaults of null."""
    if "examples" in schema:
        schema["examples"] = [orjson.loads(text) for text in schema["examples"]]
    for part in schema.get("properties", {}).values():
        part.pop("title", None)
        if part.get("default", ...) is None:
            del part["default"]
        for one in part.get("anyOf", ()):
            one.pop("title", None)


def _show_pages(schemas: dict[str, Any]) -> None:
    """A page's example has the example of what it lists."""
    for name, schema in schemas.items():
        if name.startswith("Page_"):
            item = schema["properties"]["items"]["items"]["$ref"].rpartition("/")[2]
            shown = {"items": schemas[item]["examples"], "next_cursor": None, "total": None}
            schema["examples"] = [shown]
