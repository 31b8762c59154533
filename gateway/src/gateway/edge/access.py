"""The outermost layer: identity of the request, access log, metrics, the last resort."""

import time
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.telemetry.context import (
    accept_request_id,
    accept_traceparent,
    request_id,
    traceparent,
)
from chassis.telemetry.logging import get_logger
from gateway.edge import metrics
from gateway.edge.proxy import TrustedProxies
from gateway.presence import ClientGone
from gateway.problems import on_unknown_error

_log = get_logger(__name__)

# nginx's number for a client that left before its answer.
_CLIENT_GONE = 499
_PROBES = frozenset({"/healthz", "/readyz"})

# Nothing the API answers is a page: it runs nothing, frames nothing and is not kept.
_DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Access:
    """Gives each request its id, its trace and its client's address; tells of it afterwards.

    The log line holds the route's template and its ids, never the query or a body.
    """

    def __init__(self, app: ASGIApp, *, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        # A copy: the server must still know that this was a HEAD.
        scope = dict(scope)
        offered = _headers(scope, b"x-request-id", b"traceparent")
        request_id.set(accept_request_id(offered.get(b"x-request-id")))
        traceparent.set(accept_traceparent(offered.get(b"traceparent")))
        client, scope["scheme"] = self._proxies.client_of(scope)
        scope["client"] = (client, 0)
        answer = _Answer(send, request_id.get())
        try:
            await self._app(scope, receive, answer)
        except ClientGone:
            answer.status = _CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - logged with its stack, answered with a bare 500
            _log.error("http.unhandled", exc_info=error)
            if not answer.status:
                response = await on_unknown_error(Request(scope), error)
                await response(scope, receive, answer)
        finally:
            _tell(scope, answer, client, began)


class _Answer:
    """The way out: adds the headers that every response has, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.started_at = 0.0
        self.streamed = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started_at = time.perf_counter()
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self._request_id.encode())]
            present = {name for name, _ in headers}
            headers.extend(entry for entry in _DEFAULT_HEADERS if entry[0] not in present)
            self.streamed = any(
                name == b"content-type" and value.startswith(b"text/event-stream")
                for name, value in headers
            )
            message = {**message, "headers": headers}
        await self._send(message)


def _headers(scope: Scope, *names: bytes) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in names}


def _tell(scope: Scope, answer: _Answer, client: str, began: float) -> None:
    ended = time.perf_counter()
    method = metrics.method_label(scope.get("asked_method", scope["method"]))
    route = getattr(scope.get("route"), "path_format", "unmatched")
    # Nothing was sent: the client went away first, or the process is ending.
    status = answer.status or _CLIENT_GONE
    metrics.REQUESTS.labels(method, route, str(status)).inc()
    metrics.SECONDS.labels(method, route).observe(
        (answer.started_at if answer.streamed else ended) - began
    )
    event: dict[str, Any] = {
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round((ended - began) * 1000, 1),
        "client": client,
    }
    if params := scope.get("path_params"):
        event["params"] = params
    if user_id := scope["state"].get("user_id"):
        event["user_id"] = user_id
    # Probes come every few seconds; what they find out is told of where it changes.
    tell = _log.debug if route in _PROBES else _log.info
    tell("http.request", **event)
