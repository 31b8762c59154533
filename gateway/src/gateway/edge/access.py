"""The outermost layer: identity of the request, access log, metrics, the last resort."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ids import parse_id
from chassis.telemetry.context import (
    REQUEST_ID_HEADER,
    TRACEPARENT_HEADER,
    accept_request_id,
    accept_traceparent,
    request_id,
    traceparent,
)
from chassis.telemetry.logging import get_logger
from gateway.edge import metrics
from gateway.problems import CLIENT_GONE, on_unknown_error

_log = get_logger(__name__)

_PROBES = frozenset({"/healthz", "/readyz"})
#: The route of a request that no route is for.
UNMATCHED = "unmatched"

Headers = Iterable[tuple[bytes, bytes]]

# Nothing the API answers is a page: it runs nothing, frames nothing and is not kept; nor does anything here
# belong into a search engine, the page of a share least of all.
_DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex, nofollow"),
)


def identify(headers: Headers) -> None:
    """Give what is served in this context the id and the trace that its head offers, or new ones."""
    offered = {name: value for name, value in headers if name in _IDENTITY}
    request_id.set(accept_request_id(_text(offered.get(_REQUEST_ID))))
    traceparent.set(accept_traceparent(_text(offered.get(_TRACEPARENT))))


def marked(headers: Headers) -> list[tuple[bytes, bytes]]:
    """``headers`` with those that every answer has, the id of its request among them."""
    whole = [*headers, (_REQUEST_ID, request_id.get().encode())]
    present = {name for name, _ in whole}
    whole.extend(entry for entry in _DEFAULT_HEADERS if entry[0] not in present)
    return whole


def tell(
    method: str, route: str, status: int, client: str, *, took: float, whole: float, **more: Any
) -> None:
    """Count the request, and write its one line in the access log.

    ``route`` is a template: nothing that was sent is told but ids, and no query and no body. Both times
    are in seconds; ``took`` is to the start of a stream, ``whole`` to its end.
    """
    method = metrics.method_label(method)
    metrics.count(method, route, status, took)
    # Probes come every few seconds; what they find out is told of where it changes.
    say = _log.debug if route in _PROBES else _log.info
    say(
        "http.request",
        method=method,
        route=route,
        status=status,
        duration_ms=round(whole * 1000, 1),
        client=client,
        **more,
    )


class Access:
    """Gives each request its id and its trace; tells of it afterwards."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        # A copy: the server must still know that this was a HEAD.
        scope = dict(scope)
        identify(scope["headers"])
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - logged with its stack, and answered without its text
            _log.error("http.unhandled", exc_info=error)
            if not answer.status:
                response = await on_unknown_error(Request(scope), error)
                await response(scope, receive, answer)
        finally:
            _tell(scope, answer, began)


class _Answer:
    """The way out: adds the headers that every response has, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.started_at = 0.0
        self.streamed = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started_at = time.perf_counter()
            self.status = message["status"]
            headers = marked(message["headers"])
            self.streamed = any(
                name == b"content-type" and value.startswith(b"text/event-stream")
                for name, value in headers
            )
            message = {**message, "headers": headers}
        await self._send(message)


def _tell(scope: Scope, answer: _Answer, began: float) -> None:
    whole = time.perf_counter() - began
    more: dict[str, Any] = {}
    if ids := _ids(scope.get("path_params") or {}):
        more["ids"] = ids
    if user_id := scope["state"].get("user_id"):
        more["user_id"] = user_id
    tell(
        scope.get("asked_method", scope["method"]),
        getattr(scope.get("route"), "path_format", UNMATCHED),
        # Nothing was sent: the client went away first, or the process is ending.
        answer.status or CLIENT_GONE,
        scope["client"][0] if scope["client"] else "",
        took=answer.started_at - began if answer.streamed else whole,
        whole=whole,
        **more,
    )


def _ids(params: Mapping[str, Any]) -> dict[str, str]:
    """Those that are ids: any other text in a path may be whatever somebody typed there."""
    return {name: value for name, value in params.items() if parse_id(value) is not None}


_REQUEST_ID = REQUEST_ID_HEADER.encode()
_TRACEPARENT = TRACEPARENT_HEADER.encode()
_IDENTITY = frozenset({_REQUEST_ID, _TRACEPARENT})


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
